//! What a message says beside the arguments of its tool: the server behind gets it too, so whoever approves a call has to know of it.
//!
//! What is left out is what a client says anew with every attempt, in the protocol's own words and forms: a name alone opens nothing.

use std::borrow::Cow;

use super::method::Method;
use super::parameters::META;
use crate::json::{Json, Object};
use crate::model::rpc::APPROVAL_INPUT;

/// Members of `_meta` by which traces are joined (W3C Trace Context and Baggage); texts.
const TRACE: [&str; 3] = ["traceparent", "tracestate", "baggage"];
/// What can become of somebody who was sent to a URL (MCP, `ElicitResult`).
const ANSWERS: [&str; 3] = ["accept", "decline", "cancel"];

type Member<'a> = (Cow<'a, str>, Json<'a>);

/// The members of `document` and of its `params` that are neither its frame, nor arguments, nor what `method` is about; none if
/// there are no others.
pub(super) fn rest<'a>(document: &Json<'a>, method: &Method) -> Option<Json<'a>> {
    let mut kept = Vec::new();
    for (name, value) in document.as_object()?.iter() {
        match (name, value) {
            ("jsonrpc" | "id" | "method", _) => {}
            ("params", Json::Object(params)) => of_params(params, method, &mut kept),
            _ => kept.push(member(name, value)),
        }
    }
    if kept.is_empty() {
        return None;
    }
    Object::new(kept).map(Json::Object)
}

fn of_params<'a>(params: &Object<'a>, method: &Method, kept: &mut Vec<Member<'a>>) {
    let target = method.target.map(|(name, _)| name);
    for (name, value) in params.iter() {
        let left = match name {
            "arguments" => None,
            _ if Some(name) == target => None,
            "_meta" => without(value, is_of_the_protocol),
            "inputResponses" => without(value, is_our_answer),
            _ => Some(value.clone()),
        };
        kept.extend(left.map(|value| (Cow::Owned(name.to_owned()), value)));
    }
}

/// An object without some of its members; none if those are all that it has.
fn without<'a>(value: &Json<'a>, out: fn(&str, &Json<'_>) -> bool) -> Option<Json<'a>> {
    let Json::Object(object) = value else {
        return Some(value.clone());
    };
    let left = object.iter().filter(|(name, value)| !out(name, value));
    let left: Vec<Member<'a>> = left.map(|(name, value)| member(name, value)).collect();
    let all_left_out = left.is_empty();
    Object::new(left)
        .filter(|_| !all_left_out)
        .map(Json::Object)
}

fn member<'a>(name: &str, value: &Json<'a>) -> Member<'a> {
    (Cow::Owned(name.to_owned()), value.clone())
}

/// Which revision is spoken, by whom, and how far it is; no server may do something else because of it.
fn is_of_the_protocol(name: &str, value: &Json<'_>) -> bool {
    META.contains(&name) || (TRACE.contains(&name) && value.as_str().is_some())
}

/// That somebody was sent to the approval, and nothing beside: who answers for a page brings no content.
fn is_our_answer(name: &str, value: &Json<'_>) -> bool {
    let Some(answer) = value.as_object().filter(|_| name == APPROVAL_INPUT) else {
        return false;
    };
    let action = answer.get("action").and_then(Json::as_str);
    let nothing = |value: &Json<'_>| match value {
        Json::Null => true,
        Json::Object(content) => content.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => false,
    };
    let mut others = answer.iter().filter(|(name, _)| *name != "action");
    action.is_some_and(|action| ANSWERS.contains(&action))
        && others.all(|(name, value)| name == "content" && nothing(value))
}
