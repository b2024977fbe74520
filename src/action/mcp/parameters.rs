//! What a message's `params` hold: what the method needs, what it may have, and nothing else.

use std::sync::Arc;

use super::method::{Member, Method, STREAM, SUBSCRIBE, Shape};
use super::wrong;
use crate::json::{Json, Number, Object, folds_to};
use crate::model::rpc::{APPROVAL_INPUT, RpcId};
use crate::model::verdict::Denial;

/// Longest id and method, in bytes.
pub(super) const MAX_WORD: usize = 256;
/// Longest name or URI, in bytes.
const MAX_TARGET: usize = 4096;
/// The member of `_meta` that repeats the revision.
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The member of `_meta` that says what the client can do.
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The resources whose changes a stream tells.
const WATCHED: &str = "resourceSubscriptions";
/// What a stream can tell. Extensions add names of their own, such as tasks to watch, and some servers take these names
/// in other spellings (`resource_subscriptions`): nobody decided about those.
const TOLD: [&str; 4] = [
    "promptsListChanged",
    "resourcesListChanged",
    "toolsListChanged",
    WATCHED,
];
/// What is known of `_meta`; anybody may put more there.
pub(super) const META: [&str; 5] = [
    "progressToken",
    META_VERSION,
    "io.modelcontextprotocol/clientInfo",
    META_CAPABILITIES,
    "io.modelcontextprotocol/logLevel",
];

/// A method, if it is known, and what it is about.
pub(super) type About = (Option<&'static Method>, Option<Arc<str>>);

/// The method and what it is about. To listen for changes of a resource is to subscribe to it.
pub(super) fn about(method: &'static Method, params: Option<&Object<'_>>) -> Result<About, Denial> {
    let target = parameters(method, params)?;
    if method.name == STREAM
        && let Some(uri) = params.map(watched).transpose()?.flatten()
    {
        return Ok((Method::of(SUBSCRIBE), Some(uri)));
    }
    Ok((Some(method), target))
}

/// The resource whose changes a stream tells. There is one: what is decided is decided about a resource.
fn watched(params: &Object<'_>) -> Result<Option<Arc<str>>, Denial> {
    let wanted = params.get("notifications").and_then(Json::as_object);
    let wanted = wanted.ok_or_else(|| wrong("`params.notifications` is no object"))?;
    only(wanted, &TOLD, "`params.notifications`")?;
    let Some(uris) = wanted.get(WATCHED) else {
        return Ok(None);
    };
    match uris.as_array() {
        Some([]) => Ok(None),
        Some([uri]) => target(uri.as_str(), WATCHED).map(Some),
        _ => Err(wrong("a stream tells the changes of one resource")),
    }
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

/// The revision that `_meta` names.
pub(super) fn version(params: &Object<'_>) -> Result<Option<Arc<str>>, Denial> {
    let Some(version) = meta(params)?.and_then(|meta| meta.get(META_VERSION)) else {
        return Ok(None);
    };
    let text = version.as_str().map(Arc::from).map(Some);
    text.ok_or_else(|| wrong("the version in `params._meta` is no text"))
}

/// Whether `_meta` declares that the client sends people to a URL, and nobody has answered that they do not go. What is
/// written in another way declares nothing.
pub(super) fn elicits_url(params: &Object<'_>) -> bool {
    let meta = params.get("_meta").and_then(Json::as_object);
    let capabilities = meta.and_then(|meta| meta.get(META_CAPABILITIES)?.as_object());
    let elicitation = capabilities.and_then(|it| it.get("elicitation")?.as_object());
    let declared = elicitation.and_then(|it| it.get("url")?.as_object());
    let inputs = params.get("inputResponses").and_then(Json::as_object);
    let answered = inputs.and_then(|inputs| inputs.get(APPROVAL_INPUT));
    let went = answered.and_then(|it| it.as_object()?.get("action")?.as_str());
    declared.is_some() && (answered.is_none() || went == Some("accept"))
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
    target(params.get(member).and_then(Json::as_str), member).map(Some)
}

fn target(text: Option<&str>, member: &str) -> Result<Arc<str>, Denial> {
    let fit =
        |text: &&str| (1..=MAX_TARGET).contains(&text.len()) && !text.chars().any(char::is_control);
    text.filter(fit)
        .map(Arc::from)
        .ok_or_else(|| wrong(&format!("`{member}` is empty, long or no text")))
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

/// An id, or a token of the same shape.
pub(super) fn id(id: &Json<'_>) -> Result<RpcId, Denial> {
    let number = id.as_number().and_then(Number::as_safe_integer);
    let text = id.as_str().filter(|text| text.len() <= MAX_WORD);
    match (number, text) {
        (Some(number), _) => Ok(RpcId::Number(number)),
        (None, Some(text)) => Ok(RpcId::Text(Arc::from(text))),
        (None, None) => Err(wrong("the id is no text and no whole number")),
    }
}

/// Refuses members that are not among `known`.
pub(super) fn only(object: &Object<'_>, known: &[&str], what: &str) -> Result<(), Denial> {
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
