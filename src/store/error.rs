//! Why the store cannot do what it is asked.

use std::path::PathBuf;
use std::sync::Arc;

/// Why an operation of the store was not done. None of them contains a value that is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open the store `{}`: {message}", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// What the system says.
        message: Arc<str>,
    },
    /// The file is something else.
    #[error(
        "`{}` is not a database of countersign: name another file as `store.file`, or move this one away",
        file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A newer countersign wrote it.
    #[error(
        "the store `{}` has schema {found}, and this countersign knows schemas up to {known}: run the newer one",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// What it has.
        found: u32,
        /// The newest that is understood.
        known: u32,
    },
    /// Somebody moved, removed or replaced the file.
    #[error("the store `{}` is not the file that was opened any more: restart to use the one that is there", file.display())]
    Replaced {
        /// The file.
        file: PathBuf,
    },
    /// There is no room for more of something.
    #[error("the store has no room for more {0}")]
    Full(&'static str),
    /// The server does not answer, or cannot be used.
    #[error("the store at `{at}` cannot be reached: {message}")]
    Unreachable {
        /// Its address.
        at: Arc<str>,
        /// What the system, TLS or the server says.
        message: Arc<str>,
    },
    /// The server forgets keys when memory is short, revocations too.
    #[error(
        "the store at `{at}` forgets when memory is short (`maxmemory-policy {policy}`), and with it what was revoked or used: \
         set `maxmemory-policy noeviction`"
    )]
    Forgetful {
        /// Its address.
        at: Arc<str>,
        /// What it does.
        policy: Arc<str>,
    },
    /// The server was restarted or replaced.
    #[error(
        "the store has just come back, and what it may lack is being put back: ask again in a few seconds"
    )]
    Settling,
    /// It is done, but it may not last.
    #[error(
        "{confirmed} of {wanted} replicas of the store have confirmed in time (`store.valkey.min_replicas`): it is done, but may be lost with the primary"
    )]
    Unconfirmed {
        /// How many have.
        confirmed: u32,
        /// How many must.
        wanted: u32,
    },
    /// The queue is full.
    #[error("the store has too much to do")]
    Busy,
    /// The answer did not come in time.
    #[error("the store did not answer in time")]
    Late,
    /// The thread that serves it has ended.
    #[error("the store has stopped")]
    Stopped,
    /// The database says no.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
}

impl StoreError {
    /// Whether it may be different in a moment, without anybody's help.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Settling
            | Self::Unconfirmed { .. }
            | Self::Busy
            | Self::Late => true,
            Self::Open { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Replaced { .. }
            | Self::Forgetful { .. }
            | Self::Full(_)
            | Self::Stopped
            | Self::Failed(_) => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(Arc::from(error.to_string()))
    }
}

impl From<super::record::RecordError> for StoreError {
    fn from(error: super::record::RecordError) -> Self {
        Self::Failed(Arc::from(error.to_string()))
    }
}
