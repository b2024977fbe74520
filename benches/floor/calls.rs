//! The calls of one connection that are not over, by the number of their streams.

use std::collections::VecDeque;
use std::time::Instant;

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// When it was meant to be made.
    pub(crate) since: Instant,
    /// Whether the answer was a yes.
    pub(crate) ok: bool,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    since: Instant,
    ok: bool,
    over: bool,
}

/// Calls from the oldest one that is not over.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: VecDeque<Call>,
    /// How many calls were made before those.
    before: usize,
    in_flight: usize,
}

impl Calls {
    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Adds a call, and says its stream: a client's have odd numbers.
    pub(crate) fn add(&mut self, since: Instant) -> u32 {
        let place = self.before + self.open.len();
        self.open.push_back(Call {
            since,
            ok: false,
            over: false,
        });
        self.in_flight += 1;
        u32::try_from(2 * place + 1).unwrap_or(u32::MAX)
    }

    /// Notes a yes.
    pub(crate) fn approve(&mut self, stream: u32) {
        if let Some(call) = self.of(stream) {
            call.ok = true;
        }
    }

    /// Ends a call that is not over yet.
    pub(crate) fn end(&mut self, stream: u32) -> Option<Ended> {
        let call = self.of(stream).filter(|call| !call.over)?;
        call.over = true;
        let ended = Ended {
            since: call.since,
            ok: call.ok,
        };
        self.in_flight -= 1;
        while self.open.front().is_some_and(|call| call.over) {
            self.open.pop_front();
            self.before += 1;
        }
        Some(ended)
    }

    fn of(&mut self, stream: u32) -> Option<&mut Call> {
        let place = usize::try_from(stream / 2).ok()?;
        self.open.get_mut(place.checked_sub(self.before)?)
    }
}
