//! A sign-in that has begun and not ended. The server remembers nothing of it: the browser keeps a note that only the server can have
//! written, and what is secret about it follows from a key that never leaves the process. So strangers who begin many cost nothing.

use crate::keys::{RandomError, base64url, hmac, random_bytes};
use crate::model::approval::ApprovalId;
use crate::model::time::Timestamp;

/// How long a sign-in may take, in seconds.
pub(super) const LIFE: i64 = 600;

/// What the notes of one process are written with.
pub(super) struct Notes {
    key: [u8; 32],
}

/// A page to go to afterwards: the list, or one approval. There is no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    List,
    One(ApprovalId),
}

/// One sign-in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// What the issuer sends back (RFC 6749, section 10.12).
    pub(super) state: String,
    pub(super) next: Next,
    until: i64,
}

impl Next {
    /// Reads a path of ours.
    pub(super) fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix("/approvals")? {
            "" => Some(Self::List),
            rest => {
                let id = ApprovalId::parse(rest.strip_prefix('/')?);
                id.ok().map(Self::One)
            }
        }
    }

    pub(super) fn path(&self) -> String {
        match self {
            Self::List => "/approvals".to_owned(),
            Self::One(id) => format!("/approvals/{id}"),
        }
    }
}

impl Begun {
    /// Begins a sign-in.
    pub(super) fn new(next: Next, now: Timestamp) -> Result<Self, RandomError> {
        Ok(Self {
            state: base64url::encode(&random_bytes::<32>()?),
            next,
            until: now.seconds().saturating_add(LIFE),
        })
    }
}

impl Notes {
    pub(super) fn new() -> Result<Self, RandomError> {
        Ok(Self {
            key: random_bytes()?,
        })
    }

    /// The note for the browser.
    pub(super) fn write(&self, begun: &Begun) -> String {
        let Begun { state, next, until } = begun;
        let text = format!(
            "{state}.{until}.{}",
            base64url::encode(next.path().as_bytes())
        );
        let tag = hmac::sign(&self.key, text.as_bytes());
        format!("{text}.{}", base64url::encode(&tag))
    }

    /// Reads a note that came back; none if it is not ours, too old, or that of another sign-in.
    pub(super) fn read(&self, note: &str, state: &str, now: Timestamp) -> Option<Begun> {
        let (text, tag) = note.rsplit_once('.')?;
        let tag = base64url::decode(tag)?;
        if !hmac::verify(&self.key, text.as_bytes(), &tag) {
            return None;
        }
        let mut parts = text.split('.');
        let (kept, until, next) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let next = String::from_utf8(base64url::decode(next)?).ok()?;
        let same = hmac::sign(&self.key, state.as_bytes());
        let is_same = hmac::verify(&self.key, kept.as_bytes(), &same);
        (is_same && now.seconds() <= until).then_some(())?;
        Some(Begun {
            state: kept.to_owned(),
            next: Next::parse(&next)?,
            until,
        })
    }

    /// The secret with which a code is exchanged (RFC 7636, section 4.1).
    pub(super) fn verifier(&self, begun: &Begun) -> String {
        self.derived("verifier", begun)
    }

    /// What an ID token must repeat (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(super) fn nonce(&self, begun: &Begun) -> String {
        self.derived("nonce", begun)
    }

    fn derived(&self, what: &str, begun: &Begun) -> String {
        let text = format!("{what} {}", begun.state);
        base64url::encode(&hmac::sign(&self.key, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_note_is_good_for_its_own_sign_in_and_for_its_time() {
        let notes = Notes::new().unwrap();
        let next = Next::parse("/approvals/apr_0123456789abcdefghijkl").unwrap();
        let [begun, other] = [(); 2].map(|()| Begun::new(next.clone(), NOW).unwrap());
        let note = notes.write(&begun);
        assert!(notes.read(&note, &begun.state, NOW) == Some(begun.clone()));
        assert!(notes.read(&note, &other.state, NOW).is_none());
        assert!(notes.read(&note, "", NOW).is_none());
        let late = Timestamp::from_seconds(NOW.seconds() + LIFE + 1);
        assert!(notes.read(&note, &begun.state, late).is_none());
        let strange = Notes::new().unwrap();
        assert!(strange.read(&note, &begun.state, NOW).is_none());
        let forged = note.replacen('.', ".9", 1);
        assert!(notes.read(&forged, &begun.state, NOW).is_none());
    }

    #[test]
    fn what_is_secret_differs_and_stays() {
        let notes = Notes::new().unwrap();
        let begun = Begun::new(Next::List, NOW).unwrap();
        let other = Begun::new(Next::List, NOW).unwrap();
        assert_eq!(notes.verifier(&begun).len(), 43);
        assert_eq!(notes.verifier(&begun), notes.verifier(&begun));
        assert_ne!(notes.verifier(&begun), notes.verifier(&other));
        assert_ne!(notes.verifier(&begun), notes.nonce(&begun));
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(Next::parse("/approvals"), Some(Next::List));
        for wrong in [
            "https://example.com",
            "//example.com",
            "/approvals/",
            "/approvals//example.com",
            "/approvals/sign-out",
            "/reload",
            "",
            "/approvalsx",
            "/approvals/apr_0123456789abcdefghijkl/approve",
        ] {
            assert_eq!(Next::parse(wrong), None, "{wrong}");
        }
    }
}
