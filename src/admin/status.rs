//! How things are at one moment: plain data that the wiring fills in.

use std::sync::Arc;
use std::time::Duration;

use crate::condition::Values;
use crate::keys::Lookups;
use crate::model::change::Position;
use crate::model::name::ProviderName;
use crate::model::time::Timestamp;
use crate::telemetry::{IntrospectionSample, KeySetSample};

/// The server, as of `now`.
#[derive(Clone, Debug)]
pub struct Status {
    /// The moment that this describes.
    pub now: Timestamp,
    /// The program's version.
    pub version: &'static str,
    /// When the process started.
    pub started: Timestamp,
    /// Time since then, by a clock that is never set.
    pub uptime: Duration,
    /// The policy in force.
    pub policy: PolicyStatus,
    /// Key sets that must be loaded before the server is ready.
    pub key_sets: Vec<KeySetStatus>,
    /// Endpoints where opaque tokens are asked for; one that is down makes nobody unready.
    pub introspection: Vec<IntrospectionStatus>,
    /// Streams of security events; one that is silent makes nobody unready.
    pub streams: Vec<StreamStatus>,
    /// What is known of the store.
    pub state: StateStatus,
    /// What every declared condition is now.
    pub conditions: Values,
    /// Whether the server is about to exit.
    pub draining: bool,
}

/// How far this replica has come with what changes in the store.
#[derive(Clone, Debug)]
pub struct StateStatus {
    /// What this replica is called among those that share the store.
    pub replica: Arc<str>,
    /// How old its knowledge is at most; none before there is any.
    pub age: Option<Duration>,
    /// The last change that it knows of.
    pub position: Option<Position>,
}

/// The policy in force, and what became of the last change to it.
#[derive(Clone, Debug)]
pub struct PolicyStatus {
    /// Its version.
    pub version: Arc<str>,
    /// When it came into force.
    pub loaded_at: Timestamp,
    /// Rules in it.
    pub rules: usize,
    /// Routes in it.
    pub routes: usize,
    /// The last reload.
    pub reload: ReloadStatus,
}

/// What became of the files on disk.
#[derive(Clone, Debug)]
pub enum ReloadStatus {
    /// They are in force.
    Applied {
        /// Since when.
        since: Timestamp,
    },
    /// They are wrong, and what was in force before still is.
    Refused {
        /// Since when.
        since: Timestamp,
        /// Every problem, as `check` reports it.
        problems: Vec<String>,
    },
}

/// The key set of one provider.
#[derive(Clone, Debug)]
pub struct KeySetStatus {
    /// The provider.
    pub provider: ProviderName,
    /// Whether credentials can be verified with it now.
    pub loaded: bool,
    /// Time since it was last loaded.
    pub age: Option<Duration>,
    /// When it was last loaded.
    pub last_success: Option<Timestamp>,
    /// Failed loads since the start.
    pub failures: u64,
    /// Keys in it.
    pub keys: usize,
    /// Keys that it had and has not any more.
    pub withdrawn: u64,
    /// What came of looking keys up in it.
    pub lookups: Lookups,
    /// Why the last load failed, if it did.
    pub last_error: Option<String>,
}

impl KeySetStatus {
    /// What metrics say about it.
    pub(super) fn sample(&self) -> KeySetSample {
        let Self {
            provider,
            loaded: _,
            age,
            last_success,
            failures,
            keys,
            withdrawn,
            lookups,
            last_error: _,
        } = self;
        KeySetSample {
            provider: provider.clone(),
            age: *age,
            last_success: *last_success,
            failures: *failures,
            keys: *keys,
            withdrawn: *withdrawn,
            hits: lookups.hits,
            misses: lookups.misses,
            unfit: lookups.unfit,
        }
    }
}

/// What became of a reload that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// What was read is in force.
    Applied {
        /// Its version.
        version: Arc<str>,
    },
    /// What was read is what was in force already.
    Unchanged {
        /// Its version.
        version: Arc<str>,
    },
    /// What was read is wrong, and what was in force before still is.
    Refused {
        /// Every problem, with file, line and column.
        problems: Vec<String>,
    },
}

/// A stream of security events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStatus {
    /// Its name.
    pub name: Arc<str>,
    /// When its last event was accepted, since the start.
    pub last: Option<Timestamp>,
    /// How long it may be silent.
    pub stale_after: Option<Duration>,
    /// Whether it has been silent for longer.
    pub stale: bool,
}

/// The introspection of one provider's tokens.
#[derive(Clone, Debug)]
pub struct IntrospectionStatus {
    /// The provider.
    pub provider: ProviderName,
    /// Requests that said that a token is active.
    pub active: u64,
    /// Requests that said that it is not.
    pub inactive: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were not made, because too many were in flight or the endpoint failed a moment ago.
    pub shed: u64,
    /// Answers in memory.
    pub entries: u64,
    /// When the last request began that was answered.
    pub last_success: Option<Timestamp>,
    /// Why the last request failed, if it did.
    pub last_error: Option<String>,
}

impl IntrospectionStatus {
    /// What metrics say about it.
    pub(super) fn sample(&self) -> IntrospectionSample {
        let Self {
            provider,
            active,
            inactive,
            failed,
            shed,
            entries,
            last_success: _,
            last_error: _,
        } = self;
        IntrospectionSample {
            provider: provider.clone(),
            active: *active,
            inactive: *inactive,
            failed: *failed,
            shed: *shed,
            entries: *entries,
        }
    }
}
