//! The keys in memory: what a request looks at.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::network::Network;
use crate::model::party::Kind;
use crate::model::time::Timestamp;
use crate::store::{ApiKeyRecord, StoredKeys};

/// How long the table decides without having been compared with the store. After that a revocation could be missed, so
/// nothing is decided any more.
pub(super) const MAX_AGE: Duration = Duration::from_secs(30);

/// The API keys of the store, as of a moment ago. Cheap to clone; clones share one table.
#[derive(Clone, Default)]
pub struct ApiKeys(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: ArcSwapOption<Table>,
    /// When the table was last the same as the store.
    confirmed: Mutex<Option<Instant>>,
    /// Keys that were used since this was last written; never more than there are keys.
    used: Mutex<BTreeMap<Arc<str>, Timestamp>>,
    /// Keys of the store that are no keys to anybody.
    unfit: AtomicUsize,
}

/// Every key, by id.
pub(super) type Table = HashMap<Box<str>, Key>;

/// A key, ready to be compared with.
pub(super) struct Key {
    pub(super) id: Arc<str>,
    pub(super) provider: Box<str>,
    pub(super) identity: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) kind: Kind,
    pub(super) groups: Arc<[Arc<str>]>,
    pub(super) scope: Vec<Arc<str>>,
    pub(super) networks: Vec<Network>,
    pub(super) digest: [u8; 32],
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) revoked: bool,
}

impl Key {
    /// None if the record cannot be what was issued: such a key is unknown.
    fn read(record: ApiKeyRecord) -> Option<Self> {
        let ApiKeyRecord {
            id,
            provider,
            identity,
            owner,
            kind,
            groups,
            scope,
            networks,
            digest,
            created,
            expires,
            revoked,
            reason: _,
            last_used: _,
        } = record;
        let shared = |items: Vec<String>| items.into_iter().map(Arc::from);
        let networks: Result<_, _> = networks.iter().map(|network| network.parse()).collect();
        Some(Self {
            id: Arc::from(id),
            provider: provider.into(),
            identity: Arc::from(identity),
            owner: Arc::from(owner),
            kind: kind.parse().ok().filter(|kind| is_issued(*kind))?,
            groups: shared(groups).collect(),
            scope: shared(scope).collect(),
            networks: networks.ok()?,
            digest,
            created,
            expires,
            revoked: revoked.is_some(),
        })
    }
}

/// Keys are for those that are not human.
pub(super) const fn is_issued(kind: Kind) -> bool {
    match kind {
        Kind::Service | Kind::Agent => true,
        Kind::Human | Kind::Anonymous => false,
    }
}

impl ApiKeys {
    /// The table, if it was confirmed lately.
    pub(super) fn fresh(&self, now: Instant) -> Option<Arc<Table>> {
        let age = self.age(now)?;
        if age > MAX_AGE {
            return None;
        }
        self.0.table.load_full()
    }

    /// Time since the table was last the same as the store; none before the first time.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let confirmed = *lock(&self.0.confirmed);
        confirmed.map(|at| now.saturating_duration_since(at))
    }

    /// Whether it was loaded once: before that, keys cannot be decided about.
    pub fn is_loaded(&self) -> bool {
        lock(&self.0.confirmed).is_some()
    }

    /// Keys that work at `now`, as far as their lifetime goes.
    pub fn live(&self, now: Timestamp) -> usize {
        let table = self.0.table.load();
        let live = |key: &&Key| !key.revoked && key.expires > now;
        table
            .as_ref()
            .map_or(0, |table| table.values().filter(live).count())
    }

    /// Keys of the store that cannot be read, and are refused.
    pub fn unreadable(&self) -> usize {
        self.0.unfit.load(Ordering::Relaxed)
    }

    /// Puts what the store has in force; gives the ids of the records that make no key.
    pub(super) fn replace(&self, stored: StoredKeys) -> Vec<String> {
        let StoredKeys {
            keys,
            unreadable: mut unfit,
        } = stored;
        let mut table = Table::with_capacity(keys.len());
        for record in keys {
            let id = record.id.clone();
            match Key::read(record) {
                Some(key) => {
                    table.insert(Box::from(id), key);
                }
                None => unfit.push(id),
            }
        }
        self.0.table.store(Some(Arc::new(table)));
        self.0.unfit.store(unfit.len(), Ordering::Relaxed);
        unfit
    }

    /// The table was the same as the store at `at`.
    pub(super) fn confirm(&self, at: Instant) {
        *lock(&self.0.confirmed) = Some(at);
    }

    /// Notes that a key was used; it is written later.
    pub(super) fn note(&self, key: &Key, at: Timestamp) {
        let mut used = lock(&self.0.used);
        match used.get_mut(&key.id) {
            Some(last) => *last = at.max(*last),
            None => {
                used.insert(Arc::clone(&key.id), at);
            }
        }
    }

    /// What was used since the last call.
    pub(super) fn take_used(&self) -> Vec<(String, Timestamp)> {
        let used = std::mem::take(&mut *lock(&self.0.used));
        used.into_iter()
            .map(|(id, at)| (id.to_string(), at))
            .collect()
    }

    /// Keeps what could not be written for the next time.
    pub(super) fn give_back(&self, unwritten: Vec<(String, Timestamp)>) {
        let mut used = lock(&self.0.used);
        for (id, at) in unwritten {
            let last = used.entry(Arc::from(id)).or_insert(at);
            *last = at.max(*last);
        }
    }
}

/// A panic cannot leave these half written: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.table.load().as_ref().map(|table| table.len());
        write!(f, "ApiKeys({keys:?})")
    }
}
