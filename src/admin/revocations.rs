//! Revocations through the admin listener: shown as this replica enforces them, made and lifted durably before the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::problem::Problem;
use super::replicas::told;
use crate::model::revocation::{MARGIN, Revocation, Target, TargetError};
use crate::model::time::Timestamp;
use crate::revocation::{MAX_ENTRIES, Revocations};
use crate::store::{Acknowledged, StoreError};

/// Most entries that are shown at once: the newest.
const MAX_SHOWN: usize = 1_000;
/// Longest reason, in characters.
const MAX_REASON: usize = 256;
/// How far ahead of our clock a cut may be. A cut is never taken back, so one in the future would lock out whoever comes.
const CLOCKS_APART: Duration = Duration::from_mins(1);

/// What is to be revoked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    kind: String,
    issuer: Option<String>,
    #[serde(default)]
    value: String,
    /// `now` or a moment (RFC 3339): what was issued until then. Without it, everything until it is lifted.
    not_before: Option<String>,
    /// When the token expires that is named by its id.
    token_expires: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Whose block is to be lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    kind: String,
    issuer: Option<String>,
    #[serde(default)]
    value: String,
    #[serde(default)]
    reason: String,
}

/// Every entry that this replica enforces, the newest first.
pub(super) async fn list(State(gate): State<Arc<Gate>>) -> Response {
    let known = revocations(&gate);
    let mut entries = known.entries();
    entries.sort_by(|a, b| (b.at, &b.target).cmp(&(a.at, &a.target)));
    let shown: Vec<Json> = entries.iter().take(MAX_SHOWN).map(|it| shown(it)).collect();
    let body = json!({ "revocations": shown, "total": entries.len() });
    pretty(StatusCode::OK, &body)
}

/// Revokes something.
pub(super) async fn revoke(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Response {
    let asked: Revoke = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let (own, by) = (Arc::clone(&gate), operator.label());
    let act = async move { ended(revoked(&own, asked, by).await) };
    let action = "revocations.revoke";
    carry_out(gate, Change { operator, action }, act).await
}

/// Lifts a block.
pub(super) async fn lift(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Response {
    let asked: Lift = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let (own, by) = (Arc::clone(&gate), operator.label());
    let act = async move { ended(lifted(&own, asked, by).await) };
    let action = "revocations.lift";
    carry_out(gate, Change { operator, action }, act).await
}

/// The outcome of a change, or of the problem that kept it from being made.
pub(super) fn ended(result: Result<Outcome, Problem>) -> Outcome {
    result.unwrap_or_else(|problem| Outcome::new("refused", problem))
}

async fn revoked(gate: &Gate, asked: Revoke, by: Arc<str>) -> Result<Outcome, Problem> {
    let Revoke {
        kind,
        issuer,
        value,
        not_before,
        token_expires,
        reason,
    } = asked;
    let target = target(gate, &kind, issuer.as_deref(), &value)?;
    let now = (gate.state.clock)();
    let cut = not_before.map(|text| cut(gate, &target, &text, now));
    let cut = cut.transpose()?;
    let token_expires = token_expires.map(|text| moment("token_expires", &text));
    let over = match (&target, token_expires.transpose()?) {
        (_, None) => over(gate, &target, cut, now),
        (Target::Token(..), expires) => expires,
        (_, Some(_)) => {
            return Err(invalid("`token_expires` goes with the kind `token` alone"));
        }
    };
    if matches!(target, Target::Approval(_)) && cut.is_some() {
        return Err(invalid(
            "an approval is revoked as a whole: leave `not_before` out",
        ));
    }
    let entry = Revocation {
        expires: over.map(|over| over.plus(MARGIN)),
        ..made(&revocations(gate), target, cut, now, &by, &reason)
    };
    has_room(gate, &entry.target)?;
    let acknowledged = put(gate, vec![entry.clone()]).await?;
    let body = json!({ "acknowledged": told(&acknowledged), "revocation": shown(&entry) });
    let outcome = Outcome::new("revoked", pretty(StatusCode::OK, &body));
    Ok(outcome.on(entry.target.to_string()))
}

/// When nothing that is issued by now, or by the cut, can be accepted any more; none if that is not known, or if it is about what
/// is issued later too.
pub(super) fn over(
    gate: &Gate,
    target: &Target,
    cut: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let (provider, by) = match target {
        // Whoever knows its id has seen it.
        Target::Token(issuer, _) => (issuer, cut.unwrap_or(now)),
        Target::Subject(issuer, _)
        | Target::Client(issuer, _)
        | Target::Session(issuer, _)
        | Target::Key(issuer, _) => (issuer, cut?),
        // Credentials of other providers name these too.
        Target::Actor(..)
        | Target::Issuer(_)
        | Target::Spiffe(_)
        | Target::SpiffePrefix(_)
        | Target::ApiKey(_)
        | Target::ProofKey(_)
        | Target::Owner(_)
        | Target::Approval(_) => return None,
    };
    let snapshot = (gate.state.snapshot)();
    Some(by.plus(snapshot.providers.outlives(provider)?))
}

/// An entry: a cut where one is asked for, else a block that outlasts what was lifted before.
pub(super) fn made(
    known: &Revocations,
    target: Target,
    cut: Option<Timestamp>,
    now: Timestamp,
    by: &Arc<str>,
    reason: &str,
) -> Revocation {
    let lifted = known.get(&target).and_then(|entry| entry.lifted);
    let after = |lifted: Timestamp| now.max(lifted.plus(Duration::from_millis(1)));
    Revocation {
        target,
        not_before: cut,
        blocked: match cut {
            Some(_) => None,
            None => Some(lifted.map_or(now, after)),
        },
        lifted: None,
        expires: None,
        reason: reason.chars().take(MAX_REASON).collect::<String>().into(),
        by: Arc::clone(by),
        at: now,
    }
}

async fn lifted(gate: &Gate, asked: Lift, by: Arc<str>) -> Result<Outcome, Problem> {
    let Lift {
        kind,
        issuer,
        value,
        reason,
    } = asked;
    let target = target(gate, &kind, issuer.as_deref(), &value)?;
    let Some(known) = revocations(gate).get(&target) else {
        let detail = "this is not revoked: see `GET /revocations`";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_revoked", detail));
    };
    if !known.is_blocked() {
        let detail = "this is not blocked, and what was issued before a moment stays refused";
        return Err(Problem::new(StatusCode::CONFLICT, "not_blocked", detail));
    }
    let now = (gate.state.clock)();
    let entry = Revocation {
        blocked: None,
        // Only the block that is known is lifted, whatever our clock says: one that comes later from a clock that is behind
        // is another one, and counts.
        lifted: known.blocked,
        expires: known.expires,
        ..made(&revocations(gate), target, None, now, &by, &reason)
    };
    let acknowledged = put(gate, vec![entry.clone()]).await?;
    let entry = Revocation::clone(&known).merge(entry);
    let body = json!({ "acknowledged": told(&acknowledged), "revocation": shown(&entry) });
    let outcome = Outcome::new("lifted", pretty(StatusCode::OK, &body));
    Ok(outcome.on(entry.target.to_string()))
}

/// Keeps entries, durably, and enforces them here before whoever asked hears of it. The others learn it from the store.
pub(super) async fn put(gate: &Gate, entries: Vec<Revocation>) -> Result<Acknowledged, Problem> {
    let kept = gate.state.store.revoke(entries.clone()).await;
    let kept = kept.map_err(|error| unavailable(&error))?;
    let entries: Vec<_> = entries.into_iter().map(Arc::new).collect();
    revocations(gate).apply(&entries);
    Ok(kept)
}

pub(super) fn has_room(gate: &Gate, target: &Target) -> Result<(), Problem> {
    if revocations(gate).has_room_for(target) {
        return Ok(());
    }
    Err(full())
}

fn full() -> Problem {
    let detail = format!(
        "there are {MAX_ENTRIES} entries already: revoke what covers many of them, such as an owner, a trust domain or the issuer"
    );
    let status = StatusCode::INSUFFICIENT_STORAGE;
    Problem::new(status, "revocations_full", detail)
}

/// What this process enforces: the same, whichever snapshot is asked.
pub(super) fn revocations(gate: &Gate) -> Revocations {
    (gate.state.snapshot)().live.revocations.clone()
}

/// Reads a target of a provider that there is: one that nobody knows would be revoked in vain.
fn target(gate: &Gate, kind: &str, issuer: Option<&str>, value: &str) -> Result<Target, Problem> {
    let target = Target::parse(kind, issuer, value);
    let target = target.map_err(|error: TargetError| invalid(error.to_string()))?;
    let snapshot = (gate.state.snapshot)();
    match target.issuer() {
        Some(issuer) if !snapshot.providers.has(issuer) => {
            let detail = format!("there is no provider `{issuer}`");
            Err(Problem::new(
                StatusCode::CONFLICT,
                "provider_unknown",
                detail,
            ))
        }
        Some(_) | None => Ok(target),
    }
}

/// The moment before which nothing that was issued counts. `now` is that of the clock that is furthest ahead: an issuer whose
/// clock is ahead, as far as its provider bears, dated what it issued until now later than that.
fn cut(gate: &Gate, target: &Target, text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    if text == "now" {
        let snapshot = (gate.state.snapshot)();
        return Ok(now.plus(snapshot.providers.leeway(target.issuer())));
    }
    let cut = moment("not_before", text)?;
    if cut > now.plus(CLOCKS_APART) {
        return Err(invalid(
            "`not_before` is in the future: what is issued until then would be refused for good",
        ));
    }
    Ok(cut)
}

fn moment(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let read = Timestamp::parse_date_time(text);
    read.ok_or_else(|| {
        invalid(format!(
            "`{name}` is a moment such as `2026-11-21T22:00:00Z`"
        ))
    })
}

pub(super) fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "revocation_invalid", detail)
}

pub(super) fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store could not be used");
    if matches!(error, StoreError::Full(_)) {
        return full();
    }
    let detail = "the store cannot be used now: nothing was acknowledged, so ask again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
}

fn shown(entry: &Revocation) -> Json {
    let Revocation {
        target,
        not_before,
        blocked,
        lifted,
        expires,
        reason,
        by,
        at,
    } = entry;
    let moment = |at: &Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "kind": target.kind(),
        "issuer": target.issuer().map(ToString::to_string),
        "value": target.value(),
        "state": match (entry.is_blocked(), not_before) {
            (true, _) => "blocked",
            (false, Some(_)) => "cut",
            (false, None) => "lifted",
        },
        "not_before": moment(not_before),
        "blocked": moment(blocked),
        "lifted": moment(lifted),
        "expires": moment(expires),
        "reason": reason,
        "by": by,
        "at": at.to_string(),
    })
}
