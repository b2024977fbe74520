//! Security events of other systems: what an identity provider knows first, in force here at once (Shared Signals, pushed as
//! RFC 8935 says; CAEP and RISC).
//!
//! An event is a signed token for exactly one stream, about the identities of one provider. What it does is merged into what is
//! revoked, and is durable before it is answered with 202; so one that comes late, twice or out of order does no harm. Nothing that
//! an event says reaches further than its stream's provider, and no time in it further than a day back or half a minute ahead.

mod effect;
mod entries;
mod refused;
mod set;
mod settings;
pub(super) mod spec;
mod subject;
#[cfg(test)]
mod tests;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use self::effect::Effect;
use self::entries::Said;
use self::refused::Refused;
use self::set::{MAX_SET, SecurityEvent};
use self::settings::Stream;
use super::access::{Access, Method, Operator};
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::bounded;
use super::problem::{HEADERS, Problem};
use super::revocations::{ended, has_room, over, put};
use crate::keys::secret::{Secret, SecretSpec};
use crate::keys::{digest_bytes, hmac};
use crate::model::revocation::{MARGIN, Revocation};
use crate::store::Consumed;
use crate::telemetry::EventResult;

pub use settings::Streams;
pub use spec::EventsSpec;

/// How long an event is known again that comes twice.
const REMEMBERED: Duration = Duration::from_hours(24);
/// The one media type (RFC 8935, section 2).
const MEDIA_TYPE: &str = "application/secevent+jwt";

/// Takes an event of the stream of this name.
pub(super) async fn receive(
    State(gate): State<Arc<Gate>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let Some(stream) = (gate.state.streams)().get(&name) else {
        let detail = "there is no stream of this name in `events.streams`";
        return Problem::new(StatusCode::NOT_FOUND, "stream_unknown", detail).into_response();
    };
    let event = match read(&gate, &stream, request).await {
        Ok(event) => event,
        Err(why) => return refused(&gate, &stream, why),
    };
    let operator = Operator {
        name: Some(Arc::clone(&stream.name)),
        method: Method::Event,
        id: Some(event.id.clone()),
        actor: None,
    };
    let own = Arc::clone(&gate);
    let act = async move {
        let kept = keep(&own, &stream, &event).await;
        if kept.is_err() {
            count(&own, &stream, EventResult::Failed);
        }
        ended(kept)
    };
    let action = "events.receive";
    carry_out(gate, Change { operator, action }, act).await
}

/// Everything of an event, verified.
async fn read(
    gate: &Gate,
    stream: &Arc<Stream>,
    request: Request,
) -> Result<SecurityEvent, Refused> {
    let (head, body) = request.into_parts();
    authorize(gate, stream, &head.headers).await?;
    let kind = one(&head.headers, &header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(MEDIA_TYPE)) {
        let detail = "send `content-type: application/secevent+jwt`";
        return Err(Refused::Request(detail));
    }
    let body = bounded(body, MAX_SET).await.map_err(Refused::Body)?;
    let token = str::from_utf8(&body);
    let token =
        token.map_err(|_bytes| Refused::Request("the body is not a JWS in compact form"))?;
    // Whoever is right comes in, however many fail at the same time.
    let _turn = gate.turn().await;
    SecurityEvent::read(stream, token, (gate.state.clock)(), Instant::now())
}

/// Whether the transmitter comes with the stream's token. Where the stream has none, a credential cannot be right.
async fn authorize(gate: &Gate, stream: &Stream, headers: &HeaderMap) -> Result<(), Refused> {
    let Some(secret) = stream.authorization.clone() else {
        if headers.contains_key(header::AUTHORIZATION) {
            let detail = "the stream takes no `authorization`: name it in its configuration";
            return Err(Refused::Sender(detail));
        }
        return Ok(());
    };
    let sent = one(headers, &header::AUTHORIZATION).and_then(|it| it.split_once(' '));
    let Some((scheme, token)) = sent else {
        return Err(Refused::Sender(
            "send the stream's token as `authorization: Bearer`",
        ));
    };
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if !is_bearer || !is_token(gate.key, secret, token.to_owned()).await? {
        return Err(Refused::Sender("the token is not that of the stream"));
    }
    Ok(())
}

/// Whether a token is the one of the stream as it is now; compared in constant time under a key that nobody else knows.
async fn is_token(key: [u8; 32], secret: SecretSpec, token: String) -> Result<bool, Refused> {
    let compare = move || {
        let secret = Secret::load(&secret, FilePath::new("")).ok()?;
        let tag = hmac::sign(&key, token.as_bytes());
        let fits = Access::is_token(secret.expose());
        Some(hmac::verify(&key, secret.expose(), &tag) && fits)
    };
    let compared = tokio::task::spawn_blocking(compare).await.ok().flatten();
    compared.ok_or_else(|| {
        tracing::error!("the `authorization` of a stream of events cannot be read");
        Refused::Unavailable("the token of the stream cannot be read")
    })
}

/// The one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok()
}

/// Merges in what the event does. It is known again only after that: whoever heard no answer may send it again.
async fn keep(gate: &Gate, stream: &Stream, event: &SecurityEvent) -> Result<Outcome, Problem> {
    let by: Arc<str> = Arc::from(format!("stream {}", stream.name));
    let said = Said {
        provider: &stream.provider,
        by: &by,
        now: (gate.state.clock)(),
    };
    let entries = event.entries(said, |target, cut| {
        let over = over(gate, target, Some(cut), cut);
        over.map(|over| over.plus(MARGIN))
    });
    for entry in &entries {
        has_room(gate, &entry.target)?;
    }
    let targets: Vec<String> = entries.iter().map(|it| it.target.to_string()).collect();
    let result = done(gate, stream, event, entries).await?;
    count(gate, stream, result);
    let answer = (StatusCode::ACCEPTED, HEADERS);
    let outcome = Outcome::new(result.as_str(), answer).because(Arc::from(event.called));
    Ok(if targets.is_empty() {
        outcome
    } else {
        outcome.on(targets.join(", "))
    })
}

async fn done(
    gate: &Gate,
    stream: &Stream,
    event: &SecurityEvent,
    entries: Vec<Revocation>,
) -> Result<EventResult, Problem> {
    match event.effect {
        Effect::Verify => Ok(EventResult::Verified),
        Effect::Cut(_) | Effect::Block | Effect::Lift if !entries.is_empty() => {
            put(gate, entries).await?;
            Ok(if came_before(gate, stream, event).await {
                EventResult::Repeated
            } else {
                EventResult::Applied
            })
        }
        Effect::Cut(_) | Effect::Block | Effect::Lift | Effect::Ignore => Ok(EventResult::Unmapped),
    }
}

/// Whether the event came before, as far as that is known: nothing depends on it but what is counted.
async fn came_before(gate: &Gate, stream: &Stream, event: &SecurityEvent) -> bool {
    let key = digest_bytes([
        ("security-event", stream.name.as_bytes()),
        ("jti", event.id.as_bytes()),
    ]);
    let now = (gate.state.clock)();
    match gate
        .state
        .store
        .consume(key, now.plus(REMEMBERED), now)
        .await
    {
        Ok(Consumed::Seen) => true,
        Ok(Consumed::Fresh | Consumed::Full) => false,
        Err(error) => {
            tracing::debug!(%error, "an event is not known again");
            false
        }
    }
}

fn count(gate: &Gate, stream: &Stream, result: EventResult) {
    let now = (gate.state.clock)();
    gate.state.metrics.event(&stream.name, result, now);
}

/// What is not taken is counted, and logged without anything of it.
fn refused(gate: &Gate, stream: &Stream, why: Refused) -> Response {
    let result = match why {
        Refused::Unavailable(_) => EventResult::Failed,
        Refused::Request(_)
        | Refused::Body(_)
        | Refused::Key(_)
        | Refused::Issuer
        | Refused::Audience
        | Refused::Signature
        | Refused::Foreign
        | Refused::Sender(_) => EventResult::Refused,
    };
    count(gate, stream, result);
    if why.is_guess() && !gate.limiter.failed(Instant::now()) {
        let detail = "too many attempts have failed: try again in a second";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Problem::new(status, "too_many_failures", detail);
        return ([(header::RETRY_AFTER, "1")], problem).into_response();
    }
    let (code, detail) = why.told();
    tracing::warn!(stream = %stream.name, code, detail, "an event is not taken");
    why.into_response()
}
