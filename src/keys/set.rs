//! The handle on one source's keys, and the snapshot behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use moka::sync::Cache;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jwk::VerificationKey;
use super::refresh::Refresher;
use super::table::{KeyTable, Miss};
use super::{Algorithm, KeySource};
use crate::outbound::HttpClient;

/// The most unknown key ids that are remembered per source.
const MAX_UNKNOWN: u64 = 10_000;

/// The number of the next document of any source.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(0);

/// Which keys a source has: no two documents of this process have the same, whatever their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u64);

/// The keys of one source. Clones are cheap and see the same keys.
#[derive(Debug, Clone)]
pub struct KeySet {
    shared: Arc<Shared>,
}

/// What a source's keys are like at one moment; for metrics, readiness and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetStatus {
    /// The source's name.
    pub name: String,
    /// Whether keys were ever loaded. It never turns back.
    pub loaded: bool,
    /// Whether the keys are older than `stale_for`, so that no token can be verified.
    pub stale: bool,
    /// The time since the start of the last fetch that succeeded.
    pub age: Option<Duration>,
    /// The start of the last fetch that succeeded.
    pub last_success: Option<Instant>,
    /// The number of usable keys.
    pub keys: usize,
    /// How many keys were withdrawn: they were in the set, and a later one does not have them.
    pub withdrawn: u64,
    /// What came of looking keys up.
    pub lookups: Lookups,
    /// The number of fetches that ended.
    pub fetches: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Why the last fetch failed, if it did. Without the URL and without anything of the document.
    pub last_error: Option<String>,
}

/// What came of looking keys up while there were keys that could be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lookups {
    /// There was the key.
    pub hits: u64,
    /// No key had the id.
    pub misses: u64,
    /// The key must not be used with the algorithm, or several keys fitted.
    pub unfit: u64,
}

/// The same while it is counted: one addition for a lookup, which waits for nobody.
#[derive(Debug, Default)]
struct Tally {
    hits: AtomicU64,
    misses: AtomicU64,
    unfit: AtomicU64,
}

/// Why a lookup has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupError {
    /// No fetch has succeeded yet.
    NotLoaded,
    /// No fetch has succeeded for longer than `stale_for`.
    Stale,
    /// No key has this id, or none fits. A refresh has been asked for, if this is news.
    Unknown,
    /// The key must not be used with this algorithm.
    Unfit,
    /// Several keys fit.
    Ambiguous,
}

/// What handles and background task share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) source: KeySource,
    state: ArcSwap<State>,
    /// Set by the first lookup that wants a refresh, cleared when a fetch starts: a flood of them costs one wake-up.
    asked: AtomicBool,
    tally: Tally,
    pub(super) wake: Notify,
}

/// One immutable snapshot. Only the background task replaces it.
#[derive(Debug, Clone, Default)]
struct State {
    loaded: Option<Loaded>,
    withdrawn: u64,
    fetches: u64,
    failures: u64,
    last_error: Option<String>,
}

#[derive(Debug, Clone)]
struct Loaded {
    table: Arc<KeyTable>,
    /// The ids that tokens named and this table lacks; a new table starts with none. Bounded by [`MAX_UNKNOWN`].
    unknown: Cache<String, ()>,
    generation: Generation,
    /// When the fetch started, so that a key withdrawn meanwhile counts as old.
    at: Instant,
}

impl KeySet {
    /// Starts the background task of a source on `tasks`, and hands out its keys, which are not loaded yet. The task
    /// ends when `cancel` is cancelled. Must be called within a tokio runtime.
    pub fn spawn(
        source: KeySource,
        client: HttpClient,
        tasks: &TaskTracker,
        cancel: CancellationToken,
    ) -> Self {
        let shared = Arc::new(Shared::new(source));
        let refresher = Refresher::new(Arc::clone(&shared), client);
        tasks.spawn(cancel.run_until_cancelled_owned(refresher.run()));
        Self { shared }
    }

    /// A handle without a background task.
    #[cfg(test)]
    pub(super) fn detached(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The source that the keys come from.
    pub fn source(&self) -> &KeySource {
        &self.shared.source
    }

    /// What the keys are like at `now`.
    pub fn status(&self, now: Instant) -> KeySetStatus {
        let state = self.shared.state.load();
        let loaded = state.loaded.as_ref();
        let age = loaded.map(|loaded| now.saturating_duration_since(loaded.at));
        KeySetStatus {
            name: self.shared.source.name().to_owned(),
            loaded: loaded.is_some(),
            stale: age.is_some_and(|age| age > self.shared.source.stale_for),
            age,
            last_success: loaded.map(|loaded| loaded.at),
            keys: loaded.map_or(0, |loaded| loaded.table.len()),
            withdrawn: state.withdrawn,
            lookups: self.shared.tally.read(),
            fetches: state.fetches,
            failures: state.failures,
            last_error: state.last_error.clone(),
        }
    }

    /// Which keys tokens are verified with at `now`; none while no token can be. Whoever remembers that a token was verified
    /// asks before it is, so that a key that is withdrawn meanwhile counts as withdrawn.
    pub fn generation(&self, now: Instant) -> Option<Generation> {
        let state = self.shared.state.load();
        let loaded = state.loaded.as_ref()?;
        self.is_fresh(loaded, now).then_some(loaded.generation)
    }

    fn is_fresh(&self, loaded: &Loaded, now: Instant) -> bool {
        now.saturating_duration_since(loaded.at) <= self.shared.source.stale_for
    }

    /// Finds the key for a token. Never waits and never fetches; the way to a known key takes no lock.
    pub(super) fn lookup(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Instant,
    ) -> Result<Arc<VerificationKey>, LookupError> {
        let state = self.shared.state.load();
        let loaded = state.loaded.as_ref().ok_or(LookupError::NotLoaded)?;
        if !self.is_fresh(loaded, now) {
            return Err(LookupError::Stale);
        }
        let found = loaded.table.find(kid, algorithm);
        self.shared.tally.count(&found);
        found.map_err(|miss| match miss {
            Miss::Unknown => {
                self.note_unknown(kid, loaded);
                LookupError::Unknown
            }
            Miss::Unfit => LookupError::Unfit,
            Miss::Ambiguous => LookupError::Ambiguous,
        })
    }

    /// Remembers an unknown id, and asks for a refresh the first time that it is seen since the keys last changed.
    fn note_unknown(&self, kid: Option<&str>, loaded: &Loaded) {
        // Only ids that came through `parse` get here, so each has at most `MAX_KID_BYTES`.
        let key = kid.unwrap_or_default();
        if loaded.unknown.contains_key(key) {
            return;
        }
        loaded.unknown.insert(key.to_owned(), ());
        if !self.shared.asked.swap(true, Ordering::Relaxed) {
            self.shared.wake.notify_one();
        }
    }

    /// The number of unknown ids that are remembered now.
    #[cfg(test)]
    pub(super) fn remembered_unknown(&self) -> u64 {
        let state = self.shared.state.load();
        state.loaded.as_ref().map_or(0, |loaded| {
            loaded.unknown.run_pending_tasks();
            loaded.unknown.entry_count()
        })
    }
}

impl Tally {
    fn count<T>(&self, found: &Result<T, Miss>) {
        let counter = match found {
            Ok(_) => &self.hits,
            Err(Miss::Unknown) => &self.misses,
            Err(Miss::Unfit | Miss::Ambiguous) => &self.unfit,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> Lookups {
        let Self {
            hits,
            misses,
            unfit,
        } = self;
        Lookups {
            hits: hits.load(Ordering::Relaxed),
            misses: misses.load(Ordering::Relaxed),
            unfit: unfit.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    pub(super) fn new(source: KeySource) -> Self {
        Self {
            source,
            state: ArcSwap::default(),
            asked: AtomicBool::new(false),
            tally: Tally::default(),
            wake: Notify::new(),
        }
    }

    /// A fetch starts: who asks from now on asks for another one.
    pub(super) fn begin(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    /// A fetch that started at `at` brought `table`. Returns it if it is news.
    pub(super) fn succeed(&self, table: KeyTable, at: Instant) -> Option<Arc<KeyTable>> {
        let old = self.state.load_full();
        let same = old
            .loaded
            .as_ref()
            .filter(|loaded| loaded.table.same_document(&table));
        let news = same.is_none();
        let before = old.loaded.as_ref().filter(|_| news);
        let gone = before.map_or(0, |loaded| loaded.table.withdrawn_in(&table));
        let loaded = match same {
            Some(same) => Loaded { at, ..same.clone() },
            None => Loaded {
                table: Arc::new(table),
                unknown: Cache::new(MAX_UNKNOWN),
                generation: Generation(NEXT_GENERATION.fetch_add(1, Ordering::Relaxed)),
                at,
            },
        };
        let table = news.then(|| Arc::clone(&loaded.table));
        self.state.store(Arc::new(State {
            loaded: Some(loaded),
            withdrawn: old
                .withdrawn
                .saturating_add(gone.try_into().unwrap_or(u64::MAX)),
            fetches: old.fetches.saturating_add(1),
            failures: old.failures,
            last_error: None,
        }));
        table
    }

    /// A fetch failed; the keys stay as they are and get older.
    pub(super) fn fail(&self, error: String) {
        let old = self.state.load_full();
        self.state.store(Arc::new(State {
            loaded: old.loaded.clone(),
            withdrawn: old.withdrawn,
            fetches: old.fetches.saturating_add(1),
            failures: old.failures.saturating_add(1),
            last_error: Some(error),
        }));
    }
}
