//! What caches on the path of requests are like, and what was chosen for actions whose rulings can be looked up.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use prometheus::{CounterVec, GaugeVec, Opts, Registry};

use super::scrape::{add, float};

/// One cache, as of a scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSample {
    /// Look-ups that found what they looked for.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Entries that had to go for others.
    pub evictions: u64,
    /// Entries.
    pub entries: u64,
    /// Bytes that they take, by estimate.
    pub bytes: u64,
    /// Sum of the ages that entries had when they were used.
    pub used_age: Duration,
}

/// What a cache counts while it is used.
#[derive(Debug, Default)]
pub struct CacheTally {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    /// Sum of the ages of entries when they were used, in milliseconds.
    used_age: AtomicU64,
}

impl CacheTally {
    /// Counts a look-up that found an entry of this age.
    pub fn hit(&self, age: Duration) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        self.used_age.fetch_add(age, Ordering::Relaxed);
    }

    /// Counts a look-up that did not find what counts.
    pub fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an entry that had to go for another.
    pub fn evicted(&self) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted, of a cache that has so many entries of so many bytes.
    pub fn sample(&self, entries: u64, bytes: u64) -> CacheSample {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheSample {
            hits: read(&self.hits),
            misses: read(&self.misses),
            evictions: read(&self.evictions),
            entries,
            bytes,
            used_age: Duration::from_millis(read(&self.used_age)),
        }
    }
}

/// Says what a cache is like.
type Look = Box<dyn Fn() -> CacheSample + Send + Sync>;

/// Says how many actions stand where.
type Count = Box<dyn Fn() -> Vec<(&'static str, usize)> + Send + Sync>;

/// The caches that scrapes look at.
#[derive(Default)]
pub(super) struct Caches {
    watched: Mutex<Vec<(&'static str, Look)>>,
    actions: OnceLock<Count>,
}

impl Caches {
    pub(super) fn watch(
        &self,
        name: &'static str,
        look: impl Fn() -> CacheSample + Send + Sync + 'static,
    ) {
        let mut caches = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        caches.push((name, Box::new(look)));
    }

    /// The first call counts.
    pub(super) fn count_actions(
        &self,
        count: impl Fn() -> Vec<(&'static str, usize)> + Send + Sync + 'static,
    ) {
        let _first = self.actions.set(Box::new(count));
    }

    /// States what each of them is like.
    pub(super) fn state(&self, registry: &Registry) -> prometheus::Result<()> {
        let families = Families::register(registry)?;
        for (name, look) in &*self.watched.lock().unwrap_or_else(PoisonError::into_inner) {
            families.state(name, &look())?;
        }
        match self.actions.get() {
            Some(count) => state_actions(&count(), registry),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caches")
    }
}

fn state_actions(counts: &[(&'static str, usize)], registry: &Registry) -> prometheus::Result<()> {
    let help = "Actions by what is done about their rulings: looked up or evaluated, because that is faster; weighed or tried, \
                to find out; never looked up, because something keeps them from it; needless to.";
    let opts = Opts::new("countersign_rule_cache_actions", help);
    let gauge = add(registry, GaugeVec::new(opts, &["rulings"])?)?;
    for (stand, count) in counts {
        let count = u64::try_from(*count).unwrap_or(u64::MAX);
        gauge
            .get_metric_with_label_values(&[stand])?
            .set(float(count));
    }
    Ok(())
}

struct Families {
    lookups: CounterVec,
    evictions: CounterVec,
    used_age: CounterVec,
    entries: GaugeVec,
    bytes: GaugeVec,
}

impl Families {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name, help, labels: &[&str]| {
            add(registry, CounterVec::new(Opts::new(name, help), labels)?)
        };
        let gauges = |name, help| add(registry, GaugeVec::new(Opts::new(name, help), &["cache"])?);
        Ok(Self {
            lookups: counters(
                "countersign_cache_lookups_total",
                "Look-ups in a cache, by result; what is found and counts no more is a miss.",
                &["cache", "result"],
            )?,
            evictions: counters(
                "countersign_cache_evictions_total",
                "Entries of a cache that had to go for others.",
                &["cache"],
            )?,
            used_age: counters(
                "countersign_cache_used_age_seconds_total",
                "Sum of the ages of a cache's entries when they were used; divided by its hits, their mean age.",
                &["cache"],
            )?,
            entries: gauges("countersign_cache_entries", "Entries of a cache.")?,
            bytes: gauges(
                "countersign_cache_bytes",
                "Bytes that the entries of a cache take, by estimate.",
            )?,
        })
    }

    fn state(&self, name: &str, sample: &CacheSample) -> prometheus::Result<()> {
        let Self {
            lookups,
            evictions,
            used_age,
            entries,
            bytes,
        } = self;
        for (result, count) in [("hit", sample.hits), ("miss", sample.misses)] {
            let counter = lookups.get_metric_with_label_values(&[name, result])?;
            counter.inc_by(float(count));
        }
        let of = |family: &CounterVec| family.get_metric_with_label_values(&[name]);
        of(evictions)?.inc_by(float(sample.evictions));
        of(used_age)?.inc_by(sample.used_age.as_secs_f64());
        let of = |family: &GaugeVec| family.get_metric_with_label_values(&[name]);
        of(entries)?.set(float(sample.entries));
        of(bytes)?.set(float(sample.bytes));
        Ok(())
    }
}
