//! What Envoy's MCP filter says about a message: it read the body too, and hands on what it found.
//!
//! It lets pass what it did not understand, and says so in fields of its own. So what it says counts only if it says
//! that all is well.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disagrees;
use super::message::Message;
use super::parameters::META_VERSION;
use crate::json::MAX_SAFE_INTEGER;
use crate::model::request::AccessRequest;
use crate::model::rpc::{RpcFacts, RpcId, RpcKind};
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// The namespace of Envoy's MCP filter.
const FILTER: &str = "envoy.filters.http.mcp";
/// A namespace in which other proxies say the same: compared, never believed.
const PROXY: &str = "mcp_proxy";
/// What Envoy calls the answer of a client.
const RESPONSE: &str = "__jsonrpc_response";
/// The members of `params` that can name what a message is about.
const TARGETS: [&str; 3] = ["name", "uri", "taskId"];

type Fields = BTreeMap<Arc<str>, Value>;

/// What one namespace says of a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stated {
    pub(super) method: Arc<str>,
    /// What it is about, by the member of `params`.
    targets: Vec<(&'static str, Arc<str>)>,
    pub(super) id: Option<RpcId>,
    /// The revision that `_meta` names.
    pub(super) version: Option<Arc<str>>,
}

/// What a request's metadata says; nothing that is not sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// What the filter that read the body says.
    pub(super) filter: Option<Stated>,
    proxy: Option<Stated>,
}

impl Metadata {
    pub(super) fn of(request: &AccessRequest) -> Self {
        let stated = |namespace: &str| match request.metadata.get(namespace) {
            Some(Value::Map(fields)) => sound(fields),
            _ => None,
        };
        Self {
            filter: stated(FILTER),
            proxy: stated(PROXY),
        }
    }

    /// Everything that is said must be what the message says.
    pub(super) fn agree(&self, rpc: &RpcFacts, message: &Message) -> Result<(), Denial> {
        let each = [&self.filter, &self.proxy].into_iter().flatten();
        for stated in each {
            stated.agrees(rpc, message)?;
        }
        Ok(())
    }

    /// Whether anything is said at all.
    pub(super) fn is_silent(&self) -> bool {
        self.filter.is_none() && self.proxy.is_none()
    }
}

impl Stated {
    /// What `params.{member}` is.
    pub(super) fn target(&self, member: &str) -> Option<&Arc<str>> {
        let mut targets = self.targets.iter();
        targets.find_map(|(name, value)| (*name == member).then_some(value))
    }

    /// What an answer to the message needs.
    pub(super) fn facts(&self) -> RpcFacts {
        let (kind, method) = match (&self.id, self.method.as_ref()) {
            (_, RESPONSE) => (RpcKind::Response, None),
            (Some(id), _) => (RpcKind::Request(id.clone()), Some(&self.method)),
            (None, _) => (RpcKind::Notification, Some(&self.method)),
        };
        RpcFacts {
            kind,
            method: method.cloned(),
            name: TARGETS
                .into_iter()
                .find_map(|name| self.target(name))
                .cloned(),
            revision: None,
            elicits_url: false,
        }
    }

    fn agrees(&self, rpc: &RpcFacts, message: &Message) -> Result<(), Denial> {
        let facts = self.facts();
        if facts.method != rpc.method
            || (facts.kind == RpcKind::Response) != (rpc.kind == RpcKind::Response)
        {
            return Err(disagrees("the method in Envoy's metadata"));
        }
        if let (Some(id), RpcKind::Request(own)) = (&self.id, &rpc.kind)
            && id != own
        {
            return Err(disagrees("the id in Envoy's metadata"));
        }
        let member = message.method.and_then(|method| method.target);
        let stated = member.and_then(|(member, _)| self.target(member));
        if stated.is_some() && stated != message.target.as_ref() {
            return Err(disagrees("the name in Envoy's metadata"));
        }
        Ok(())
    }
}

/// Reads what a filter says, if it says that it read a whole message and found nothing strange in it.
fn sound(fields: &Fields) -> Option<Stated> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let is = |name: &str, truth| fields.get(name) == Some(&Value::Bool(truth));
    let whole = !fields.contains_key("is_exceeding_limit") || is("is_exceeding_limit", false);
    let well = is("is_mcp_request", true) && text("status") == Some("mcp_ok") && whole;
    if !well || fields.contains_key("passthrough_reason") || text("jsonrpc") != Some("2.0") {
        return None;
    }
    let method = text("method").filter(|method| !method.is_empty())?;
    let id = fields.get("id").map(id);
    if id == Some(None) {
        return None;
    }
    let meta = match parameter(fields, "_meta").ok()? {
        Some(Value::Map(meta)) => meta.get(META_VERSION),
        _ => None,
    };
    let mut targets = Vec::new();
    for member in TARGETS {
        match parameter(fields, member).ok()? {
            Some(Value::String(text)) => targets.push((member, Arc::clone(text))),
            Some(_) => return None,
            None => {}
        }
    }
    Some(Stated {
        method: Arc::from(method),
        targets,
        id: id.flatten(),
        version: meta.and_then(Value::as_str).map(Arc::from),
    })
}

/// The id; metadata has doubles only.
fn id(id: &Value) -> Option<RpcId> {
    match id {
        Value::String(text) => Some(RpcId::Text(Arc::clone(text))),
        Value::Double(number) => whole(*number).map(RpcId::Number),
        Value::Int(number) => Some(RpcId::Number(*number)),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a whole number of at most 53 bits is exact in both"
)]
fn whole(number: f64) -> Option<i64> {
    let fits = number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER as f64;
    fits.then_some(number as i64)
}

/// Metadata that says two things of one member, or whose `params` are no map.
struct Contradiction;

/// `params.{member}`, nested or with a dot in its name.
fn parameter<'a>(fields: &'a Fields, member: &str) -> Result<Option<&'a Value>, Contradiction> {
    let nested = match fields.get("params") {
        None => None,
        Some(Value::Map(params)) => params.get(member),
        Some(_) => return Err(Contradiction),
    };
    let flat = fields.get(format!("params.{member}").as_str());
    match (nested, flat) {
        (Some(one), Some(other)) if one != other => Err(Contradiction),
        (one, other) => Ok(one.or(other)),
    }
}
