//! Durable state: what must still be known after a restart, and must be the same for every process that shares it.
//!
//! A [`Store`] is a handle, cheap to clone, on a backend: one SQLite file (or memory, where nothing is configured), or one Valkey or
//! Redis that many replicas share. The operations
//! are those of the domain, and each is atomic by itself, also between processes that share the state: no caller needs a
//! transaction, and no word of a database stands outside this folder. Nobody is told before it is done. What is full, too slow or
//! does not work is an error, never a yes. What is kept of a secret is its digest; the one exception is [`Store::secret`], which
//! the file's mode protects.

mod api_keys;
mod approvals;
mod backend;
mod error;
mod feed;
mod freshness;
mod outcome;
mod record;
mod replay;
mod secrets;
mod seen;
mod signals;
mod spec;
mod sqlite;
mod steadiness;
mod valkey;

use std::path::Path;
use std::sync::Arc;

use spec::Place;

pub use api_keys::{ApiKeyRecord, KeysVersion, Put, Revoked, Rotated, StoredKeys};
pub use approvals::{ApprovalFilter, MAX_LISTED, OpenLimits, Opened, Spent, Swapped};
pub use error::StoreError;
pub use feed::{Batch, Follower, Loss, RETRY, ReplicaReport};
pub use freshness::Freshness;
pub use replay::{Consumed, MAX_REPLAY, OneUse, UsedUp};
pub use seen::{MAX_SEEN, SeenRecord};
pub use signals::Acknowledged;
pub use spec::{Staleness, StalenessSpec, StoreSettings, StoreSpec};
pub use steadiness::Steadiness;
pub use valkey::{
    SentinelSpec, TimeoutsSpec, ValkeyError, ValkeySettings, ValkeySpec, ValkeyTlsSpec,
};

/// A handle on durable state.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<dyn backend::Backend>,
    file: Option<Arc<Path>>,
    freshness: Freshness,
}

impl Store {
    /// Opens the file, makes or migrates its tables, and starts the thread that serves it, which ends with the last handle. Without a
    /// file, what is kept ends with the process. A server is connected to when it is first needed.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let backend: Arc<dyn backend::Backend> = match &settings.place {
            Place::Memory | Place::File(_) => Arc::new(sqlite::Sqlite::open(settings)?),
            Place::Valkey(valkey) => Arc::new(valkey::Valkey::new(
                ValkeySettings::clone(valkey),
                settings.max_replay,
                settings.heard(),
            )),
        };
        let freshness = if settings.is_lasting() {
            Freshness::bounded(settings.staleness)
        } else {
            // Nobody else can change it.
            Freshness::exempt()
        };
        Ok(Self {
            backend,
            file: settings.file().map(Arc::from),
            freshness,
        })
    }

    /// The file, if what is kept outlives the process in one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// How new is what this process knows of the store; whoever follows it says so.
    pub const fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}
