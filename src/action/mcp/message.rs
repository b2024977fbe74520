//! From a JSON document to a message: JSON-RPC 2.0, as narrow as MCP has it.
//!
//! What one reader could take for something else is refused: several messages, a request without an id, an answer that is
//! a request too, members that nobody knows, and names that differ from known ones only in case.

use std::sync::Arc;

use super::method::{Method, RESPOND, is_notification};
use super::parameters::{self, MAX_WORD, id, only};
use super::revision::Revision;
use super::{disagrees, wrong};
use crate::json::{Json, Object};
use crate::model::reason::Reason;
use crate::model::rpc::{RpcFacts, RpcKind};
use crate::model::verdict::Denial;

/// The members of `params` that name what a message is about.
const NAMES: [&str; 3] = ["name", "uri", "taskId"];
/// What a message can have.
const TOP: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// None if nobody knows the method.
    pub(super) method: Option<&'static Method>,
    /// The name, URI or task that it is about.
    pub(super) target: Option<Arc<str>>,
    /// The revision that its `_meta` names.
    pub(super) version: Option<Arc<str>>,
    /// Whether it was read here, not only by Envoy, which does not tell all of it.
    pub(super) read: bool,
}

impl Message {
    /// The revision that `_meta` names is the header's. Without sessions, requests must name it.
    pub(super) fn check_version(&self, revision: Revision, kind: &RpcKind) -> Result<(), Denial> {
        let must = self.read && matches!(kind, RpcKind::Request(_)) && !revision.has_sessions();
        match self.version.as_deref() {
            None if must => Err(disagrees("`MCP-Protocol-Version`")),
            Some(version) if !revision.is_stated_as(version) => {
                Err(disagrees("`MCP-Protocol-Version`"))
            }
            _ => Ok(()),
        }
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The document as a message: what an answer to it needs, as far as that can be read for certain, and what it asks for.
pub(super) fn read(document: &Json<'_>) -> (Option<RpcFacts>, Result<Message, Denial>) {
    let top = match document {
        Json::Object(top) => top,
        Json::Array(_) => {
            let cause = "the body is an array of messages";
            return (None, Err(Denial::new(Reason::BatchRefused).because(cause)));
        }
        _ => return (None, Err(wrong("the body is no object"))),
    };
    if let Err(denial) = only(top, &TOP, "the message") {
        return (None, Err(denial));
    }
    match kind(top) {
        Ok(kind) => (Some(facts(top, kind.clone())), message(top, &kind)),
        Err(denial) => (None, Err(denial)),
    }
}

/// Whether somebody waits for an answer (JSON-RPC 2.0, sections 4 and 5).
fn kind(top: &Object<'_>) -> Result<RpcKind, Denial> {
    let id = top.get("id").map(id).transpose()?;
    let answers = top.get("result").is_some() || top.get("error").is_some();
    match (method_of(top)?, id) {
        (None, Some(_)) if answers => Ok(RpcKind::Response),
        (None, _) => Err(wrong("the message has no method")),
        (Some(_), _) if answers => Err(wrong("the message is a request and a response")),
        (Some(_), Some(id)) => Ok(RpcKind::Request(id)),
        (Some(_), None) => Ok(RpcKind::Notification),
    }
}

fn method_of<'a>(top: &'a Object<'_>) -> Result<Option<&'a str>, Denial> {
    let Some(method) = top.get("method") else {
        return Ok(None);
    };
    let fit = |text: &&str| !text.is_empty() && text.len() <= MAX_WORD;
    let method = method.as_str().filter(fit);
    method
        .map(Some)
        .ok_or_else(|| wrong("the method is no text, or a long one"))
}

/// What the caller says, for the answer; a name that is long is left out.
fn facts(top: &Object<'_>, kind: RpcKind) -> RpcFacts {
    let method = top.get("method").and_then(Json::as_str).map(Arc::from);
    let params = top.get("params").and_then(Json::as_object);
    let named = |member| params.and_then(|params| params.get(member)?.as_str());
    let name = NAMES.into_iter().find_map(named);
    RpcFacts {
        kind,
        method,
        name: name.filter(|name| name.len() <= MAX_WORD).map(Arc::from),
        revision: None,
        elicits_url: params.is_some_and(parameters::elicits_url),
    }
}

fn message(top: &Object<'_>, kind: &RpcKind) -> Result<Message, Denial> {
    if top.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
        return Err(wrong("`jsonrpc` is not `2.0`"));
    }
    let Some(name) = method_of(top)? else {
        return response(top);
    };
    if is_notification(name) != (*kind == RpcKind::Notification) {
        return Err(wrong(
            "a notification has no id, and everything else has one",
        ));
    }
    let params = match top.get("params") {
        None => None,
        Some(Json::Object(params)) => Some(params),
        Some(_) => return Err(wrong("`params` is no object")),
    };
    let version = params.map(parameters::version).transpose()?.flatten();
    let (method, target) = match Method::of(name) {
        Some(method) if *kind != RpcKind::Notification => parameters::about(method, params)?,
        method => (method, None),
    };
    Ok(Message {
        method,
        target,
        version,
        read: true,
    })
}

/// An answer to the server has a result or an error.
fn response(top: &Object<'_>) -> Result<Message, Denial> {
    let both = top.get("result").is_some() == top.get("error").is_some();
    let mut content = [top.get("result"), top.get("error")].into_iter().flatten();
    if both || top.get("params").is_some() || content.any(|it| it.as_object().is_none()) {
        return Err(wrong("a response has one object, as result or as error"));
    }
    Ok(Message {
        method: Method::without_name(RESPOND),
        target: None,
        version: None,
        read: true,
    })
}
