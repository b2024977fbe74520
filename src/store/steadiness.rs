//! When what has ended may be forgotten. A clock that is set forward and back again must not bring a credential
//! back, so the wall clock is believed only while it has gone as fast as the monotonic one for long enough.

use std::time::{Duration, Instant};

use crate::model::time::Timestamp;

/// How long after its end something is kept, and how long the clock must have been steady.
const KEEP: Duration = Duration::from_hours(1);
/// How far the two clocks may drift apart between two looks; time servers move a clock by less.
const DRIFT: Duration = Duration::from_mins(1);

/// How often entries are looked through.
const PAUSE: Duration = Duration::from_mins(1);

/// Whether the wall clock is steady.
#[derive(Debug, Default)]
pub struct Steadiness {
    last: Option<(Timestamp, Instant)>,
    since: Option<Instant>,
    swept: Option<Instant>,
}

impl Steadiness {
    /// Reads both clocks. What ended before the moment that this gives may be forgotten; it gives one once a minute at most.
    pub fn see(&mut self, now: Timestamp, at: Instant) -> Option<Timestamp> {
        let jumped = self.last.is_none_or(|(wall, monotonic)| {
            let expected = wall.plus(at.saturating_duration_since(monotonic));
            now > expected.plus(DRIFT) || now < expected.minus(DRIFT)
        });
        self.last = Some((now, at));
        let since = match self.since {
            Some(since) if !jumped => since,
            Some(_) | None => *self.since.insert(at),
        };
        let steady = at.saturating_duration_since(since) >= KEEP;
        let rested = |swept| at.saturating_duration_since(swept) >= PAUSE;
        let due = steady && self.swept.is_none_or(rested);
        due.then(|| {
            self.swept = Some(at);
            now.minus(KEEP)
        })
    }
}
