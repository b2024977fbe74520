//! Off-boarding: one request ends everything that an identity, or a person with all their identities, can do.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::keys_end::blocks;
use super::problem::Problem;
use super::replicas::told;
use super::revocations::{ended, has_room, invalid, made, put, revocations, unavailable};
use crate::approval::{ApprovalError, Leaver, Offboarded};
use crate::authorizer::Snapshot;
use crate::model::change::Position;
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::model::revocation::{Revocation, Target};
use crate::store::{ApiKeyRecord, Revoked};

/// Longest reason, in characters.
const MAX_REASON: usize = 256;
/// Most identities that are off-boarded at once; more belong to several owners.
const MAX_IDENTITIES: usize = 10_000;

/// Who leaves: exactly one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offboard {
    /// `issuer/id`, or the id alone where the registry has it.
    identity: Option<String>,
    /// Whoever answers for identities.
    owner: Option<String>,
    /// Either of them, as far as it is known.
    who: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Everybody who goes.
#[derive(Debug, Default)]
struct Leavers {
    identities: BTreeSet<PartyId>,
    owner: Option<Arc<str>>,
}

/// Ends everything that somebody can do.
pub(super) async fn offboard(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Response {
    let asked: Offboard = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let (own, by) = (Arc::clone(&gate), operator.label());
    let act = async move { ended(offboarded(&own, asked, by).await) };
    let action = "offboard";
    carry_out(gate, Change { operator, action }, act).await
}

/// The entries come first: from then on nobody of them can ask for, approve or use anything.
async fn offboarded(gate: &Gate, asked: Offboard, by: Arc<str>) -> Result<Outcome, Problem> {
    let keys = gate.state.store.api_keys().await;
    let keys = keys.map_err(|error| unavailable(&error))?.keys;
    let snapshot = (gate.state.snapshot)();
    let (leavers, reason) = leavers(&snapshot, &keys, asked)?;
    let entries = entries(gate, &leavers, &by, &reason)?;
    let targets: Vec<String> = entries.iter().map(|it| it.target.to_string()).collect();
    let theirs = keys.into_iter().filter(|key| leavers.hold(key));
    let theirs: Vec<_> = theirs.filter(|key| key.revoked.is_none()).collect();
    let blocks = blocks(gate, &theirs, &by, &off_boarded(&reason))?;
    let mut acknowledged = put(gate, [entries, blocks].concat()).await?;
    let ended = end_keys(gate, theirs, &reason).await?;
    let (approvals, last) = end_approvals(gate, &leavers, &reason).await?;
    if let Some(last) = last.filter(|last| last.has_seen(&acknowledged.position)) {
        acknowledged.position = last;
    }
    let name = leavers.to_string();
    let body = json!({
        "offboarded": name,
        "acknowledged": told(&acknowledged),
        "revoked": targets,
        "api_keys": ended,
        "approvals": approvals,
    });
    let outcome = Outcome::new("offboarded", pretty(StatusCode::OK, &body));
    Ok(outcome.on(name))
}

fn leavers(
    snapshot: &Snapshot,
    keys: &[ApiKeyRecord],
    asked: Offboard,
) -> Result<(Leavers, String), Problem> {
    let Offboard {
        identity,
        owner,
        who,
        reason,
    } = asked;
    let leavers = match (identity, owner, who) {
        (Some(identity), None, None) => identities(snapshot, keys, &identity),
        (None, Some(owner), None) => owned(snapshot, keys, &owner),
        (None, None, Some(who)) => {
            let mut all = identities(snapshot, keys, &who);
            let Leavers { identities, owner } = owned(snapshot, keys, &who);
            // Nobody is made an owner by being called one: the registry or a key has to say so.
            if !identities.is_empty() {
                all.identities.extend(identities);
                all.owner = owner;
            }
            all
        }
        _ => return Err(invalid("name exactly one of `identity`, `owner` and `who`")),
    };
    if leavers.identities.is_empty() && leavers.owner.is_none() {
        let detail = "nobody is known by this name: write `issuer/id` for a person or an identity that is not registered";
        return Err(Problem::new(StatusCode::NOT_FOUND, "nobody_known", detail));
    }
    if leavers.identities.len() > MAX_IDENTITIES {
        return Err(invalid(format!(
            "there are more than {MAX_IDENTITIES} identities: revoke the owner"
        )));
    }
    Ok((leavers, reason))
}

/// The identities that a text names: `issuer/id` of a provider that there is, else everybody who is known by this id.
fn identities(snapshot: &Snapshot, keys: &[ApiKeyRecord], text: &str) -> Leavers {
    let mut identities: BTreeSet<PartyId> = known(snapshot, keys)
        .filter(|(id, _)| *id.id == *text)
        .map(|(id, _)| id)
        .collect();
    if let Some((issuer, id)) = text.split_once('/')
        && let Ok(issuer) = ProviderName::new(issuer)
        && snapshot.providers.has(&issuer)
        && !id.is_empty()
    {
        identities.insert(PartyId::new(issuer, id));
    }
    Leavers {
        identities,
        owner: None,
    }
}

/// An owner and everybody whom they answer for.
fn owned(snapshot: &Snapshot, keys: &[ApiKeyRecord], owner: &str) -> Leavers {
    let theirs = known(snapshot, keys).filter(|(_, theirs)| **theirs == *owner);
    Leavers {
        identities: theirs.map(|(id, _)| id).collect(),
        owner: Some(Arc::from(owner)),
    }
}

/// Everybody whom the registry or an API key names, with the owner.
fn known<'a>(
    snapshot: &'a Snapshot,
    keys: &'a [ApiKeyRecord],
) -> impl Iterator<Item = (PartyId, Arc<str>)> + 'a {
    let registered = snapshot.registry.iter();
    let registered = registered.map(|(id, known)| (id.clone(), Arc::clone(&known.owner)));
    let keyed = keys.iter().filter_map(|key| {
        let provider = ProviderName::new(&key.provider).ok()?;
        let id = PartyId::new(provider, key.identity.as_str());
        Some((id, Arc::from(key.owner.as_str())))
    });
    registered.chain(keyed)
}

/// An entry for every role in which somebody of them could take part in a call.
fn entries(
    gate: &Gate,
    leavers: &Leavers,
    by: &Arc<str>,
    reason: &str,
) -> Result<Vec<Revocation>, Problem> {
    let Leavers { identities, owner } = leavers;
    let mut targets = Vec::new();
    for PartyId { issuer, id } in identities {
        if let Some(issuer) = issuer {
            targets.extend(["subject", "actor"].map(|kind| (kind, Some(issuer.as_str()), &**id)));
        }
        if id.starts_with("spiffe://") {
            targets.push(("spiffe", None, id));
        }
    }
    targets.extend(owner.as_deref().map(|owner| ("owner", None, owner)));
    let (known, now) = (revocations(gate), (gate.state.clock)());
    let entry = |(kind, issuer, value): (&str, Option<&str>, &str)| {
        let target = Target::parse(kind, issuer, value);
        let target = target.map_err(|error| invalid(error.to_string()))?;
        has_room(gate, &target)?;
        Ok(made(&known, target, None, now, by, reason))
    };
    targets.into_iter().map(entry).collect()
}

async fn end_keys(
    gate: &Gate,
    keys: Vec<ApiKeyRecord>,
    reason: &str,
) -> Result<Vec<String>, Problem> {
    let mut ended = Vec::new();
    for key in keys {
        let now = (gate.state.clock)();
        let because = Some(off_boarded(reason));
        let revoked = gate.state.store.revoke_api_key(&key.id, now, because).await;
        match revoked.map_err(|error| half_done(&error.into()))? {
            Revoked::Now => ended.push(key.id),
            Revoked::Before(_) | Revoked::Unknown => {}
        }
    }
    Ok(ended)
}

/// Ends what they asked for, acted in, or voted for; gives the position of the last of these changes too.
async fn end_approvals(
    gate: &Gate,
    leavers: &Leavers,
    reason: &str,
) -> Result<(Vec<String>, Option<Position>), Problem> {
    let approvals = (gate.state.snapshot)().live.approvals.clone();
    let Leavers { identities, owner } = leavers;
    let owner = owner.iter().map(|owner| Leaver::Owner(Arc::clone(owner)));
    let each = identities.iter().cloned().map(Leaver::Identity);
    let because: Arc<str> = off_boarded(reason).into();
    let (mut all, mut last) = (Vec::new(), None);
    for leaver in owner.chain(each) {
        let now = (gate.state.clock)();
        let ended = approvals.end_of_party(&leaver, &because, now).await;
        let Offboarded { ended, position } = match ended {
            // Where nothing keeps approvals, there are none.
            Err(ApprovalError::NoStore) => break,
            ended => ended.map_err(|error| half_done(&error))?,
        };
        all.extend(ended.iter().map(ToString::to_string));
        last = position.or(last);
    }
    Ok((all, last))
}

fn off_boarded(reason: &str) -> String {
    let because = format!("off-boarded: {reason}");
    because.chars().take(MAX_REASON).collect()
}

/// The entries are there, so nobody of them comes in; what they left behind is not all ended.
fn half_done(error: &ApprovalError) -> Problem {
    tracing::error!(%error, "an off-boarding stopped half-way");
    let detail = "they are revoked, and not everything that they left behind is ended: ask again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "half_done", detail)
}

impl Leavers {
    /// Whether a key is one of theirs.
    fn hold(&self, key: &ApiKeyRecord) -> bool {
        let owned = self
            .owner
            .as_deref()
            .is_some_and(|owner| owner == key.owner);
        owned
            || ProviderName::new(&key.provider).is_ok_and(|provider| {
                let id = PartyId::new(provider, key.identity.as_str());
                self.identities.contains(&id)
            })
    }
}

impl std::fmt::Display for Leavers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.owner, self.identities.first()) {
            (Some(owner), _) => write!(f, "owner {owner}"),
            (None, Some(first)) if self.identities.len() == 1 => write!(f, "{first}"),
            (None, Some(first)) => write!(f, "{first} and others"),
            (None, None) => f.write_str("nobody"),
        }
    }
}
