//! Replay memory: what may be used once is remembered until it could not be used anyway.
//!
//! It is bounded and never forgets a live entry: when it is full of them it says so, and the caller refuses. What
//! expired is removed by those who add, two for one, so that it shrinks faster than it can grow.

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
}
