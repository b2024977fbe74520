//! State in one SQLite file, or in memory where none is configured.
//!
//! One thread owns the connection and takes operations from a bounded queue; what waits is committed together, and nobody is told
//! before it is committed. No SQL stands outside this folder.

mod api_keys;
mod approvals;
mod changes;
mod feed;
mod open;
mod replay;
mod schema;
mod secrets;
mod seen;
mod signals;
mod sweep;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::{Steadiness, StoreError, StoreSettings};

/// A handle on the thread that serves one file. The thread ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    queue: writer::Queue,
    max_replay: u64,
    /// Whether the clock can be believed when something is forgotten for good.
    steadiness: Arc<Mutex<Steadiness>>,
    /// How long a replica counts that says nothing.
    heard: Duration,
    /// Wakes those who follow in this process.
    changed: watch::Sender<()>,
}

impl Sqlite {
    /// Opens the file, makes or migrates its tables, and starts the thread.
    pub(super) fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let database = match settings.file() {
            Some(file) => open::file(file)?,
            None => open::memory()?,
        };
        Ok(Self {
            queue: writer::start(database)?,
            max_replay: settings.max_replay,
            steadiness: Arc::default(),
            heard: settings.heard(),
            changed: watch::Sender::new(()),
        })
    }
}
