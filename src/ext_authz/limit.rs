//! How many checks are decided at once. More are shed with an explicit answer instead of queueing past their deadline.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Checks in flight, and their bound.
#[derive(Debug)]
pub struct Load {
    limit: usize,
    in_flight: AtomicUsize,
    shed: AtomicU64,
}

impl Load {
    /// No check in flight, at most `limit` at once.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            in_flight: AtomicUsize::new(0),
            shed: AtomicU64::new(0),
        }
    }

    /// Checks that are being decided, for metrics.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Checks that were refused because too many were in flight, for metrics.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// Counts a check in, or refuses and counts it as shed. The check is counted out when the guard is dropped, also
    /// by a panic.
    pub(super) fn enter(&self) -> Option<InFlight<'_>> {
        // The guard exists before the comparison, so that a refused check is counted out like any other.
        let guard = InFlight(self);
        if self.in_flight.fetch_add(1, Ordering::Relaxed) < self.limit {
            Some(guard)
        } else {
            self.shed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

/// One check in flight.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Load);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_above_the_limit_are_shed_and_counted() {
        let load = Load::new(2);
        let first = load.enter().unwrap();
        let second = load.enter().unwrap();
        assert!(load.enter().is_none());
        assert_eq!((load.in_flight(), load.shed()), (2, 1));
        drop(first);
        let third = load.enter().unwrap();
        assert!(load.enter().is_none());
        drop((second, third));
        assert_eq!((load.in_flight(), load.shed()), (0, 2));
    }

    #[test]
    fn a_panic_counts_its_check_out() {
        let load = Load::new(1);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = load.enter().unwrap();
            panic!("expected");
        }));
        assert!(outcome.is_err());
        assert_eq!(load.in_flight(), 0);
    }
}
