//! Signed tokens that were verified before: their facts are remembered, their checks are not.
//!
//! An entry says what a token stated when its signature was verified, and by which keys of which provider as configured
//! then. It counts only while all of that is the same: another document of keys, another configuration of the providers, a
//! route that does not accept the provider or one of its actors, another audience, a date that refuses the token, and it is
//! verified as if it had never been seen, so that every refusal comes from one place and nothing refused is remembered.
//! Revocation, lifecycle, proof of possession and replay are no facts of a token: they are checked at every call, elsewhere.
//!
//! A token is looked up by its SHA-256; no byte of it is kept.

mod entry;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::notification::RemovalCause;
use moka::sync::Cache;

use crate::keys::sha256;
use crate::model::time::Timestamp;
use crate::telemetry::{CacheSample, CacheTally};
pub(super) use entry::{Entry, Grounds};

/// The most tokens that are remembered.
const MAX_TOKENS: u64 = 50_000;
/// The most bytes that they may take together, by an estimate that counts everything that an entry points to.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// An entry goes after this time, however long its token is good for. One that is used is verified again then: that costs less
/// than to keep account of the last use of every entry, which makes remembering a token twice as dear.
const LONGEST: Duration = Duration::from_hours(1);

/// The number of the next set of providers.
static NEXT_EPOCH: AtomicU64 = AtomicU64::new(0);

/// One set of providers as configured; no two of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

impl Epoch {
    pub(super) fn next() -> Self {
        Self(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed))
    }
}

/// SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }
}

/// A digest needs no hashing: nobody can choose tokens so that many of their digests begin alike.
#[derive(Clone, Copy, Debug, Default)]
struct ByDigest;

/// The first eight bytes of what was written last.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl BuildHasher for ByDigest {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes::default()
    }
}

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, to: &mut H) {
        to.write(&self.0);
    }
}

/// What is remembered of verified tokens. Cheap to clone; clones share one memory, which outlives reloads.
#[derive(Clone)]
pub struct VerifiedTokens(Arc<Memory>);

struct Memory {
    cache: Cache<Key, Arc<Entry>, ByDigest>,
    tally: Arc<CacheTally>,
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self::bounded(MAX_TOKENS, MAX_BYTES)
    }
}

impl VerifiedTokens {
    /// A memory of so many tokens and so many bytes, whichever comes first.
    fn bounded(tokens: u64, bytes: u64) -> Self {
        let tally = Arc::<CacheTally>::default();
        let counting = Arc::clone(&tally);
        // One bound stands for both: an entry weighs its share of the count at least.
        let share = u32::try_from(bytes / tokens.max(1)).unwrap_or(u32::MAX);
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(move |_key, entry: &Arc<Entry>| entry.weight().max(share))
            .expire_after(UntilItsEnd)
            .eviction_listener(move |_key, _entry, cause| {
                if cause == RemovalCause::Size {
                    counting.evicted();
                }
            })
            .build_with_hasher(ByDigest);
        Self(Arc::new(Memory { cache, tally }))
    }

    /// What is remembered of a token, if `counts` says that it still counts.
    pub(super) fn find(
        &self,
        key: Key,
        now: Instant,
        counts: impl FnOnce(&Entry) -> bool,
    ) -> Option<Arc<Entry>> {
        let Memory { cache, tally } = &*self.0;
        let found = cache.get(&key).filter(|entry| counts(entry));
        match &found {
            Some(entry) => tally.hit(now.saturating_duration_since(entry.since)),
            None => tally.miss(),
        }
        found
    }

    /// Remembers a token, in place of what was remembered of it.
    pub(super) fn remember(&self, key: Key, entry: Entry) {
        self.0.cache.insert(key, Arc::new(entry));
    }

    /// What the memory is like now.
    pub fn status(&self) -> CacheSample {
        let Memory { cache, tally } = &*self.0;
        // Entries are counted in the background; a scrape wants to know how it is.
        cache.run_pending_tasks();
        tally.sample(cache.entry_count(), cache.weighted_size())
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedTokens")
            .field(&self.status())
            .finish()
    }
}

/// An entry goes when its token ends, and not later than [`LONGEST`]. This only frees memory: whether a token has ended is asked
/// of the request's own clock.
struct UntilItsEnd;

impl Expiry<Key, Arc<Entry>> for UntilItsEnd {
    fn expire_after_create(
        &self,
        _key: &Key,
        entry: &Arc<Entry>,
        _created: Instant,
    ) -> Option<Duration> {
        Some(entry.lasts())
    }

    fn expire_after_update(
        &self,
        _key: &Key,
        entry: &Arc<Entry>,
        _updated: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lasts())
    }
}

/// The time from `now` to `end`.
fn between(now: Timestamp, end: Timestamp) -> Duration {
    let millis = end.millis().saturating_sub(now.millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
