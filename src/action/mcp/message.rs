//! From a JSON document to a message: JSON-RPC 2.0, as narrow as MCP has it.
//!
//! What one reader could take for something else is refused: several messages, a request without an id, an answer that is
//! a request too, members that nobody knows, and names that differ from known ones only in case.

use std::sync::Arc;

use super::method::{Member, Method, RESPOND, Shape, is_notification};
use super::revision::Revision;
use super::{disagrees, wrong};
use crate::json::{Json, Object, folds_to};
use crate::model::reason::Reason;
use crate::model::rpc::{RpcFacts, RpcId, RpcKind};
use crate::model::verdict::Denial;

/// Longest id and method, in bytes.
const MAX_WORD: usize = 256;
/// Longest name or URI, in bytes.
const MAX_TARGET: usize = 4096;
/// The members of `params` that name what a message is about.
const NAMES: [&str; 3] = ["name", "uri", "taskId"];
/// The member of `_meta` that repeats the revision.
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What a message can have.
const TOP: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// What is known of `_meta`; anybody may put more there.
const META: [&str; 5] = [
    "progressToken",
    META_VERSION,
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
];

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

fn id(id: &Json<'_>) -> Result<RpcId, Denial> {
    let number = id.as_number().and_then(|number| number.as_safe_integer());
    let text = id.as_str().filter(|text| text.len() <= MAX_WORD);
    match (number, text) {
        (Some(number), _) => Ok(RpcId::Number(number)),
        (None, Some(text)) => Ok(RpcId::Text(Arc::from(text))),
        (None, None) => Err(wrong("the id is no text and no whole number")),
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
    let meta = params.map(meta).transpose()?.flatten();
    let version = meta.map(version).transpose()?.flatten();
    let method = Method::of(name);
    let target = match method {
        Some(method) if *kind != RpcKind::Notification => parameters(method, params)?,
        _ => None,
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

fn meta<'a, 'b>(params: &'a Object<'b>) -> Result<Option<&'a Object<'b>>, Denial> {
    let lookalike = params.iter().any(|(name, _)| folds_to(name, "_meta"));
    let meta = match params.get("_meta") {
        None if !lookalike => return Ok(None),
        Some(Json::Object(meta)) if !lookalike => meta,
        _ => return Err(wrong("`params._meta` is no object, or differently written")),
    };
    let mut names = meta.iter().map(|(name, _)| name);
    if names.any(|name| META.iter().any(|known| folds_to(name, known))) {
        return Err(wrong(
            "a member of `params._meta` differs from a known one in case",
        ));
    }
    let token = meta.get("progressToken");
    token.map(id).transpose()?;
    Ok(Some(meta))
}

fn version(meta: &Object<'_>) -> Result<Option<Arc<str>>, Denial> {
    let Some(version) = meta.get(META_VERSION) else {
        return Ok(None);
    };
    let text = version.as_str().map(Arc::from).map(Some);
    text.ok_or_else(|| wrong("the version in `params._meta` is no text"))
}

/// Checks what the method's `params` hold, and returns what it is about.
fn parameters(method: &Method, params: Option<&Object<'_>>) -> Result<Option<Arc<str>>, Denial> {
    let empty = Object::default();
    let params = params.unwrap_or(&empty);
    let names: Vec<&str> = method.members.iter().map(|member| member.name).collect();
    only(params, &[names.as_slice(), &["_meta"]].concat(), "`params`")?;
    for member in method.members {
        check(member, params.get(member.name))?;
    }
    let Some((member, _)) = method.target else {
        return Ok(None);
    };
    let text = params.get(member).and_then(Json::as_str);
    let fit =
        |text: &&str| (1..=MAX_TARGET).contains(&text.len()) && !text.chars().any(char::is_control);
    match text.filter(fit) {
        Some(text) => Ok(Some(Arc::from(text))),
        None => Err(wrong(&format!(
            "`params.{member}` is empty, long or no text"
        ))),
    }
}

fn check(member: &Member, value: Option<&Json<'_>>) -> Result<(), Denial> {
    let Member {
        name,
        shape,
        required,
    } = member;
    let fits = match (value, shape) {
        (None, _) => !required,
        (Some(value), Shape::Text) => value.as_str().is_some(),
        (Some(value), Shape::Object) => value.as_object().is_some(),
    };
    if fits {
        return Ok(());
    }
    Err(wrong(&format!(
        "`params.{name}` is missing or of another type"
    )))
}

/// Refuses members that are not among `known`.
fn only(object: &Object<'_>, known: &[&str], what: &str) -> Result<(), Denial> {
    let Some((other, _)) = object.iter().find(|(name, _)| !known.contains(name)) else {
        return Ok(());
    };
    let near = known.iter().find(|name| folds_to(other, name));
    Err(match near {
        Some(name) => wrong(&format!(
            "{what} has a member that differs from `{name}` in case"
        )),
        None => wrong(&format!("{what} has a member that does not belong there")),
    })
}
