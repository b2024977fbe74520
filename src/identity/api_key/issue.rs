//! New keys.

use std::fmt;
use std::time::Duration;

use super::network::Network;
use super::provider::ApiKeyProvider;
use super::table::is_issued;
use super::text::{new_id, new_key};
use crate::identity::payload::is_fit;
use crate::keys::{RandomError, hmac};
use crate::model::duration::HumanDuration;
use crate::model::party::Kind;
use crate::model::time::Timestamp;
use crate::store::ApiKeyRecord;

/// Most groups, scopes or networks of one key.
const MAX_ITEMS: usize = 64;

/// What a key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The identity that it stands for.
    pub identity: String,
    /// Who answers for it.
    pub owner: String,
    /// The identity's kind.
    pub kind: Kind,
    /// The identity's groups.
    pub groups: Vec<String>,
    /// What the key is good for.
    pub scope: Vec<String>,
    /// Networks that it may be used from; none means any.
    pub networks: Vec<Network>,
    /// How long it lives.
    pub lifetime: Duration,
}

/// A key that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// What the store keeps.
    pub record: ApiKeyRecord,
    /// The key itself: shown once, kept nowhere.
    pub key: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({:?})", self.record)
    }
}

/// Why a key cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewKeyError {
    /// A text is empty, too long or has control characters.
    #[error("the {0} is empty, too long or has control characters")]
    Unfit(&'static str),
    /// A group or scope has a space, or there are too many of them.
    #[error("a {0} is one word, and there are at most {MAX_ITEMS} of them")]
    Items(&'static str),
    /// Keys are not for people.
    #[error("an API key is for a `service` or an `agent`; people sign in")]
    Kind,
    /// It would live too long, or not at all.
    #[error("a key of this provider lives at least `1s` and at most `{0}` (`max_lifetime`)")]
    Lifetime(HumanDuration),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl ApiKeyProvider {
    /// Makes a key; it counts once the store has its record.
    pub fn issue(&self, new: NewKey, now: Timestamp) -> Result<Issued, NewKeyError> {
        let NewKey {
            identity,
            owner,
            kind,
            groups,
            scope,
            networks,
            lifetime,
        } = new;
        for (what, text) in [("id", &identity), ("owner", &owner)] {
            if !is_fit(text) {
                return Err(NewKeyError::Unfit(what));
            }
        }
        let word = |text: &String| is_fit(text) && !text.contains(char::is_whitespace);
        for (what, items) in [("group", &groups), ("scope", &scope)] {
            if items.len() > MAX_ITEMS || !items.iter().all(word) {
                return Err(NewKeyError::Items(what));
            }
        }
        if networks.len() > MAX_ITEMS {
            return Err(NewKeyError::Items("network"));
        }
        if !is_issued(kind) {
            return Err(NewKeyError::Kind);
        }
        if lifetime < Duration::from_secs(1) || lifetime > self.max_lifetime {
            let millis = u64::try_from(self.max_lifetime.as_millis()).unwrap_or(u64::MAX);
            return Err(NewKeyError::Lifetime(HumanDuration::from_millis(millis)));
        }
        let id = new_id()?;
        let key = new_key(&self.prefix, &id)?;
        let record = ApiKeyRecord {
            id,
            provider: self.name.to_string(),
            identity,
            owner,
            kind: kind.as_str().to_owned(),
            groups,
            scope,
            networks: networks.iter().map(ToString::to_string).collect(),
            digest: hmac::sign(self.pepper.expose(), key.as_bytes()),
            created: now,
            expires: now.plus(lifetime),
            revoked: None,
            reason: None,
            last_used: None,
        };
        Ok(Issued { record, key })
    }
}
