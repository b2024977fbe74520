//! How an approval stands: for whoever asked for it, and for whoever may read it. A caller may wait until something changes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep};

use super::super::gate::{Connection, Gate};
use super::super::json::pretty;
use super::super::problem::Problem;
use super::ask::{Act, Caller, permitted};
use super::requester::{Stranger, known, requester};
use super::shown::standing;
use super::unknown;
use crate::model::approval::{Approval, ApprovalId, State as Standing, Status};
use crate::model::duration::HumanDuration;
use crate::model::time::Timestamp;

/// Longest wait.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How often somebody who waits is looked after: what is looked at is memory.
const LOOK: Duration = Duration::from_millis(100);
/// When whoever found no place to wait may come back, in seconds.
const COME_BACK: &str = "5";

pub(super) async fn status(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = ApprovalId::parse(&id) else {
        return unknown().into_response();
    };
    let wait = match wait(query.as_deref().unwrap_or_default()) {
        Ok(wait) => wait,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller {
        headers: &headers,
        connection: &connection,
    };
    let (approval, calls) = match readable(&gate, &id, caller).await {
        Ok(readable) => readable,
        Err(response) => return response,
    };
    let seen = headers.get(header::IF_NONE_MATCH);
    let seen = seen.and_then(|tag| tag.to_str().ok());
    let (approval, no_place) = waited(&gate, approval, seen, wait).await;
    answer(&gate, &approval, seen, no_place, calls)
}

/// The approval, if the caller asked for it or may read it; and whether the caller could make the call with the same credential.
async fn readable(
    gate: &Gate,
    id: &ApprovalId,
    caller: Caller<'_>,
) -> Result<(Arc<Approval>, bool), Response> {
    let path = format!("/approvals/{id}/status");
    let stranger = match requester(gate, id, (Method::GET, &path), caller).await {
        Ok(asker) => return Ok((asker.approval, asker.calls)),
        Err(stranger @ (Stranger::Problem(_) | Stranger::Unavailable(_))) => {
            return Err(stranger.answer(gate));
        }
        Err(stranger) => stranger,
    };
    match permitted(gate, Act::Read, Some(id), caller).await {
        Ok(_reader) => match known(gate, id).await {
            Ok(approval) => Ok((approval, false)),
            Err(problem) => Err(problem.into_response()),
        },
        Err(refused) => Err(stranger.or(&refused, gate)),
    }
}

/// How long the caller wants to wait: `wait=30s`, or not at all.
fn wait(query: &str) -> Result<Duration, Problem> {
    let wrong = || {
        let detail = "the query is `wait=` and a duration of at most `30s`, or nothing";
        Problem::new(StatusCode::BAD_REQUEST, "wait_invalid", detail)
    };
    if query.is_empty() {
        return Ok(Duration::ZERO);
    }
    let text = query.strip_prefix("wait=").ok_or_else(wrong)?;
    let wait: HumanDuration = text.parse().map_err(|_error| wrong())?;
    if wait.get() > MAX_WAIT {
        return Err(wrong());
    }
    Ok(wait.get())
}

/// The approval once it is no more what the caller has seen; without that, once it does not wait for a decision any more. The second is
/// whether there was no place to wait.
async fn waited(
    gate: &Gate,
    approval: Arc<Approval>,
    seen: Option<&str>,
    wait: Duration,
) -> (Arc<Approval>, bool) {
    let is_new = |approval: &Approval| {
        let now = (gate.state.clock)();
        match seen {
            Some(seen) => tag(approval, now) != seen,
            None => approval.state(now) != Standing::Is(Status::Pending),
        }
    };
    if wait.is_zero() || is_new(&approval) {
        return (approval, false);
    }
    let Ok(_place) = gate.waiters.try_acquire() else {
        return (approval, true);
    };
    let (end, mut latest) = (Instant::now() + wait, approval);
    while Instant::now() < end {
        sleep(LOOK).await;
        if let Some(known) = gate.state.live.approvals.get(&latest.id) {
            latest = known;
        }
        if is_new(&latest) {
            break;
        }
    }
    (latest, false)
}

/// Names what a caller has seen: the version, and the state, which time changes too.
fn tag(approval: &Approval, now: Timestamp) -> String {
    format!("\"{}-{}\"", approval.version, approval.state(now).as_str())
}

fn answer(
    gate: &Gate,
    approval: &Approval,
    seen: Option<&str>,
    no_place: bool,
    calls: bool,
) -> Response {
    let now = (gate.state.clock)();
    let tag = tag(approval, now);
    let mut response = if seen == Some(tag.as_str()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut shown = standing(approval, now);
        let signed = if calls {
            signed(gate, approval, now)
        } else {
            None
        };
        if let (Some(token), Json::Object(members)) = (signed, &mut shown) {
            members.insert("token".to_owned(), Json::from(token));
        }
        pretty(StatusCode::OK, &shown)
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if no_place {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(COME_BACK));
    }
    response
}

/// The approval as a token, where it can be used and this server signs.
fn signed(gate: &Gate, approval: &Approval, now: Timestamp) -> Option<String> {
    match (gate.state.snapshot)().signed(approval, now)? {
        Ok(token) => Some(token),
        Err(error) => {
            tracing::error!(%error, approval.id = %approval.id, "an approval could not be signed");
            None
        }
    }
}
