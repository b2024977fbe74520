//! Who is signed in. A session lives in this process's memory and holds the person's access token, which is presented like any other
//! credential whenever the person does something; so it ends what the token's end, its revocation or a demand for more ends.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::keys::{RandomError, base64url, hmac, random_bytes, sha256};
use crate::model::party::PartyId;

/// Most sessions; the one that nobody has used for longest gives way. Only who is known by a provider gets one.
const MAX_SESSIONS: usize = 512;
/// Most sessions of one person; the oldest gives way.
const MAX_PER_PERSON: usize = 8;
/// How long a session may be unused.
const IDLE: Duration = Duration::from_mins(30);
/// How long a session lasts at most.
pub(super) const LIFE: Duration = Duration::from_hours(8);

/// An access token; it is never printed.
#[derive(Clone)]
pub(super) struct AccessToken(Arc<str>);

/// One person's sitting in one browser.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Who it was when it began.
    pub(super) person: PartyId,
    /// What is presented for the person.
    pub(super) token: AccessToken,
    /// What forms are marked with: a key that only this session has.
    mark: Mark,
    opened: Instant,
    used: Instant,
}

#[derive(Clone)]
struct Mark([u8; 32]);

/// All of them, by the digest of the id that the browser has: whoever reads memory cannot sign in with what it finds.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl AccessToken {
    /// A token, if it is made of what tokens are made of (RFC 6750, section 2.1) and within the bound of a header.
    pub(super) fn new(text: &str) -> Option<Self> {
        const MAX_BYTES: usize = 12 * 1024;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        let fits = !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(allowed);
        fits.then(|| Self(Arc::from(text)))
    }

    /// The token itself, for the one request that presents it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(…)")
    }
}

impl Session {
    /// What every form of the session carries, so that nobody else can have written it.
    pub(super) fn mark(&self) -> String {
        base64url::encode(&hmac::sign(&self.mark.0, b"form"))
    }

    /// Whether a form carries it; compared in constant time.
    pub(super) fn is_marked(&self, mark: Option<&str>) -> bool {
        let tag = mark.and_then(base64url::decode);
        tag.is_some_and(|tag| hmac::verify(&self.mark.0, b"form", &tag))
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.opened) > LIFE || now.duration_since(self.used) > IDLE
    }
}

impl Sessions {
    /// Begins a session; the id for the browser.
    pub(super) fn open(
        &self,
        person: PartyId,
        token: AccessToken,
        now: Instant,
    ) -> Result<String, RandomError> {
        let id = base64url::encode(&random_bytes::<32>()?);
        let session = Session {
            person,
            token,
            mark: Mark(random_bytes()?),
            opened: now,
            used: now,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, it| !it.is_over(now));
        let own = |it: &&Session| it.person == session.person;
        if all.values().filter(own).count() >= MAX_PER_PERSON {
            let oldest = all
                .iter()
                .filter(|(_, it)| own(it))
                .min_by_key(|(_, it)| it.opened);
            let oldest = oldest.map(|(id, _)| *id);
            oldest.and_then(|id| all.remove(&id));
        }
        if all.len() >= MAX_SESSIONS {
            let idlest = all.iter().min_by_key(|(_, it)| it.used).map(|(id, _)| *id);
            idlest.and_then(|id| all.remove(&id));
        }
        all.insert(sha256(id.as_bytes()), session);
        Ok(id)
    }

    /// The session of an id, which is used by that.
    pub(super) fn find(&self, id: &str, now: Instant) -> Option<Session> {
        let digest = sha256(id.as_bytes());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = all.get_mut(&digest)?;
        if session.is_over(now) {
            all.remove(&digest);
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    /// Ends a session.
    pub(super) fn close(&self, id: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&sha256(id.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ProviderName;

    fn person(id: &str) -> PartyId {
        PartyId::new(ProviderName::new("corp").unwrap(), id)
    }

    fn open(sessions: &Sessions, id: &str, now: Instant) -> String {
        let token = AccessToken::new("a.b.c").unwrap();
        sessions.open(person(id), token, now).unwrap()
    }

    #[test]
    fn a_session_ends_when_it_is_closed_unused_or_old() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let id = open(&sessions, "ana", start);
        assert!(sessions.find(&id, start).is_some());
        assert!(sessions.find(&id.to_lowercase(), start).is_none());
        sessions.close(&id);
        assert!(sessions.find(&id, start).is_none());

        let id = open(&sessions, "ana", start);
        assert!(
            sessions
                .find(&id, start + IDLE + Duration::from_secs(1))
                .is_none()
        );
        assert!(sessions.find(&id, start).is_none(), "for good");

        let id = open(&sessions, "ana", start);
        let mut now = start;
        while now + IDLE < start + LIFE {
            now += IDLE;
            assert!(sessions.find(&id, now).is_some());
        }
        assert!(
            sessions
                .find(&id, start + LIFE + Duration::from_secs(1))
                .is_none()
        );
    }

    #[test]
    fn one_person_pushes_nobody_else_out_and_everybody_has_a_bound() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let ben = open(&sessions, "ben", start);
        let first = open(&sessions, "ana", start);
        for second in 1..=MAX_SESSIONS as u64 {
            open(&sessions, "ana", start + Duration::from_millis(second));
        }
        assert!(sessions.find(&ben, start).is_some());
        assert!(sessions.find(&first, start).is_none());
        assert_eq!(sessions.0.lock().unwrap().len(), MAX_PER_PERSON + 1);
        for other in 0..=MAX_SESSIONS {
            open(
                &sessions,
                &other.to_string(),
                start + Duration::from_secs(1),
            );
        }
        assert_eq!(sessions.0.lock().unwrap().len(), MAX_SESSIONS);
        assert!(sessions.find(&ben, start).is_none(), "unused for longest");
    }

    #[test]
    fn a_form_of_another_session_is_not_this_ones() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let [one, other] = [(); 2].map(|()| open(&sessions, "ana", now));
        let one = sessions.find(&one, now).unwrap();
        let other = sessions.find(&other, now).unwrap();
        assert!(one.is_marked(Some(&one.mark())));
        for wrong in [None, Some(""), Some("x"), Some(&*other.mark())] {
            assert!(!one.is_marked(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn neither_token_nor_mark_is_printed() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let id = open(&sessions, "ana", now);
        let session = sessions.find(&id, now).unwrap();
        let printed = format!("{session:?} {sessions:?}");
        assert!(
            !printed.contains("a.b.c") && !printed.contains(&id),
            "{printed}"
        );
        for wrong in ["", "a b", "a\nb", "ä", "a,b"] {
            assert!(AccessToken::new(wrong).is_none(), "{wrong}");
        }
    }
}
