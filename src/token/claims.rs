//! What a token says: the caller and its call, as they were decided about.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::keys::base64url::encode;
use crate::model::decision::DecisionId;
use crate::model::identity::TokenFacts;
use crate::model::name::ProviderName;
use crate::model::party::{Parties, Party};
use crate::model::route::{Asked, Resource};
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::TokenDemand;

/// An allowed call that a token is minted for.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The decision; record, answer and token share its id.
    pub decision: &'a DecisionId,
    /// When it was made.
    pub now: Timestamp,
    /// What the rules demand.
    pub demand: &'a TokenDemand,
    /// What the caller presented.
    pub credential: &'a TokenFacts,
    /// Who signs for the call.
    pub parties: &'a Parties,
    /// The actor's `iss`, where its provider has one.
    pub actor_issuer: Option<&'a str>,
    /// The workload that calls.
    pub workload: Option<&'a SpiffeId>,
    /// What is asked.
    pub asked: &'a Asked,
}

/// The claims of the token; none if the credential ends before a second has gone.
pub(super) fn claims(issuer: &str, call: &Call<'_>) -> Option<Value> {
    let Call {
        decision,
        now,
        demand,
        credential,
        parties,
        actor_issuer,
        workload,
        asked,
    } = call;
    let TokenDemand {
        audience,
        scope,
        ttl,
    } = demand;
    // Rounded down, so that no token is good for longer than was demanded, or than the credential is.
    let end = now.plus(*ttl);
    let end = credential.expires.map_or(end, |expires| expires.min(end));
    let (begin, end) = (now.seconds(), end.seconds());
    if end <= begin {
        return None;
    }
    let scope: Vec<&str> = scope.iter().map(AsRef::as_ref).collect();
    let acting = parties.acting();
    let workload = workload.map_or_else(|| acting.id.to_string(), ToString::to_string);
    let mut claims = json!({
        "iss": issuer,
        "iat": begin,
        "exp": end,
        "aud": audience,
        "jti": decision.as_str(),
        "txn": decision.as_str(),
        "sub": parties.subject.id.id,
        "scope": scope.join(" "),
        "req_wl": workload,
        "tctx": context(asked, parties),
    });
    if let (Some(actor), Some(claims)) = (&parties.actor, claims.as_object_mut()) {
        claims.insert("act".to_owned(), act(actor, *actor_issuer));
    }
    Some(claims)
}

/// Who acts (RFC 8693, section 4.1).
fn act(actor: &Party, issuer: Option<&str>) -> Value {
    let mut act = json!({ "sub": actor.id.id });
    if let (Some(issuer), Some(act)) = (issuer, act.as_object_mut()) {
        act.insert("iss".to_owned(), Value::from(issuer));
    }
    act
}

/// The transaction's context: what was decided about, and for whom, in the words of the policy.
fn context(asked: &Asked, parties: &Parties) -> Value {
    let action = &asked.action;
    let mut context = Map::new();
    let mut put = |name: &str, value: Value| context.insert(name.to_owned(), value);
    put("action", Value::from(action.id.as_str()));
    put("route", Value::from(action.route.as_str()));
    put("tier", Value::from(action.tier.as_str()));
    if let Some(Resource { kind, id }) = &asked.resource {
        put("resource", json!({ "type": kind, "id": id }));
    }
    if let Some(digest) = &asked.arguments_digest {
        put("args_digest", Value::from(encode(digest)));
    }
    put("subject", party(&parties.subject));
    if let Some(actor) = &parties.actor {
        put("actor", party(actor));
    }
    Value::Object(context)
}

fn party(party: &Party) -> Value {
    let issuer: Option<Arc<str>> = party.id.issuer.as_ref().map(ProviderName::shared);
    json!({ "issuer": issuer, "id": party.id.id, "kind": party.kind.as_str() })
}
