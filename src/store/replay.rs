//! Replay memory: what may be used once is remembered until it could not be used anyway.
//!
//! It is bounded and never forgets a live entry: when it is full of them it says so, and the caller refuses. What
//! expired is removed by those who add, two for one, so that it shrinks faster than it can grow. Proofs live for a minute and come
//! by the thousand; an approval is good for hours and once, so it is kept like any other use; a claim only saves work, so it never
//! takes the room that proofs need.

use super::{Store, StoreError};
use crate::model::time::Timestamp;

/// Most entries, live and expired: about 100 MB of file. RFC 9449, section 11.1, lets a server bound what it remembers
/// by the lifetime of proofs; at one minute this is above ten thousand proofs a second.
pub const MAX_REPLAY: u64 = 1_000_000;

/// Whether something is used for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// It is, and it is remembered now.
    Fresh,
    /// It was used before.
    Seen,
    /// There is no room to remember it: it must be refused.
    Full,
}

/// Whether an approval of another issuer is used for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// It is, and that lasts.
    Now,
    /// It was used before.
    Before,
    /// It may have been: it was issued before this state began, and what was used then is not known here.
    Unknown,
    /// There is no room to remember it: it must be refused.
    Full,
}

/// Something that may be used once, and for long enough to matter when state is lost.
#[derive(Clone, Copy, Debug)]
pub struct OneUse {
    /// What it is remembered by.
    pub key: [u8; 32],
    /// When it was issued at the earliest.
    pub issued: Timestamp,
    /// The end of its last moment.
    pub until: Timestamp,
}

/// The most of the replay memory that may be taken where a claim is still remembered.
pub(super) const fn room_for_claims(max_replay: u64) -> u64 {
    max_replay / 2
}

impl Store {
    /// Uses `key` up until the end of `until`. Of all calls with the same key, by whatever process on the same file, one
    /// is told [`Consumed::Fresh`]; the others are not, unless `until` has passed.
    ///
    /// It survives the death of the process, not that of the machine: a loss of power may forget the last moments.
    pub async fn consume(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        self.backend.consume(key, until, now).await
    }

    /// Uses an approval of another issuer up, for good: of all calls with its key one is told [`UsedUp::Now`], and that is as durable
    /// as the use of an approval of our own. Where state was lost, what was issued before is not taken for unused: on a server that
    /// was wiped, and without a file, where every process begins anew.
    pub async fn use_up(&self, it: OneUse, now: Timestamp) -> Result<UsedUp, StoreError> {
        self.backend.use_up(it, now).await
    }

    /// Claims something that one of several processes should do. It is as [`Store::consume`], and never more than half of the replay
    /// memory is used where a claim is added: beyond that it is [`Consumed::Full`].
    pub async fn claim(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        self.backend.claim(key, until, now).await
    }
}
