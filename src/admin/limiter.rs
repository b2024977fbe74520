//! How many attempts may fail: whoever guesses is slowed down, and neither the log nor the keys are worn out.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Failures a second, from everybody together; as many may come at once.
const RATE: f64 = 10.0;

/// Counts failures down, and forgives them with time.
#[derive(Debug)]
pub(super) struct Limiter(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Failures that may still come.
    left: f64,
    since: Instant,
}

impl Limiter {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            left: RATE,
            since: now,
        }))
    }

    /// Whether nothing may fail at this moment.
    pub(super) fn is_exhausted(&self, now: Instant) -> bool {
        self.with(now, |left| *left < 1.0)
    }

    /// Counts a failure; false if there were too many.
    pub(super) fn failed(&self, now: Instant) -> bool {
        self.with(now, |left| {
            let room = *left >= 1.0;
            if room {
                *left -= 1.0;
            }
            room
        })
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut f64) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.since).as_secs_f64();
        state.left = passed.mul_add(RATE, state.left).min(RATE);
        state.since = now;
        act(&mut state.left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ten_failures_a_second_and_no_more() {
        let start = Instant::now();
        let limiter = Limiter::new(start);
        assert!((0..10).all(|_| limiter.failed(start)));
        assert!(limiter.is_exhausted(start) && !limiter.failed(start));
        let later = start + Duration::from_millis(250);
        assert!(!limiter.is_exhausted(later));
        assert!(limiter.failed(later) && limiter.failed(later) && !limiter.failed(later));
        let much_later = start + Duration::from_mins(5);
        assert_eq!((0..20).filter(|_| limiter.failed(much_later)).count(), 10);
    }
}
