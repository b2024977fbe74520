//! Identities that were seen: who used the server, when, and what was warned about them.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::model::time::Timestamp;

/// Most identities that are kept. Ids come from tokens, so a careless issuer could make up any number of them.
pub const MAX_SEEN: u64 = 100_000;

/// An identity that used the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRecord {
    /// The provider that vouches for it.
    pub issuer: String,
    /// Its id there.
    pub id: String,
    /// Its kind, as rules spell it.
    pub kind: String,
    /// Who answers for it, if that is known.
    pub owner: Option<String>,
    /// Whether the registry has ever listed it.
    pub registered: bool,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// What was warned about it, and when last.
    pub warned: BTreeMap<String, Timestamp>,
}

impl SeenRecord {
    /// Two sightings of one identity, in whatever order they come.
    pub(super) fn merge(self, other: Self) -> Self {
        let (older, newer) = if self.last_seen <= other.last_seen {
            (self, other)
        } else {
            (other, self)
        };
        let mut warned = older.warned;
        for (what, at) in newer.warned {
            let last = warned.entry(what).or_insert(at);
            *last = at.max(*last);
        }
        Self {
            first_seen: older.first_seen.min(newer.first_seen),
            owner: newer.owner.or(older.owner),
            registered: older.registered || newer.registered,
            warned,
            ..newer
        }
    }
}

impl Store {
    /// Adds what was seen: a known identity keeps its first moment, gets the later of both last moments, and the kind
    /// that belongs to it; an owner that is not known any more stays. Gives the number of identities that there was no room for.
    pub async fn note_seen(&self, records: Vec<SeenRecord>) -> Result<usize, StoreError> {
        self.backend.note_seen(records).await
    }

    /// Every identity that was seen, by issuer and id.
    pub async fn seen(&self) -> Result<Vec<SeenRecord>, StoreError> {
        self.backend.seen().await
    }
}
