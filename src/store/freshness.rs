//! How new is what memory knows of the store, and how new it has to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::spec::Staleness;
use crate::model::route::Tier;

/// How much more time than the monotonic clock the other one may show without a sleep: it is corrected now and then.
const CORRECTION: Duration = Duration::from_secs(1);

/// Says how old the knowledge is that decisions are made with. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub struct Freshness(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    bounds: Staleness,
    /// What moments are counted from, by the clock that is never set and by the one that does not stand still while the
    /// machine sleeps.
    base: Instant,
    wall_base: SystemTime,
    /// Nanoseconds from `base` to the moment up to which everything is known; zero before the first.
    proven: AtomicU64,
    /// The same from `wall_base`.
    wall_proven: AtomicU64,
}

impl Freshness {
    /// For state that nobody else can change: always new.
    pub const fn exempt() -> Self {
        Self(None)
    }

    /// Nothing is known yet; decisions need knowledge that is within `bounds`.
    #[expect(
        clippy::disallowed_methods,
        reason = "two moments of one clock are compared here, and no date is made of them"
    )]
    pub fn bounded(bounds: Staleness) -> Self {
        Self(Some(Arc::new(Known {
            bounds,
            base: Instant::now(),
            wall_base: SystemTime::now(),
            proven: AtomicU64::new(0),
            wall_proven: AtomicU64::new(0),
        })))
    }

    /// All that was acknowledged before `began` has been taken over.
    pub fn proven(&self, began: Instant) {
        if let Some(known) = &self.0 {
            let since = began.saturating_duration_since(known.base);
            // One at least: what is known is no nothing.
            let since = nanos(since).max(1);
            let before = known.proven.fetch_max(since, Ordering::Release);
            // The wall's clock may be set back, so of its moments the last one counts, not the greatest.
            if since > before {
                let wall = known.wall().saturating_sub(began.elapsed());
                known.wall_proven.store(nanos(wall), Ordering::Release);
            }
        }
    }

    /// How old the knowledge is at most; none if nothing was ever taken over.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let Some(known) = &self.0 else {
            return Some(Duration::ZERO);
        };
        match known.proven.load(Ordering::Acquire) {
            0 => None,
            proven => {
                let since = now.saturating_duration_since(known.base);
                let age = since.saturating_sub(Duration::from_nanos(proven));
                let slept = known.wall_age(known.wall());
                Some(if slept > age + CORRECTION { slept } else { age })
            }
        }
    }

    /// Whether it is new enough to decide about an action of this tier.
    pub fn suffices(&self, tier: Tier, now: Instant) -> bool {
        let Some(known) = &self.0 else {
            return true;
        };
        self.age(now)
            .is_some_and(|age| age <= known.bounds.of(tier))
    }
}

impl Known {
    /// The time since `wall_base`; none if the clock was set back beyond it.
    fn wall(&self) -> Duration {
        self.wall_base.elapsed().unwrap_or_default()
    }

    /// The age by the clock that can be set. Set forward it makes knowledge look old until the next proof, which is a moment.
    fn wall_age(&self, wall: Duration) -> Duration {
        let proven = Duration::from_nanos(self.wall_proven.load(Ordering::Acquire));
        wall.saturating_sub(proven)
    }
}

/// Nanoseconds, which fit for five hundred years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_tier_has_a_bound_and_nothing_known_suffices_for_none() {
        let freshness = Freshness::bounded(Staleness::DEFAULT);
        let began = Instant::now();
        let tiers = [Tier::Low, Tier::Medium, Tier::High, Tier::Critical];
        assert_eq!(freshness.age(began), None);
        assert!(tiers.iter().all(|tier| !freshness.suffices(*tier, began)));
        freshness.proven(began);
        for (after, enough) in [
            (Duration::ZERO, [true, true, true, true]),
            (SECOND, [true, true, true, true]),
            (SECOND + Duration::from_millis(1), [true, true, true, false]),
            (3 * SECOND, [true, true, false, false]),
            (31 * SECOND, [true, false, false, false]),
            (301 * SECOND, [false, false, false, false]),
        ] {
            let now = began + after;
            assert_eq!(freshness.age(now), Some(after));
            assert_eq!(tiers.map(|tier| freshness.suffices(tier, now)), enough);
        }
    }

    #[test]
    fn what_was_known_before_the_machine_slept_is_as_old_as_the_sleep() {
        let freshness = Freshness::bounded(Staleness::DEFAULT);
        freshness.proven(Instant::now());
        let known = freshness.0.as_ref().unwrap();
        // Ten minutes that the monotonic clock knows nothing of.
        let slept = known.wall() + 600 * SECOND;
        assert!(known.wall_age(slept) >= 600 * SECOND);
        assert!(known.wall_age(known.wall()) < SECOND);
        let long_ago = Known {
            wall_base: known.wall_base - 600 * SECOND,
            bounds: Staleness::DEFAULT,
            base: known.base,
            proven: AtomicU64::new(1),
            wall_proven: AtomicU64::new(1),
        };
        let slept = Freshness(Some(Arc::new(long_ago)));
        let now = Instant::now();
        assert!(!slept.suffices(Tier::Low, now));
        slept.proven(now);
        assert!(slept.suffices(Tier::Critical, now));
    }

    #[test]
    fn an_older_proof_takes_nothing_back_and_clones_share() {
        let freshness = Freshness::bounded(Staleness::DEFAULT);
        let start = Instant::now();
        freshness.clone().proven(start + 9 * SECOND);
        freshness.proven(start + 5 * SECOND);
        assert_eq!(freshness.age(start + 10 * SECOND), Some(SECOND));
        assert_eq!(freshness.age(start + 8 * SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn what_nobody_else_can_change_is_always_new() {
        let exempt = Freshness::exempt();
        assert_eq!(exempt.age(Instant::now()), Some(Duration::ZERO));
        assert!(exempt.suffices(Tier::Critical, Instant::now()));
    }
}
