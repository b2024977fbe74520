//! Conditions that other systems set: messages that are signed by whoever has a secret (Standard Webhooks 1.0).
//!
//! A message counts once, and only near the time that it says. It says which condition it is about, and since when: one that comes
//! late, or again, does not undo what was said since. Its signature is looked at before anything of its body is, and
//! whoever guesses is slowed down like everybody who comes with a wrong credential.

pub(super) mod spec;
mod told;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::access::{Method, Operator};
use super::change::{Change, Outcome, carry_out};
use super::conditions::{Keeping, ended};
use super::gate::Gate;
use super::json::{bounded, parse, pretty};
use super::problem::Problem;
use crate::keys::secret::{Secret, SecretSpec};
use crate::keys::{SignedMessage, WebhookKey, sha256};
use crate::model::name::ConditionName;
use crate::model::time::Timestamp;
use crate::store::Consumed;
use crate::telemetry::AdminRefusal;
use told::Told;

/// How far a message's time may be from ours, either way.
const TOLERANCE: Duration = Duration::from_mins(5);
/// Largest body in bytes.
const MAX_BODY: usize = 16 * 1024;
/// Longest id in bytes.
const MAX_ID: usize = 128;
/// Longest value of a header in bytes.
const MAX_HEADER: usize = 1024;

/// A message whose signature is right.
struct Signed {
    id: String,
    at: Timestamp,
    body: Vec<u8>,
}

/// Sets the condition of this name to what a signed message says.
pub(super) async fn conditions(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let Signed { id, at, body } = match signed(&gate, request).await {
        Ok(signed) => signed,
        Err(problem) => return refused(&gate, problem),
    };
    let operator = Operator {
        name: Some(Arc::from("hooks.conditions")),
        method: Method::Webhook,
        id: Some(id.clone()),
        actor: None,
    };
    let own = Arc::clone(&gate);
    let act = async move {
        let told = match parse::<Told>(&body) {
            Ok(told) => told,
            Err(problem) => return ended(Err(problem)),
        };
        ended(once(&own, &name, (id, at), told).await)
    };
    let action = "conditions.set";
    carry_out(gate, Change { operator, action }, act).await
}

/// Does what a message says, the first time that it comes. A sender that has not heard our answer sends it again: where what
/// it says is in force, it is told so.
async fn once(
    gate: &Gate,
    name: &str,
    message: (String, Timestamp),
    told: Told,
) -> Result<Outcome, Problem> {
    let (id, at) = message;
    let by: Arc<str> = Arc::from(format!("webhook {id}"));
    let now = (gate.state.clock)();
    // What cannot be kept uses nothing up.
    let (said, since) = told.about(name, now)?;
    let keeping = Keeping::of(gate, name, said, Arc::clone(&by))?.since(since);
    let key = sha256(format!("condition-webhook/v1\0{id}").as_bytes());
    match gate.state.store.consume(key, at.plus(TOLERANCE), now).await {
        Ok(Consumed::Fresh) => keeping.keep(gate).await,
        Ok(Consumed::Seen) if is_in_force(gate, name, &by, now) => {
            let body = json!({ "name": name, "result": "unchanged" });
            let outcome = Outcome::new("unchanged", pretty(StatusCode::OK, &body));
            Ok(outcome.on(name.to_owned()))
        }
        Ok(Consumed::Seen) => {
            let detail = "a message with this id came before, and what it said is not in force: send a new one";
            let problem = Problem::new(StatusCode::CONFLICT, "message_used", detail);
            Err(problem)
        }
        Ok(Consumed::Full) | Err(_) => {
            let detail = "the store cannot remember the message now: send it again later";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Err(Problem::new(status, "store_unavailable", detail))
        }
    }
}

fn is_in_force(gate: &Gate, name: &str, by: &str, now: Timestamp) -> bool {
    let snapshot = (gate.state.snapshot)();
    let name = ConditionName::new(name).ok();
    let set = name.and_then(|name| snapshot.live.conditions.get(&name));
    set.is_some_and(|set| *set.by == *by && set.value(now).is_some())
}

async fn signed(gate: &Gate, request: Request) -> Result<Signed, Problem> {
    let Some(secret) = gate.settings.hooks.conditions.clone() else {
        let detail = "there is no `hooks.conditions` in the configuration";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
    };
    let (head, body) = request.into_parts();
    let headers = &head.headers;
    let id = one(headers, "webhook-id").filter(|id| is_id(id));
    let timestamp = one(headers, "webhook-timestamp");
    let signatures = one(headers, "webhook-signature");
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        return Err(unsigned(
            "`webhook-id`, `webhook-timestamp` or `webhook-signature` is missing or malformed",
        ));
    };
    let at = near(timestamp, (gate.state.clock)());
    let at = at.ok_or_else(|| unsigned("`webhook-timestamp` is too far from our time"))?;
    let body = bounded(body, MAX_BODY).await?;
    let key = key(secret).await?;
    let message = SignedMessage {
        id,
        timestamp,
        body: &body,
    };
    if !key.is_signed(message, signatures) {
        return Err(unsigned("no signature is that of this message"));
    }
    Ok(Signed {
        id: id.to_owned(),
        at,
        body,
    })
}

/// The key as it is now: a file that changes counts at once.
async fn key(secret: SecretSpec) -> Result<WebhookKey, Problem> {
    let load = move || {
        let secret = Secret::load(&secret, FilePath::new("")).ok()?;
        WebhookKey::read(&secret).ok()
    };
    let key = tokio::task::spawn_blocking(load).await.ok().flatten();
    key.ok_or_else(|| {
        tracing::error!("the secret of `hooks.conditions` cannot be used");
        let detail = "the secret of `hooks.conditions` cannot be used";
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "secret_unavailable",
            detail,
        )
    })
}

/// The one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok().filter(|text| text.len() <= MAX_HEADER)
}

/// An id has no full stop: id, time and body are signed with full stops between them.
fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(allowed)
}

/// A time in seconds that is near enough to ours.
fn near(text: &str, now: Timestamp) -> Option<Timestamp> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits && text.len() <= 12)?;
    let at = Timestamp::from_seconds(seconds);
    let fits = (now.minus(TOLERANCE)..=now.plus(TOLERANCE)).contains(&at);
    fits.then_some(at)
}

fn unsigned(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "message_unsigned", detail)
}

/// What is not signed counts as a credential that is not valid. Whoever is right comes in, however many fail at the same time.
fn refused(gate: &Gate, problem: Problem) -> Response {
    if problem.status() != StatusCode::UNAUTHORIZED {
        return problem.into_response();
    }
    let metrics = &gate.state.metrics;
    if !gate.limiter.failed(Instant::now()) {
        metrics.admin_refused(AdminRefusal::Limited);
        let detail = "too many attempts have failed: try again in a second";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Problem::new(status, "too_many_failures", detail);
        return ([(header::RETRY_AFTER, "1")], problem).into_response();
    }
    metrics.admin_refused(AdminRefusal::Unauthenticated);
    tracing::warn!("a message to a hook is not signed as it should be");
    // A 401 names a scheme (RFC 9110, section 15.5.2), and none is registered for signatures of messages.
    ([(header::WWW_AUTHENTICATE, "Webhook")], problem).into_response()
}
