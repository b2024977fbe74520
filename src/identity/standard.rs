//! The claims that every access token has (RFC 7519, section 4.1; RFC 9068, section 2.2), checked.

use std::sync::Arc;
use std::time::Duration;

use super::payload::{Payload, is_fit};
use super::reading::Presence;
use super::refusal;
use crate::json::Json;
use crate::model::party::Assurance;
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// Most audiences of a token.
const MAX_AUDIENCES: usize = 64;
/// Most authentication methods of a token.
const MAX_METHODS: usize = 32;

/// The clock that dates are compared with.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    /// How far the issuer's clock may be off.
    pub(super) leeway: Duration,
}

/// When a token is valid.
pub(super) struct Lifetime {
    pub(super) expires: Option<Timestamp>,
    pub(super) issued: Option<Timestamp>,
    pub(super) validity: Validity,
}

/// The dates that a token was accepted with, for whoever meets it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// The latest of the dates that must not be in the future.
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    leeway: Duration,
}

impl Validity {
    /// Whether none of the dates refuses the token at `now`.
    pub(super) fn holds(self, now: Timestamp) -> bool {
        let clock = Clock {
            now,
            leeway: self.leeway,
        };
        !clock.is_future(self.from) && !clock.is_past(self.until)
    }

    /// The same, if moreover `date` must not be in the future.
    pub(super) fn and_from(self, date: Option<Timestamp>) -> Self {
        Self {
            from: self.from.max(date),
            ..self
        }
    }

    /// When it ends at the latest, if it ends.
    pub(super) fn end(self) -> Option<Timestamp> {
        self.until.map(|until| until.plus(self.leeway))
    }
}

impl Clock {
    /// Reads `exp`, `nbf` and `iat`, and refuses a token that is not valid now.
    pub(super) fn lifetime(
        self,
        payload: Payload<'_>,
        expiry: Presence,
    ) -> Result<Lifetime, Denial> {
        let expires = payload.date("exp")?;
        if expires.is_none() && expiry == Presence::Required {
            return Err(refusal::claims("`exp` is missing"));
        }
        let (not_before, issued) = (payload.date("nbf")?, payload.date("iat")?);
        if self.is_past(expires) {
            return Err(Denial::new(Reason::TokenExpired).because("`exp` has passed"));
        }
        for (name, date) in [("nbf", not_before), ("iat", issued)] {
            if self.is_future(date) {
                let cause = format!("`{name}` is in the future");
                return Err(Denial::new(Reason::TokenNotYetValid).because(cause));
            }
        }
        let validity = Validity {
            from: not_before.max(issued),
            until: expires,
            leeway: self.leeway,
        };
        Ok(Lifetime {
            expires,
            issued,
            validity,
        })
    }

    /// Reads `acr`, `amr` and `auth_time`. A person who authenticates in the future would be fresh for ever.
    pub(super) fn assurance(self, payload: Payload<'_>) -> Result<Assurance, Denial> {
        let auth_time = payload.date("auth_time")?;
        if self.is_future(auth_time) {
            return Err(refusal::claims("`auth_time` is in the future"));
        }
        Ok(Assurance {
            acr: payload.text("acr")?,
            amr: payload.texts("amr", MAX_METHODS)?,
            auth_time,
        })
    }

    /// RFC 7519, section 4.1.4: on or after `exp` the token is not accepted.
    fn is_past(self, expires: Option<Timestamp>) -> bool {
        expires.is_some_and(|expires| self.now >= expires.plus(self.leeway))
    }

    fn is_future(self, date: Option<Timestamp>) -> bool {
        date.is_some_and(|date| date > self.now.plus(self.leeway))
    }
}

/// Reads `aud`, one text or a list of texts, and refuses a token that is not meant for `expected`, exactly. One that
/// says nothing about it passes only where `presence` is optional.
pub(super) fn audience(
    payload: Payload<'_>,
    expected: &str,
    presence: Presence,
) -> Result<Vec<Arc<str>>, Denial> {
    let audience = match payload.member("aud") {
        None if presence == Presence::Optional => return Ok(Vec::new()),
        None => Vec::new(),
        Some(Json::String(one)) if is_fit(one) => vec![Arc::from(&**one)],
        Some(_) => payload.texts("aud", MAX_AUDIENCES)?,
    };
    if audience.iter().any(|audience| **audience == *expected) {
        Ok(audience)
    } else {
        let cause = format!("`aud` is missing or does not have the route's audience `{expected}`");
        Err(Denial::new(Reason::TokenAudience).because(cause))
    }
}
