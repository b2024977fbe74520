//! API keys through the admin listener: the same as the verbs of `countersign keys`. A key is shown once, to whoever asked
//! for it, and what was typed in place of an id is never repeated: it may be a whole key.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::problem::Problem;
use crate::identity::{Issued, Network, NewKey};
use crate::model::duration::HumanDuration;
use crate::model::party::{Kind, PartyId};
use crate::model::time::Timestamp;
use crate::store::{ApiKeyRecord, Put, Rotated, StoreError, StoredKeys};

/// How long a key lives if nothing is said.
const LIFETIME: HumanDuration = HumanDuration::from_secs(90 * 24 * 60 * 60);
/// How long an old key works beside its successor if nothing is said.
const OVERLAP: HumanDuration = HumanDuration::from_secs(24 * 60 * 60);

/// What a key is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    provider: String,
    id: String,
    owner: String,
    #[serde(default = "service")]
    kind: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default = "lifetime")]
    expires: HumanDuration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    #[serde(default = "overlap")]
    overlap: HumanDuration,
    #[serde(default = "lifetime")]
    expires: HumanDuration,
}

fn service() -> String {
    Kind::Service.as_str().to_owned()
}

const fn lifetime() -> HumanDuration {
    LIFETIME
}

const fn overlap() -> HumanDuration {
    OVERLAP
}

/// Every key; never a secret.
pub(super) async fn list(State(gate): State<Arc<Gate>>) -> Response {
    let now = (gate.state.clock)();
    match gate.state.store.api_keys().await {
        Ok(StoredKeys { keys, unreadable }) => {
            let keys: Vec<Json> = keys.iter().map(|key| shown(key, now)).collect();
            pretty(
                StatusCode::OK,
                &json!({ "keys": keys, "unreadable": unreadable }),
            )
        }
        Err(error) => unavailable(&error).into_response(),
    }
}

/// Makes a key.
pub(super) async fn issue(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Response {
    let asked: Issue = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let own = Arc::clone(&gate);
    let act = async move { ended(issued(&own, asked).await) };
    let action = "keys.issue";
    carry_out(gate, Change { operator, action }, act).await
}

/// Makes the successor of a key, which ends after an overlap.
pub(super) async fn rotate(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let asked: Rotate = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let own = Arc::clone(&gate);
    let act = async move { ended(rotated(&own, id, asked).await) };
    let action = "keys.rotate";
    carry_out(gate, Change { operator, action }, act).await
}

/// Nothing was changed if there is a problem.
pub(super) fn ended(result: Result<Outcome, Problem>) -> Outcome {
    result.unwrap_or_else(|problem| Outcome::new("refused", problem))
}

async fn issued(gate: &Gate, asked: Issue) -> Result<Outcome, Problem> {
    let Issue {
        provider,
        id,
        owner,
        kind,
        groups,
        scope,
        networks,
        expires,
    } = asked;
    let new = NewKey {
        identity: id,
        owner,
        kind: parsed("kind", &kind)?,
        groups,
        scope,
        networks: all(&networks)?,
        lifetime: expires.get(),
    };
    let now = (gate.state.clock)();
    let issued = make(gate, &provider, new, now)?;
    let put = gate.state.store.put_api_key(issued.record.clone(), now);
    stored(put.await.map_err(|error| unavailable(&error))?)?;
    Ok(once("issued", issued.record.id.clone(), &issued))
}

async fn rotated(gate: &Gate, id: String, asked: Rotate) -> Result<Outcome, Problem> {
    let Rotate { overlap, expires } = asked;
    let store = &gate.state.store;
    let keys = store.api_keys().await;
    let keys = keys.map_err(|error| unavailable(&error))?.keys;
    let old = keys.into_iter().find(|key| key.id == id);
    let old = old.ok_or_else(unknown)?;
    let new = NewKey {
        identity: old.identity,
        owner: old.owner,
        kind: parsed("kind", &old.kind)?,
        groups: old.groups,
        scope: old.scope,
        networks: all(&old.networks)?,
        lifetime: expires.get(),
    };
    let now = (gate.state.clock)();
    let issued = make(gate, &old.provider, new, now)?;
    let ends = now.plus(overlap.get());
    let rotated = store.rotate_api_key(old.id, ends, issued.record.clone(), now);
    match rotated.await.map_err(|error| unavailable(&error))? {
        Rotated::Stored => Ok(once("rotated", id, &issued)),
        Rotated::NotLive => {
            let detail = "the key does not work any more: issue a new one";
            Err(Problem::new(StatusCode::CONFLICT, "key_not_live", detail))
        }
        Rotated::Refused(put) => Err(stored(put).err().unwrap_or_else(unknown)),
    }
}

/// Makes a key that no store knows yet.
fn make(gate: &Gate, provider: &str, new: NewKey, now: Timestamp) -> Result<Issued, Problem> {
    let snapshot = (gate.state.snapshot)();
    let Some(provider) = snapshot.providers.issuer_of_keys(provider) else {
        let detail = "there is no provider of API keys with this name";
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "provider_unknown",
            detail,
        ));
    };
    let party = PartyId::new(provider.name().clone(), new.identity.as_str());
    let known = snapshot.registry.find(&party);
    if known.is_some_and(|known| known.kind != new.kind) {
        let detail = "the registry says that the identity is of another kind";
        return Err(Problem::new(StatusCode::CONFLICT, "kind_mismatch", detail));
    }
    provider
        .issue(new, now)
        .map_err(|error| invalid(error.to_string()))
}

/// The answer with a key: the only one that ever has it.
fn once(result: &'static str, target: String, issued: &Issued) -> Outcome {
    let Issued { record, key } = issued;
    let body = json!({
        "key": key,
        "id": record.id,
        "provider": record.provider,
        "identity": record.identity,
        "expires": record.expires.to_string(),
    });
    Outcome::new(result, pretty(StatusCode::CREATED, &body)).on(target)
}

fn stored(put: Put) -> Result<(), Problem> {
    let (status, code, detail) = match put {
        Put::Stored => return Ok(()),
        Put::TooManyLive => (
            StatusCode::CONFLICT,
            "too_many_keys",
            "the identity has two keys that work: revoke one",
        ),
        Put::Full => (
            StatusCode::INSUFFICIENT_STORAGE,
            "store_full",
            "the store has no room for another key",
        ),
        Put::Taken => (
            StatusCode::CONFLICT,
            "id_taken",
            "the new key's id is taken: try again",
        ),
    };
    Err(Problem::new(status, code, detail))
}

fn parsed(what: &'static str, text: &str) -> Result<Kind, Problem> {
    let kind = text.parse();
    kind.map_err(|_other| invalid(format!("`{what}` is `service` or `agent`")))
}

fn all(networks: &[String]) -> Result<Vec<Network>, Problem> {
    let networks = networks.iter().map(|network| network.parse::<Network>());
    let networks: Result<_, _> = networks.collect();
    networks.map_err(|_other| invalid("`networks` has items such as `10.0.0.0/8`".to_owned()))
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "key_invalid", detail)
}

pub(super) fn unknown() -> Problem {
    let detail = "there is no key with this id: see `GET /keys`";
    Problem::new(StatusCode::NOT_FOUND, "key_unknown", detail)
}

pub(super) fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store could not be used");
    let detail = "the store cannot be used now";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
}

/// All but the digest, which is nobody's business.
fn shown(key: &ApiKeyRecord, now: Timestamp) -> Json {
    let ApiKeyRecord {
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest: _,
        created,
        expires,
        revoked,
        reason,
        last_used,
    } = key;
    let moment = |at: &Option<Timestamp>| at.map(|at| at.to_string());
    let state = match revoked {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    };
    json!({
        "id": id,
        "provider": provider,
        "identity": identity,
        "owner": owner,
        "kind": kind,
        "groups": groups,
        "scope": scope,
        "networks": networks,
        "state": state,
        "created": created.to_string(),
        "expires": expires.to_string(),
        "revoked": moment(revoked),
        "reason": reason,
        "last_used": moment(last_used),
    })
}
