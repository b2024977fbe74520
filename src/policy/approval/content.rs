//! What of a call an approval is bound to, and what approvers are shown of it.

use std::borrow::Cow;
use std::sync::Arc;

use super::Bind;
use super::body::{BodyDigest, digest_of_body};
use super::form::{all_of, canonical, chosen, hex, member, object, text, values};
use crate::json::{Json, Limits, MAX_SAFE_INTEGER, read};
use crate::keys::sha256;
use crate::model::approval::Details;
use crate::model::facts::Facts;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Action, Asked, Operation};
use crate::model::verdict::Denial;

/// What of the call is bound, in canonical form as far as it is shown.
pub(super) struct Content<'a> {
    /// None if none are bound.
    args: Option<Cow<'a, str>>,
    /// What a message says beside them, where all of them are bound.
    rest: Option<&'a str>,
    params: Option<Json<'a>>,
    query: Option<Json<'a>>,
    body: Option<BodyDigest<'a>>,
    /// What is called: none for what has no name of its own.
    operation: Cow<'a, str>,
    /// Where all of the call is bound.
    host: Option<&'a str>,
}

impl<'a> Content<'a> {
    pub(super) fn of(facts: &Facts<'a>, bind: &Bind) -> Result<Self, Denial> {
        let (asked, request) = (facts.asked, facts.request);
        let read_already = bind.everything && !asked.action.args.is_empty();
        let of_body = bind.covers("body") && asked.said.is_none() && !read_already;
        let params = if bind.covers("params") {
            Some(values(&asked.params, |_| true))
        } else {
            chosen(&asked.params, bind.members("params"))
        };
        Ok(Self {
            args: arguments(asked, bind)?,
            rest: rest(asked, bind)?,
            params,
            query: query(request, bind),
            body: if of_body {
                digest_of_body(request)?
            } else {
                None
            },
            operation: operation(facts, bind),
            host: bind.everything.then_some(request.host.as_str()),
        })
    }

    /// The one value that stands for it. What it is bound to is part of it: the same digest of all arguments and of one of them
    /// would be two approvals in one.
    pub(super) fn bound<'b>(&'b self, bind: &'b Bind) -> Json<'b> {
        let digest = |of: Option<&str>| {
            let digest = of.map(|of| hex(&sha256(of.as_bytes())));
            digest.map_or(Json::Null, |digest| Json::String(Cow::Owned(digest)))
        };
        let body = self.body.as_ref().map(|body| {
            let BodyDigest {
                digest,
                of: [kind, encoding],
            } = body;
            object(vec![
                member("digest", Json::String(Cow::Owned(hex(digest)))),
                member("type", text(kind)),
                member("encoding", text(encoding)),
            ])
        });
        object(vec![
            member("bind", named(bind)),
            member("args", digest(self.args.as_deref())),
            member("rest", digest(self.rest)),
            member("params", self.params.clone().unwrap_or(Json::Null)),
            member("query", self.query.clone().unwrap_or(Json::Null)),
            member("body", body.unwrap_or(Json::Null)),
            member("operation", text(&self.operation)),
            member("host", self.host.map_or(Json::Null, text)),
        ])
    }

    pub(super) fn details(&self, facts: &Facts<'_>, weighed: bool) -> Result<Details, Denial> {
        let shown = |json: &Option<Json<'_>>| {
            let some = json
                .as_ref()
                .filter(|json| json.as_object().is_none_or(|it| !it.is_empty()));
            some.map(|json| canonical(json).map(Arc::from)).transpose()
        };
        let AccessRequest {
            method, host, path, ..
        } = facts.request;
        let operation = match facts.asked.target.as_deref() {
            Some(target) => Arc::from(format!("{} {target}", self.operation)),
            None => Arc::from(self.operation.as_ref()),
        };
        Ok(Details {
            operation: Some(operation),
            arguments: self.args.as_ref().map(|text| Arc::from(text.as_ref())),
            rest: self.rest.map(Arc::from),
            params: shown(&self.params)?,
            query: shown(&self.query)?,
            body: self.body.as_ref().map(|body| body.digest),
            request: Some(Arc::from(format!("{method} {host}{path}"))),
            workload: facts.workload.map(Arc::from),
            risk: weighed.then_some(facts.risk),
        })
    }
}

fn named(bind: &Bind) -> Json<'_> {
    if bind.everything {
        return text("everything");
    }
    Json::Array(bind.names.iter().map(|name| text(name)).collect())
}

/// An action may stand for several methods and paths. The method is always part of what is approved, and so is what a gRPC call
/// calls; the path where everything is, whatever of it is a parameter. What a message is about is in the key.
fn operation<'a>(facts: &Facts<'a>, bind: &Bind) -> Cow<'a, str> {
    let AccessRequest { method, path, .. } = facts.request;
    match &facts.asked.said {
        Some(said) => Cow::Borrowed(&said.method),
        None if bind.everything || is_grpc(&facts.asked.action) => {
            Cow::Owned(format!("{method} {path}"))
        }
        None => Cow::Borrowed(method),
    }
}

fn is_grpc(action: &Action) -> bool {
    let mut operations = action.operations.iter();
    operations.any(|it| matches!(it, Operation::Grpc { .. }))
}

/// All arguments, declared or not, or those that are chosen; none if there are none.
fn arguments<'a>(asked: &'a Asked, bind: &Bind) -> Result<Option<Cow<'a, str>>, Denial> {
    if bind.covers("args") {
        let all = asked.canonical_arguments.as_deref();
        return Ok(whole(all, asked.arguments_without_digest)?.map(Cow::Borrowed));
    }
    let chosen = chosen(&asked.args, bind.members("args"));
    let text = chosen.map(|json| canonical(&json)).transpose()?;
    Ok(text.map(Cow::Owned))
}

/// What a message says beside its arguments: bound with all of them.
fn rest<'a>(asked: &'a Asked, bind: &Bind) -> Result<Option<&'a str>, Denial> {
    match &asked.said {
        Some(said) if bind.covers("args") => whole(said.rest.as_deref(), said.without_digest),
        _ => Ok(None),
    }
}

fn query<'a>(request: &'a AccessRequest, bind: &Bind) -> Option<Json<'a>> {
    if bind.covers("query") {
        return Some(all_of(&request.query, |_| true));
    }
    let names: Vec<&str> = bind.members("query").collect();
    (!names.is_empty()).then(|| all_of(&request.query, |name| names.contains(&name)))
}

/// A canonical form that every reader reads alike.
fn whole(canonical: Option<&str>, without: bool) -> Result<Option<&str>, Denial> {
    let unsafe_number = || {
        let cause =
            "an approval is bound to the arguments, and a number among them is outside ±(2^53 − 1)";
        Denial::new(Reason::ArgumentInvalid).because(cause)
    };
    if without {
        return Err(unsafe_number());
    }
    let Some(text) = canonical else {
        return Ok(None);
    };
    // An integer that fits no 64 bits was rounded when it was read: other readers have another one.
    let again = read(text.as_bytes(), &Limits::default()).map_err(|_error| unsafe_number())?;
    if has_gaps(&again) {
        Err(unsafe_number())
    } else {
        Ok(Some(text))
    }
}

/// Whether a number in it is one of several that are one double.
fn has_gaps(json: &Json<'_>) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::String(_) => false,
        Json::Number(number) => {
            #[expect(clippy::cast_precision_loss, reason = "2^53 − 1 is a double")]
            let largest = MAX_SAFE_INTEGER as f64;
            number.as_double().abs() > largest
        }
        Json::Array(items) => items.iter().any(has_gaps),
        Json::Object(object) => object.iter().any(|(_, value)| has_gaps(value)),
    }
}
