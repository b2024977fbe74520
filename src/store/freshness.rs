//! How new is what memory knows of the store, and how new it has to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::spec::Staleness;
use crate::model::route::Tier;

/// Says how old the knowledge is that decisions are made with. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub struct Freshness(Option<Arc<Known>>);

#[derive(Debug)]
struct Known {
    bounds: Staleness,
    /// What moments are counted from.
    base: Instant,
    /// Nanoseconds from `base` to the moment up to which everything is known; zero before the first.
    proven: AtomicU64,
}

impl Freshness {
    /// For state that nobody else can change: always new.
    pub const fn exempt() -> Self {
        Self(None)
    }

    /// Nothing is known yet; decisions need knowledge that is within `bounds`.
    pub fn bounded(bounds: Staleness) -> Self {
        Self(Some(Arc::new(Known {
            bounds,
            base: Instant::now(),
            proven: AtomicU64::new(0),
        })))
    }

    /// All that was acknowledged before `began` has been taken over.
    pub fn proven(&self, began: Instant) {
        if let Some(known) = &self.0 {
            let since = began.saturating_duration_since(known.base);
            // One at least: what is known is no nothing.
            known
                .proven
                .fetch_max(nanos(since).max(1), Ordering::Release);
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
                Some(since.saturating_sub(Duration::from_nanos(proven)))
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
