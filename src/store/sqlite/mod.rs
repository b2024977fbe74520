//! State in one SQLite file, or in memory where none is configured.
//!
//! One thread owns the connection and takes operations from a bounded queue; what waits is committed together, and nobody is told
//! before it is committed. No SQL stands outside this folder.

mod api_keys;
mod approvals;
mod backend;
mod changes;
mod feed;
mod open;
mod replay;
mod schema;
mod secrets;
mod seen;
mod signals;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::{StoreError, StoreSettings};

/// A handle on the thread that serves one file. The thread ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    queue: writer::Queue,
    file: Option<Arc<Path>>,
    max_replay: u64,
    /// Wakes those who follow in this process.
    changed: watch::Sender<()>,
}

impl Sqlite {
    /// Opens the file, makes or migrates its tables, and starts the thread.
    pub(super) fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let (file, max_replay) = (settings.file(), settings.max_replay);
        let database = match file {
            Some(file) => open::file(file)?,
            None => open::memory()?,
        };
        Ok(Self {
            queue: writer::start(database)?,
            file: file.map(Arc::from),
            max_replay,
            changed: watch::Sender::new(()),
        })
    }
}
