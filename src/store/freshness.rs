//! How new is what memory knows of the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

/// Says how old the knowledge is that decisions are made with. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Freshness {
    proven: Arc<ArcSwapOption<Instant>>,
    exempt: bool,
}

impl Freshness {
    /// For state that nobody else can change: always new.
    pub fn exempt() -> Self {
        Self {
            proven: Arc::default(),
            exempt: true,
        }
    }

    /// All that was acknowledged before `began` has been taken over.
    pub fn proven(&self, began: Instant) {
        self.proven.rcu(|known| match known {
            Some(known) if **known >= began => Some(Arc::clone(known)),
            Some(_) | None => Some(Arc::new(began)),
        });
    }

    /// How old the knowledge is at most; none if nothing was ever taken over.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        if self.exempt {
            return Some(Duration::ZERO);
        }
        let proven = self.proven.load();
        proven
            .as_ref()
            .map(|began| now.saturating_duration_since(**began))
    }
}
