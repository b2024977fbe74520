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

/// How long a replica counts that says nothing.
pub(super) const HEARD: Duration = Duration::from_secs(10);

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
    /// When the read began that proves that nothing older is missing.
    pub began: Instant,
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

    /// Merges up what memory knows after a loss; it never lowers anything.
    pub async fn restore(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.backend.restore(changes).await
    }

    /// Says how far a replica has come.
    pub async fn report(&self, replica: ReplicaReport) -> Result<(), StoreError> {
        self.backend.report(replica).await
    }

    /// How far every replica has come that said so within the last ten seconds.
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
