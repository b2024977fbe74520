//! A security event token (RFC 8417), verified.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::effect::{Effect, effect};
use super::refused::Refused;
use super::settings::Stream;
use super::subject::{Realm, Subject};
use crate::keys::Compact;
use crate::model::time::Timestamp;

/// Largest token in bytes.
pub(super) const MAX_SET: usize = 64 * 1024;
/// The one `typ` (RFC 8417, section 2.3): with another, a token of somebody's would do.
const TYP: &str = "secevent+jwt";
/// Longest id in bytes.
const MAX_ID: usize = 256;
/// How far a transmitter's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(1);
/// How far apart the clocks of those may be who write events and who issue tokens. What is cut is cut so much later.
pub(super) const CLOCKS_APART: Duration = Duration::from_secs(30);
/// How long before it was told something may have happened. What is said of earlier moments is taken as of then.
const BEFORE: Duration = Duration::from_hours(24);

/// What happened to whom, as far as it means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecurityEvent {
    /// Its id (`jti`).
    pub(super) id: String,
    /// What it is called in records.
    pub(super) called: &'static str,
    /// What it does.
    pub(super) effect: Effect,
    /// When it happened, within bounds.
    pub(super) at: Timestamp,
    /// Whom it is about.
    pub(super) subject: Subject,
}

/// The claims that are looked at.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    iat: Value,
    toe: Option<Value>,
    aud: Audience,
    sub_id: Option<Value>,
    events: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl SecurityEvent {
    /// Verifies what a stream's transmitter has sent.
    pub(super) fn read(
        stream: &Stream,
        token: &str,
        now: Timestamp,
        instant: Instant,
    ) -> Result<Self, Refused> {
        let token = Compact::within(token, MAX_SET)?;
        let parsed = token.parse()?;
        if parsed.typ() != Some(TYP) {
            return Err(Refused::Request("its `typ` is not `secevent+jwt`"));
        }
        if parsed.unverified_issuer() != Some(&*stream.issuer) {
            return Err(Refused::Issuer);
        }
        let keys = stream.keys.as_ref();
        let keys = keys.ok_or(Refused::Unavailable("the transmitter's keys are not there"))?;
        let verified = parsed.verify(&stream.algorithms, keys, instant)?;
        let claims = serde_json::from_value(Value::Object(verified.claims.into()));
        let claims = claims.map_err(|_error| {
            Refused::Request("`jti`, `iat`, `aud` or `events` is missing or has another type")
        })?;
        let realm = Realm {
            provider: &stream.provider,
            issuer: &stream.subjects,
        };
        Self::of_claims(claims, &stream.audience, realm, now)
    }

    fn of_claims(
        claims: Claims,
        audience: &str,
        realm: Realm<'_>,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let Claims {
            jti,
            iat,
            toe,
            aud,
            sub_id,
            events,
        } = claims;
        let is_ours = match &aud {
            Audience::One(one) => one == audience,
            Audience::Many(many) => many.iter().any(|one| one == audience),
        };
        if !is_ours {
            return Err(Refused::Audience);
        }
        if jti.is_empty() || jti.len() > MAX_ID || jti.contains(char::is_control) {
            return Err(Refused::Request("`jti` is not an id"));
        }
        let issued = moment(&iat)?;
        if issued > now.plus(AHEAD) {
            return Err(Refused::Request("`iat` is in the future"));
        }
        let mut events = events.into_iter();
        let (Some((name, payload)), None) = (events.next(), events.next()) else {
            return Err(Refused::Request("`events` has not exactly one event"));
        };
        let payload = payload.as_object();
        let payload = payload.ok_or(Refused::Request("the event is not an object"))?;
        let (called, effect) = effect(&name, payload)?;
        let at = payload.get("event_timestamp").or(toe.as_ref());
        let at = at.map_or(Ok(issued), moment)?;
        let subject = match (effect.is_about_somebody(), sub_id) {
            (false, _) => Subject::default(),
            (true, Some(subject)) => Subject::read(&subject, realm)?,
            (true, None) => return Err(Refused::Request("`sub_id` is missing")),
        };
        Ok(Self {
            id: jti,
            called,
            effect,
            at: at.clamp(issued.minus(BEFORE), issued.plus(CLOCKS_APART)),
            subject,
        })
    }

    /// The same for claims that somebody has verified.
    #[cfg(test)]
    pub(super) fn of_json(
        claims: Value,
        audience: &str,
        realm: Realm<'_>,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let claims = serde_json::from_value(claims).unwrap();
        Self::of_claims(claims, audience, realm, now)
    }
}

/// A date in seconds since 1970 (RFC 7519, section 2), with or without a fraction.
fn moment(value: &Value) -> Result<Timestamp, Refused> {
    /// The year 9999 has not ended.
    const LAST: u64 = 253_402_300_799;
    let whole = value.as_u64().map(Duration::from_secs);
    let read = whole.or_else(|| Duration::try_from_secs_f64(value.as_f64()?).ok());
    let read = read.filter(|since| since.as_secs() <= LAST);
    let millis = read.and_then(|since| i64::try_from(since.as_millis()).ok());
    let millis = millis.ok_or(Refused::Request("a date is not a number of seconds"))?;
    Ok(Timestamp::from_millis(millis))
}
