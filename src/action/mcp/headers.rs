//! What a request's headers say about its message.
//!
//! They are for those who cannot read bodies, and the server need not look at them: nothing is believed because a header
//! says it, and a header that says something else than the message is refused.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::disagrees;
use super::method::Method;
use crate::json::{Json, Object};
use crate::model::header::{self, MCP_PARAM};
use crate::model::request::Headers;
use crate::model::verdict::Denial;

/// What a value that is no plain text is wrapped in.
const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Whether a request says anything about a message in headers.
pub(super) fn any(headers: &Headers) -> bool {
    let named = |name: &str| {
        name == header::MCP_METHOD || name == header::MCP_NAME || name.starts_with(MCP_PARAM)
    };
    headers.iter().any(|(name, _)| named(name))
}

/// Whether there is a header that repeats an argument.
pub(super) fn any_argument(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| name.starts_with(MCP_PARAM))
}

/// What the headers of a request say about method and target.
pub(super) struct Stated<'a> {
    pub(super) headers: &'a Headers,
    /// Whether they must say it, as they must in the revision without sessions.
    pub(super) required: bool,
}

impl Stated<'_> {
    /// It must be what the message says; a response has no method.
    pub(super) fn agrees(
        &self,
        method: Option<&str>,
        known: Option<&Method>,
        target: Option<&str>,
    ) -> Result<(), Denial> {
        match self.headers.get(header::MCP_METHOD) {
            None if self.required => return Err(disagrees("no `Mcp-Method`")),
            Some(stated) if Some(stated) != method => return Err(disagrees("`Mcp-Method`")),
            _ => {}
        }
        match self
            .headers
            .get(header::MCP_NAME)
            .map(decoded)
            .transpose()?
        {
            None if self.required && known.is_some_and(|known| known.named) => {
                Err(disagrees("no `Mcp-Name`"))
            }
            Some(stated) if Some(stated.as_ref()) != target => Err(disagrees("`Mcp-Name`")),
            _ => Ok(()),
        }
    }
}

/// Every `Mcp-Param-{Name}` must be the text of the argument of that name. Which argument a tool's definition means is
/// not in the request; header names have no case, so one that two arguments could be is none.
pub(super) fn agree_with_arguments(
    headers: &Headers,
    arguments: Option<&Object<'_>>,
) -> Result<(), Denial> {
    let mut stated = headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(MCP_PARAM)?, value)))
        .peekable();
    if stated.peek().is_none() {
        return Ok(());
    }
    // Once by name: hundreds of headers are not each looked for among thousands of arguments.
    let mut named: HashMap<String, Option<&Json<'_>>> = HashMap::new();
    for (name, argument) in arguments.into_iter().flat_map(Object::iter) {
        let one = named.entry(name.to_ascii_lowercase());
        one.and_modify(|one| *one = None).or_insert(Some(argument));
    }
    for (name, value) in stated {
        let Some(Some(argument)) = named.get(name) else {
            return Err(disagrees("a header `Mcp-Param-…` without its argument"));
        };
        if text_of(argument).as_deref() != Some(decoded(value)?.as_ref()) {
            return Err(disagrees("`Mcp-Param-…`"));
        }
    }
    Ok(())
}

/// An argument as a header writes it; only texts, whole numbers and truth values stand in headers.
fn text_of<'a>(argument: &'a Json<'_>) -> Option<Cow<'a, str>> {
    match argument {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Bool(truth) => Some(Cow::Owned(truth.to_string())),
        Json::Number(number) => Some(Cow::Owned(number.as_safe_integer()?.to_string())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The value of a header: itself, or what `=?base64?…?=` wraps. What only looks like that is refused, because somebody
/// else may unwrap it.
fn decoded(value: &str) -> Result<Cow<'_, str>, Denial> {
    let looks = value
        .get(..OPEN.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(OPEN));
    if !looks {
        return Ok(Cow::Borrowed(value));
    }
    let inner = value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE));
    let text = inner
        .and_then(|inner| STANDARD.decode(inner).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Cow::Owned)
        .ok_or_else(|| disagrees("a header that looks like `=?base64?…?=` and is not,"))
}
