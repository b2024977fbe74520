//! A pause after failures in a row, so that checks fail at once instead of piling up behind an endpoint that is down.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The outages in a row after which the endpoint is given a pause.
const FAILURES: u32 = 5;
/// The pause. After it one request at a time finds out whether the endpoint is back.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether the endpoint may be asked.
#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    paused_until: Option<Instant>,
    /// One request is finding out.
    probing: bool,
}

impl Circuit {
    /// Whether a request may start at `now`. One that may tells how it ended.
    pub(super) fn admit(&self, now: Instant) -> bool {
        let mut state = self.state();
        let Some(until) = state.paused_until else {
            return true;
        };
        if now < until || state.probing {
            return false;
        }
        state.probing = true;
        true
    }

    /// The endpoint answered.
    pub(super) fn succeed(&self) {
        *self.state() = State::default();
    }

    /// The endpoint was in trouble at `now`.
    pub(super) fn fail(&self, now: Instant) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.probing = false;
        if state.failures >= FAILURES {
            state.paused_until = now.checked_add(PAUSE);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the state half written: nothing in here can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_make_a_pause_and_one_probe_ends_it() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(circuit.admit(start));
            circuit.fail(start);
        }
        assert!(!circuit.admit(start));
        assert!(!circuit.admit(start + PAUSE / 2));
        let later = start + PAUSE;
        assert!(circuit.admit(later), "a probe");
        assert!(!circuit.admit(later), "one at a time");
        circuit.fail(later);
        assert!(!circuit.admit(later));
        assert!(circuit.admit(later + PAUSE));
        circuit.succeed();
        assert!(circuit.admit(later) && circuit.admit(later));
    }

    #[test]
    fn a_success_between_failures_makes_no_pause() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..FAILURES {
            circuit.fail(now);
            circuit.succeed();
        }
        assert!(circuit.admit(now));
    }
}
