//! What became of the requests to an endpoint: for metrics, status and the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer::Standing;
use super::failure::Failure;
use crate::model::name::ProviderName;

/// The shortest time between two lines of the log about failures.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How an introspector is doing at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntrospectionStatus {
    /// Requests that were answered `active: true`.
    pub active: u64,
    /// Requests that were answered `active: false`.
    pub inactive: u64,
    /// Requests that were not answered, or not sensibly.
    pub failed: u64,
    /// Requests that were not made: too many in flight, or the endpoint was given a pause.
    pub shed: u64,
    /// Answers in memory.
    pub entries: u64,
    /// When the last request began that was answered.
    pub last_success: Option<Instant>,
    /// Why the last request failed, if it did.
    pub last_error: Option<String>,
}

/// Counts as it happens.
#[derive(Debug, Default)]
pub(super) struct Tally {
    active: AtomicU64,
    inactive: AtomicU64,
    failed: AtomicU64,
    shed: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    success: Option<Instant>,
    error: Option<String>,
    logged: Option<Instant>,
    /// Failures since then.
    unsaid: u64,
}

impl Tally {
    /// A request that began at `asked` was answered.
    pub(super) fn answered(&self, standing: &Standing, asked: Instant) {
        let counter = match standing {
            Standing::Active(_) => &self.active,
            Standing::Inactive => &self.inactive,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last();
        last.success = last.success.max(Some(asked));
        last.error = None;
    }

    /// A request failed at `now`.
    pub(super) fn failed(&self, provider: &ProviderName, failure: &Failure, now: Instant) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let error = failure.detail();
        let mut last = self.last();
        last.error = Some(error.clone());
        last.unsaid = last.unsaid.saturating_add(1);
        let since = |at: Instant| now.saturating_duration_since(at);
        let due = last.logged.is_none_or(|at| since(at) >= LOG_INTERVAL);
        if !due {
            return;
        }
        let failures = std::mem::take(&mut last.unsaid);
        last.logged = Some(now);
        drop(last);
        tracing::warn!(%provider, failures, %error, "introspection failed");
    }

    /// A request was not made.
    pub(super) fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn status(&self, entries: u64) -> IntrospectionStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let last = self.last();
        IntrospectionStatus {
            active: count(&self.active),
            inactive: count(&self.inactive),
            failed: count(&self.failed),
            shed: count(&self.shed),
            entries,
            last_success: last.success,
            last_error: last.error.clone(),
        }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // A panic cannot leave it half written in a way that matters: it is words for people.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
