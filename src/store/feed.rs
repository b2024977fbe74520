//! What changed: the whole state once, and then every change, with proof of how new that is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backend::Follow;
use super::{Store, StoreError};
use crate::model::change::{Change, Position};
use crate::model::time::Timestamp;

/// How often each follower proves that the store can be written to.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(200);

/// How long an approval is part of the whole state after it is over: whoever was denied not long ago is not asked about again.
pub(super) const RECENT: Duration = Duration::from_hours(1);

/// How long a replica counts that says nothing, beyond the time for which it decides by what it knows. Every replica says how far
/// it is more often.
pub(super) const HEARD: Duration = Duration::from_secs(10);

/// The longest that a follower may wait after an error before it asks again: what a store has lost is given back in time.
pub const RETRY: Duration = Duration::from_millis(250);

/// Reads the changes of a store, one batch after the other.
#[derive(Debug)]
pub struct Follower {
    reader: Box<dyn Follow>,
}

/// What a follower has read.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What changed; everything there is, if `whole`.
    pub changes: Vec<(Change, Timestamp)>,
    /// Whether this is the whole state: what is not in it is not there.
    pub whole: Option<Loss>,
    /// How far this reaches.
    pub position: Position,
    /// When the read began that proves that nothing older is missing; none before anything proves it.
    pub began: Option<Instant>,
}

/// Whether something that was acknowledged may be missing from a whole state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is the first, or nothing can be missing.
    None,
    /// Another server answers now, or the same one after a restart.
    Possible,
    /// It is another generation: all that was there is gone.
    Wiped,
}

/// How far a replica has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Its name.
    pub name: Arc<str>,
    /// What it enforces.
    pub position: Position,
    /// When it said so, on its clock.
    pub at: Timestamp,
}

impl Store {
    /// Follows the changes from the beginning.
    pub fn follow(&self) -> Follower {
        Follower {
            reader: self.backend.follow(),
        }
    }

    /// Merges up what memory knows after a loss; it never lowers anything. While it goes on, nothing is used up.
    pub async fn restore(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.backend.restore(changes).await
    }

    /// Says how far a replica has come.
    pub async fn report(&self, replica: ReplicaReport) -> Result<(), StoreError> {
        self.backend.report(replica).await
    }

    /// Forgets a replica that decides nothing any more.
    pub async fn leave(&self, name: &str) -> Result<(), StoreError> {
        self.backend.leave(name).await
    }

    /// How far every replica has come that may still decide: one that has said nothing for longer than it may go on with what it
    /// knows does not count.
    pub async fn replicas(&self) -> Result<Vec<ReplicaReport>, StoreError> {
        self.backend.replicas().await
    }
}

impl Follower {
    /// The next batch; it comes after a quarter of a second at the latest, empty where nothing changed. After an error it can be
    /// asked again.
    pub async fn next(&mut self) -> Result<Batch, StoreError> {
        self.reader.next().await
    }
}
