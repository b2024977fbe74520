//! What exactly is approved: a digest of who asks for what, and of what of the call the approval is bound to.
//!
//! Two calls have one key only if an approver would see the same of both. So what is not known for certain, because Envoy did not
//! send it whole or because readers differ about it, is refused, and nothing that the client says about its approval is looked at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Bind, Matter};
use crate::json::{Json, Limits, MAX_SAFE_INTEGER, Number, Object, read};
use crate::keys::sha256;
use crate::model::approval::{ApprovalKey, Details};
use crate::model::facts::Facts;
use crate::model::party::{Party, PartyId};
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity, Query};
use crate::model::route::{Action, Asked, Operation};
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// What is digested first, so that no other digest is ever taken for a key.
const PREFIX: &[u8] = b"authz-approval/v1\0";

type Member<'a> = (Cow<'a, str>, Json<'a>);

/// What an approval of this call is about. `proof` is the key that the caller's credential is bound to.
pub(in crate::policy) fn matter(
    facts: &Facts<'_>,
    tenant: Option<&Arc<str>>,
    proof: Option<&str>,
    bind: &Bind,
    weighed: bool,
) -> Result<Matter, Denial> {
    let content = Content::of(facts, bind)?;
    let bound = content.bound(facts, bind);
    let digest = sha256(canonical(&bound)?.as_bytes());
    let whole = key_of(facts, tenant, proof, &digest);
    let mut text = PREFIX.to_vec();
    text.extend_from_slice(canonical(&whole)?.as_bytes());
    Ok(Matter {
        key: ApprovalKey(sha256(&text)),
        digest,
        tenant: tenant.cloned(),
        details: content.details(facts, weighed)?,
    })
}

/// Who asks for what, and what it is bound to.
fn key_of<'a>(
    facts: &'a Facts<'_>,
    tenant: Option<&'a Arc<str>>,
    proof: Option<&'a str>,
    digest: &[u8; 32],
) -> Json<'a> {
    let (parties, asked) = (facts.parties, facts.asked);
    let actor = parties.actor.as_ref();
    let resource = asked.resource.as_ref().map(|it| {
        object(vec![
            member("id", text(&it.id)),
            member("type", text(&it.kind)),
        ])
    });
    object(vec![
        member("tenant", tenant.map_or(Json::Null, |it| text(it))),
        member("route", text(asked.action.route.as_str())),
        member("subject", party(&parties.subject)),
        member("actor", actor.map_or(Json::Null, party)),
        member("proof", proof.map_or(Json::Null, text)),
        member("action", text(asked.action.id.as_str())),
        member("target", asked.target.as_deref().map_or(Json::Null, text)),
        member("resource", resource.unwrap_or(Json::Null)),
        member("digest", Json::String(Cow::Owned(hex(digest)))),
    ])
}

fn party(party: &Party) -> Json<'_> {
    let PartyId { issuer, id } = &party.id;
    let issuer = issuer
        .as_ref()
        .map_or(Json::Null, |name| text(name.as_str()));
    object(vec![member("iss", issuer), member("sub", text(id))])
}

/// What of the call is bound, in canonical form as far as it is shown.
struct Content<'a> {
    /// None if none are bound.
    args: Option<Cow<'a, str>>,
    params: Option<Json<'a>>,
    query: Option<Json<'a>>,
    /// The digest, and what the bytes are said to be.
    body: Option<BodyDigest<'a>>,
}

struct BodyDigest<'a> {
    digest: [u8; 32],
    of: [&'a str; 2],
}

impl<'a> Content<'a> {
    fn of(facts: &Facts<'a>, bind: &Bind) -> Result<Self, Denial> {
        let (asked, request) = (facts.asked, facts.request);
        let args = if bind.covers("args") {
            whole_arguments(asked)?.map(Cow::Borrowed)
        } else {
            let chosen = chosen(&asked.args, bind.members("args"));
            chosen
                .map(|json| canonical(&json))
                .transpose()?
                .map(Cow::Owned)
        };
        let params = if bind.covers("params") {
            Some(values(&asked.params, |_| true))
        } else {
            chosen(&asked.params, bind.members("params"))
        };
        let query = if bind.covers("query") {
            Some(all_of(&request.query, |_| true))
        } else {
            let names: Vec<&str> = bind.members("query").collect();
            (!names.is_empty()).then(|| all_of(&request.query, |name| names.contains(&name)))
        };
        let read_already = bind.everything && !asked.action.args.is_empty();
        let body = if bind.covers("body") && is_http(&asked.action) && !read_already {
            digest_of_body(request)?
        } else {
            None
        };
        Ok(Self {
            args,
            params,
            query,
            body,
        })
    }

    /// The one value that stands for it.
    fn bound(&self, facts: &'a Facts<'_>, bind: &Bind) -> Json<'_> {
        let args = self.args.as_ref().map(|text| hex(&sha256(text.as_bytes())));
        let body = self.body.as_ref().map(
            |BodyDigest {
                 digest,
                 of: [kind, encoding],
             }| {
                object(vec![
                    member("digest", Json::String(Cow::Owned(hex(digest)))),
                    member("type", text(kind)),
                    member("encoding", text(encoding)),
                ])
            },
        );
        object(vec![
            member(
                "args",
                args.map_or(Json::Null, |digest| Json::String(Cow::Owned(digest))),
            ),
            member("params", self.params.clone().unwrap_or(Json::Null)),
            member("query", self.query.clone().unwrap_or(Json::Null)),
            member("body", body.unwrap_or(Json::Null)),
            member("operation", operation(facts, bind)),
        ])
    }

    fn details(&self, facts: &Facts<'_>, weighed: bool) -> Result<Details, Denial> {
        let shown = |json: &Option<Json<'_>>| {
            let some = json
                .as_ref()
                .filter(|json| json.as_object().is_none_or(|it| !it.is_empty()));
            some.map(|json| canonical(json).map(Arc::from)).transpose()
        };
        let AccessRequest {
            method, host, path, ..
        } = facts.request;
        Ok(Details {
            arguments: self.args.as_ref().map(|text| Arc::from(text.as_ref())),
            params: shown(&self.params)?,
            query: shown(&self.query)?,
            body: self.body.as_ref().map(|body| body.digest),
            request: Some(Arc::from(format!("{method} {host}{path}"))),
            workload: facts.workload.map(Arc::from),
            risk: weighed.then_some(facts.risk),
        })
    }
}

/// An action may stand for several methods and paths. The method of an HTTP action is always part of what is approved, and so is
/// what a gRPC call calls; the path where everything is, whatever of it is a parameter.
fn operation<'a>(facts: &'a Facts<'_>, bind: &Bind) -> Json<'a> {
    let operations = &facts.asked.action.operations;
    let grpc = operations
        .iter()
        .any(|it| matches!(it, Operation::Grpc { .. }));
    let AccessRequest { method, path, .. } = facts.request;
    if !is_http(&facts.asked.action) {
        return Json::Null;
    }
    Json::String(Cow::Owned(if grpc || bind.everything {
        format!("{method} {path}")
    } else {
        method.clone()
    }))
}

fn is_http(action: &Action) -> bool {
    !action
        .operations
        .iter()
        .any(|it| matches!(it, Operation::Mcp(_)))
}

/// All arguments, declared or not; none if there are none.
fn whole_arguments(asked: &Asked) -> Result<Option<&str>, Denial> {
    let unsafe_number = || {
        let cause =
            "an approval is bound to the arguments, and a number among them is outside ±(2^53 − 1)";
        Denial::new(Reason::ArgumentInvalid).because(cause)
    };
    if asked.arguments_without_digest {
        return Err(unsafe_number());
    }
    let Some(text) = asked.canonical_arguments.as_deref() else {
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

/// The digest of the body as it came; none if there is none.
fn digest_of_body(request: &AccessRequest) -> Result<Option<BodyDigest<'_>>, Denial> {
    let incomplete = |cause: &str| Err(Denial::new(Reason::InputIncomplete).because(cause));
    let header = |name| request.headers.get(name);
    match &request.body {
        Body::Sent {
            bytes,
            fidelity: Fidelity::Exact,
        } => Ok(Some(BodyDigest {
            digest: sha256(bytes),
            of: ["content-type", "content-encoding"].map(|name| header(name).unwrap_or_default()),
        })),
        Body::Sent {
            fidelity: Fidelity::Sanitised | Fidelity::Partial | Fidelity::Unmeasured,
            ..
        } => incomplete(
            "an approval is bound to the body, and nothing shows that all of it came unchanged: set Envoy's `with_request_body` \
             with `pack_as_bytes: true`, and put `envoy.filters.http.buffer` before ext_authz",
        ),
        Body::Absent if has_body(request) => incomplete(
            "an approval is bound to the body, and Envoy sent none: set `with_request_body`",
        ),
        Body::Absent => Ok(None),
    }
}

/// Whether a request of which no body came may have one all the same. A length tells; without one, a request over HTTP/1 has none
/// unless it says how it is framed (RFC 9112, section 6.3), and over later versions nothing says so but the method.
fn has_body(request: &AccessRequest) -> bool {
    match request.headers.get("content-length") {
        Some(length) => length != "0",
        None if request.headers.get("transfer-encoding").is_some() => true,
        None => {
            let later = |name: &String| matches!(name.as_str(), "HTTP/2" | "HTTP/3");
            let bare = matches!(
                request.method.as_str(),
                "GET" | "HEAD" | "OPTIONS" | "DELETE"
            );
            request.protocol.as_ref().is_some_and(later) && !bare
        }
    }
}

/// The chosen members of a map that are there; none if none is chosen.
fn chosen<'a, 'n>(
    map: &'a BTreeMap<Arc<str>, Value>,
    names: impl Iterator<Item = &'n str>,
) -> Option<Json<'a>> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| values(map, |name| names.contains(&name)))
}

fn values(map: &BTreeMap<Arc<str>, Value>, wanted: impl Fn(&str) -> bool) -> Json<'_> {
    let members = map.iter().filter(|(name, _)| wanted(name));
    object(
        members
            .map(|(name, value)| member(name, json_of(value)))
            .collect(),
    )
}

/// Every value of every parameter, in the order of the request.
fn all_of<'a>(query: &'a Query, wanted: impl Fn(&str) -> bool) -> Json<'a> {
    let mut by_name: BTreeMap<&'a str, Vec<Json<'a>>> = BTreeMap::new();
    for (name, value) in query.iter().filter(|(name, _)| wanted(name)) {
        by_name.entry(name).or_default().push(text(value));
    }
    let one_or_all = |mut values: Vec<Json<'a>>| match (values.pop(), values.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            values.extend(last);
            Json::Array(values)
        }
    };
    let members = by_name.into_iter();
    object(
        members
            .map(|(name, values)| member(name, one_or_all(values)))
            .collect(),
    )
}

fn json_of(value: &Value) -> Json<'_> {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::Number(Number::Signed(*value)),
        Value::Double(value) => Json::Number(Number::Double(*value)),
        Value::String(value) => text(value),
        Value::Timestamp(at) => Json::String(Cow::Owned(at.to_string())),
        Value::List(items) => Json::Array(items.iter().map(json_of).collect()),
        Value::Map(entries) => object(
            entries
                .iter()
                .map(|(name, value)| member(name, json_of(value)))
                .collect(),
        ),
    }
}

fn member<'a>(name: &'a str, value: Json<'a>) -> Member<'a> {
    (Cow::Borrowed(name), value)
}

fn text(text: &str) -> Json<'_> {
    Json::String(Cow::Borrowed(text))
}

/// Names come from maps, or are written above: no two are the same.
fn object(members: Vec<Member<'_>>) -> Json<'_> {
    Object::new(members).map_or(Json::Null, Json::Object)
}

fn canonical(json: &Json<'_>) -> Result<String, Denial> {
    json.canonical().map_err(|error| {
        Denial::new(Reason::ArgumentInvalid).because(format!(
            "what an approval is bound to has no canonical form: {error}"
        ))
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
