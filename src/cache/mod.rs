//! Rulings that were made before: what the rules of an action said, remembered under everything that they can read.
//!
//! What is looked up is the outcome of the rules alone, by the key that the policy derives ([`crate::policy::Key`]) and by what was
//! in force when it was asked: the policy and registry as loaded, and the revision of the revocations, both read before anything is
//! evaluated. So a reload starts with nothing, and so does everybody after a revocation. Whatever has to be looked at every time is
//! no part of it and happens before or after: revocation, lifecycle, audience, proof, replay, how new what is known is, and the risk.
//! Faults and rulings that wait for an approval are never kept.
//!
//! Looking up is worth it only where it is faster than evaluating, and it often is not: that is measured for each action
//! (`choice`). A verdict is the same either way.

mod choice;
mod entry;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::sync::Cache;

use crate::model::route::Action;
use crate::policy::{Caching, Call, Digest, Epochs, Key, Mode, Policy, Ruling, Scan};
use crate::telemetry::{CacheSample, CacheTally};
use choice::{Choice, Took, Way};
pub use choice::{Figures, Stand};
use entry::Entry;

/// The most rulings that are remembered.
const MAX_RULINGS: u64 = 50_000;
/// The most bytes that they may take together, by an estimate that counts everything that an entry points to.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// What nobody asks for goes after this time: nothing of a policy that is gone, or from before a revocation, is ever asked for again.
const UNUSED: Duration = Duration::from_mins(10);

/// The number of the next policy that is loaded.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What is remembered of rulings. Cheap to clone; clones share one memory, which outlives reloads.
#[derive(Clone)]
pub struct RulingMemory(Arc<Memory>);

struct Memory {
    cache: Cache<Digest, Arc<Entry>>,
    tally: Arc<CacheTally>,
    /// The newest revision of revocations that anything was asked at.
    revision: AtomicU64,
}

/// The rulings of one policy as it was loaded.
#[derive(Debug)]
pub struct Rulings {
    memory: RulingMemory,
    loaded: u64,
    /// By the numbers of the keys.
    choices: Box<[Choice]>,
    /// How many actions have no key: because nothing can be remembered of them, and because nothing need be.
    without: [usize; 2],
}

/// When something is asked.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The revision of the revocations, read before.
    pub revocations: u64,
    /// The moment, to know how old what is found is.
    pub now: Instant,
}

impl Default for RulingMemory {
    fn default() -> Self {
        Self::bounded(MAX_RULINGS, MAX_BYTES)
    }
}

impl RulingMemory {
    /// A memory of so many rulings and so many bytes, whichever comes first.
    fn bounded(rulings: u64, bytes: u64) -> Self {
        let tally = Arc::<CacheTally>::default();
        let counting = Arc::clone(&tally);
        // One bound stands for both: an entry weighs its share of the count at least.
        let share = u32::try_from(bytes / rulings.max(1)).unwrap_or(u32::MAX);
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(move |_key, entry: &Arc<Entry>| entry.weight().max(share))
            .time_to_idle(UNUSED)
            .eviction_listener(move |_key, _entry, cause| {
                if cause == RemovalCause::Size {
                    counting.evicted();
                }
            })
            .build();
        Self(Arc::new(Memory {
            cache,
            tally,
            revision: AtomicU64::new(0),
        }))
    }

    /// The rulings of a policy that was just loaded: none yet. Those of any other are never found by it.
    pub fn rulings(&self, policy: &Policy) -> Rulings {
        // They would only be in the way of new ones.
        self.0.cache.invalidate_all();
        let count = |like: fn(&Caching) -> bool| {
            let cachings = policy.cachings();
            cachings.filter(|(_, _, caching)| like(caching)).count()
        };
        Rulings {
            without: [
                count(|caching| matches!(caching, Caching::Never(_))),
                count(|caching| matches!(caching, Caching::Needless)),
            ],
            memory: self.clone(),
            loaded: NEXT.fetch_add(1, Ordering::Relaxed),
            choices: (0..policy.keys()).map(|_| Choice::new()).collect(),
        }
    }

    /// What the memory is like now.
    pub fn status(&self) -> CacheSample {
        let Memory { cache, tally, .. } = &*self.0;
        // Entries are counted in the background; a scrape wants to know how it is.
        cache.run_pending_tasks();
        tally.sample(cache.entry_count(), cache.weighted_size())
    }

    /// What stands under a key.
    fn find(&self, key: Digest, at: Moment) -> Option<Arc<Entry>> {
        let Memory {
            cache,
            tally,
            revision,
        } = &*self.0;
        if revision.load(Ordering::Relaxed) < at.revocations {
            // Nothing from before is found any more, and it would only be in the way.
            revision.fetch_max(at.revocations, Ordering::Relaxed);
            cache.invalidate_all();
        }
        let found = cache.get(&key);
        match &found {
            Some(entry) => tally.hit(at.now.saturating_duration_since(entry.since)),
            None => tally.miss(),
        }
        found
    }
}

impl Rulings {
    /// What the enforced rules of `policy`, which these are the rulings of, say about a call.
    pub fn ruling(&self, policy: &Policy, call: &Call<'_>, at: Moment) -> Ruling {
        let action = &call.facts.asked.action;
        let Some((key, choice)) = self.choice(policy, action) else {
            return evaluate(policy, call);
        };
        match choice.next() {
            Way::Evaluate => evaluate(policy, call),
            Way::TimeEvaluation => {
                let (ruling, took) = timed(|| evaluate(policy, call));
                choice.evaluated(took);
                ruling
            }
            Way::LookUp => self.looked_up(key, choice, policy, call, at).0,
            Way::TimeLookUp => {
                let (ruling, took) = self.looked_up(key, choice, policy, call, at);
                if let Some((stand, figures)) = choice.looked_up(took) {
                    say(action, stand, figures);
                }
                ruling
            }
        }
    }

    /// The same, looked up wherever it can be, whatever was measured: for whoever compares.
    pub fn recalled(&self, policy: &Policy, call: &Call<'_>, at: Moment) -> Ruling {
        match self.choice(policy, &call.facts.asked.action) {
            Some((key, choice)) => self.looked_up(key, choice, policy, call, at).0,
            None => evaluate(policy, call),
        }
    }

    /// How many actions stand where.
    pub fn stands(&self) -> Vec<(&'static str, usize)> {
        let count = |stand| {
            let choices = self.choices.iter();
            choices.filter(|choice| choice.stand() == stand).count()
        };
        let [never, needless] = self.without;
        let stands = Stand::ALL.map(|stand| (stand.as_str(), count(stand)));
        let without = [("never", never), ("needless", needless)];
        stands.into_iter().chain(without).collect()
    }

    fn choice<'a>(&'a self, policy: &'a Policy, action: &Action) -> Option<(&'a Key, &'a Choice)> {
        let Caching::By(key) = policy.caching(action)? else {
            return None;
        };
        let number = usize::try_from(key.number()).ok()?;
        Some((key, self.choices.get(number)?))
    }

    /// The ruling as it is remembered, or evaluated and remembered.
    fn looked_up(
        &self,
        key: &Key,
        choice: &Choice,
        policy: &Policy,
        call: &Call<'_>,
        at: Moment,
    ) -> (Ruling, Took) {
        let epochs = Epochs {
            loaded: self.loaded,
            revocations: at.revocations,
        };
        let started = Instant::now();
        let key = key.of(call, epochs);
        let found = key.and_then(|key| self.memory.find(key, at));
        let known = found.map(|entry| Ruling::Decided(entry.verdict.clone()));
        let look = started.elapsed();
        choice.found(known.is_some());
        if let Some(ruling) = known {
            let took = Took {
                look,
                ..Took::default()
            };
            return (ruling, took);
        }
        let (ruling, evaluation) = timed(|| evaluate(policy, call));
        let ((), keeping) = timed(|| {
            if let (Some(key), Some(entry)) = (key, Entry::of(&ruling, at.now)) {
                self.memory.0.cache.insert(key, Arc::new(entry));
            }
        });
        let took = Took {
            look,
            evaluation: Some(evaluation),
            keeping: Some(keeping),
        };
        (ruling, took)
    }
}

fn evaluate(policy: &Policy, call: &Call<'_>) -> Ruling {
    policy.run(call, Mode::Enforced, Scan::Indexed, None)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed())
}

/// The figures, once something changes because of them.
fn say(action: &Action, stand: Stand, figures: Figures) {
    let Figures {
        evaluation,
        look_up,
        keeping,
        found,
    } = figures;
    let (evaluation, look_up, keeping) = (
        evaluation.as_nanos(),
        look_up.as_nanos(),
        keeping.as_nanos(),
    );
    tracing::info!(
        route = action.route.as_str(),
        action = action.id.as_str(),
        rulings = stand.as_str(),
        evaluation_ns = evaluation,
        look_up_ns = look_up,
        keeping_ns = keeping,
        found_per_thousand = found,
        "rulings of this action are looked up where that is faster than evaluating"
    );
}

impl fmt::Debug for RulingMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RulingMemory").field(&self.status()).finish()
    }
}
