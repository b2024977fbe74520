//! Durable state: what must still be known after a restart, and must be the same for every process on this machine.
//!
//! A [`Store`] is a handle, cheap to clone, on one SQLite file (or on memory, where no file is configured). One thread
//! owns the connection and takes operations from a bounded queue; what waits is committed together, and nobody is told
//! before it is committed. A full queue, a store that does not answer in time and a file that does not work are errors,
//! never a yes.
//!
//! The operations are those of the domain, and each is atomic by itself, also between processes that share the file: no
//! caller needs a transaction, and no SQL stands outside this folder. What is kept of a secret is its digest; the one
//! exception is [`Store::secret`], which the file's mode protects.

mod api_keys;
mod approvals;
mod error;
mod feed;
mod freshness;
mod open;
mod replay;
mod schema;
mod secrets;
mod seen;
mod signals;
mod spec;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use api_keys::{ApiKeyRecord, Put, Revoked, Rotated, StoredKeys};
pub use approvals::{ApprovalFilter, MAX_LISTED, OpenLimits, Opened, Spent, Swapped};
pub use error::StoreError;
pub use feed::{Batch, Follower, Loss, ReplicaReport};
pub use freshness::Freshness;
pub use replay::{Consumed, MAX_REPLAY};
pub use seen::{MAX_SEEN, SeenRecord};
pub use signals::Acknowledged;
pub use spec::{StoreSettings, StoreSpec};

/// A handle on durable state.
#[derive(Clone, Debug)]
pub struct Store {
    queue: writer::Queue,
    file: Option<Arc<Path>>,
    max_replay: u64,
}

impl Store {
    /// Opens the file, makes or migrates its tables, and starts the thread that serves it. Without a file, what is kept
    /// ends with the process. The thread ends with the last handle.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let StoreSettings { file, max_replay } = settings;
        let database = match file {
            Some(file) => open::file(file)?,
            None => open::memory()?,
        };
        Ok(Self {
            queue: writer::start(database)?,
            file: file.as_deref().map(Arc::from),
            max_replay: *max_replay,
        })
    }

    /// The file, if what is kept outlives the process.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}
