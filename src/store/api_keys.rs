//! API keys: all that is known of each, and of its secret only a digest.

use std::fmt;
use std::sync::Arc;

use super::{Store, StoreError};
use crate::model::revocation::{MARGIN, Revocation, Target};
use crate::model::time::Timestamp;

/// Most keys that are kept, revoked and expired ones included: every server holds all of them in memory.
pub(super) const MAX_API_KEYS: u64 = 100_000;

/// Most keys of one identity that work at the same time: one in use, and its successor.
pub(super) const MAX_LIVE: u64 = 2;

/// An API key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// What the key is found by; it is part of the key and no secret.
    pub id: String,
    /// The provider that it belongs to.
    pub provider: String,
    /// The identity that it stands for.
    pub identity: String,
    /// Who answers for it.
    pub owner: String,
    /// The identity's kind, as rules spell it.
    pub kind: String,
    /// The identity's groups.
    pub groups: Vec<String>,
    /// What the key is good for.
    pub scope: Vec<String>,
    /// Networks that it may be used from, as `address/length`; none means any.
    pub networks: Vec<String>,
    /// A keyed digest of the key.
    pub digest: [u8; 32],
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Why it was revoked.
    pub reason: Option<String>,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether it works at `now`, as far as its lifetime goes.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires > now
    }

    /// The block that ends it on every replica: each is told, and gives it back where the store has lost it. It is forgotten when
    /// the key would have ended by itself.
    pub fn block(&self, at: Timestamp, by: &Arc<str>, reason: &str) -> Revocation {
        Revocation {
            target: Target::ApiKey(Arc::from(self.id.as_str())),
            not_before: None,
            blocked: Some(at),
            lifted: None,
            expires: Some(self.expires.plus(MARGIN)),
            reason: Arc::from(reason),
            by: Arc::clone(by),
            at,
        }
    }
}

impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ApiKeyRecord({} of {}/{})",
            self.id, self.provider, self.identity
        )
    }
}

/// The keys of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeys {
    /// Those that can be read, in the order of their ids.
    pub keys: Vec<ApiKeyRecord>,
    /// The ids of those that cannot: somebody else changed the file. They work for nobody.
    pub unreadable: Vec<String>,
}

/// Which API keys there are: those of two equal versions are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysVersion {
    /// The state, and the server that holds it.
    pub(super) place: Arc<str>,
    /// How often keys were changed there.
    pub(super) changes: u64,
}

/// Whether a key was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Stored,
    /// Its id is taken.
    Taken,
    /// Its identity has as many keys that work as it may have.
    TooManyLive,
    /// There is no room for any key.
    Full,
}

/// Whether a key got a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The successor is stored, and the old key ends.
    Stored,
    /// No key with the old id works.
    NotLive,
    /// The successor has no place.
    Refused(Put),
}

/// Whether a key was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It is from now on.
    Now,
    /// It was already, since then.
    Before(Timestamp),
    /// There is no such key.
    Unknown,
}

impl Store {
    /// Adds a key, unless its identity has two that work at `now`.
    pub async fn put_api_key(
        &self,
        record: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        self.backend.put_api_key(record, now).await
    }

    /// Adds the successor of the key `old`, which ends at `ends` or at its own end, whichever comes first. Both or
    /// neither.
    pub async fn rotate_api_key(
        &self,
        old: String,
        ends: Timestamp,
        successor: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        self.backend.rotate_api_key(old, ends, successor, now).await
    }

    /// Every key. One that cannot be read keeps nobody from the others.
    pub async fn api_keys(&self) -> Result<StoredKeys, StoreError> {
        self.backend.api_keys().await
    }

    /// Ends a key for good.
    pub async fn revoke_api_key(
        &self,
        id: &str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Result<Revoked, StoreError> {
        self.backend.revoke_api_key(id, at, reason).await
    }

    /// Notes that keys were used; an earlier moment than the known one changes nothing.
    pub async fn touch_api_keys(&self, used: Vec<(String, Timestamp)>) -> Result<(), StoreError> {
        self.backend.touch_api_keys(used).await
    }

    /// Another one whenever API keys were added, rotated or revoked, by whatever process, and whenever another server or another
    /// state answers, which may have lost some of that. Their last use does not count.
    pub async fn version(&self) -> Result<KeysVersion, StoreError> {
        self.backend.version().await
    }
}
