//! The two ways to ask: as fast as it is answered, and at a fixed rate.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use hdrhistogram::Histogram;

use super::connection::Connection;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest time that can be told from longer ones: a minute, in nanoseconds.
pub(crate) const LONGEST: u64 = 60_000_000_000;

/// Bodies that are sent one after the other, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    all: Vec<Vec<u8>>,
    next: usize,
}

impl Bodies {
    pub(crate) const fn new(all: Vec<Vec<u8>>) -> Self {
        Self { all, next: 0 }
    }

    pub(crate) fn next(&mut self) -> &[u8] {
        let at = self.next;
        self.next = (at + 1) % self.all.len().max(1);
        self.all.get(at).map_or(&[], Vec::as_slice)
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.all.len()
    }

    fn peek(&self) -> &[u8] {
        self.all.get(self.next).map_or(&[], Vec::as_slice)
    }
}

/// What became of calls.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    pub(crate) wall: Duration,
    /// Nanoseconds from the moment when each was meant to be made.
    pub(crate) latencies: Histogram<u64>,
}

impl Asked {
    fn new() -> Result<Self> {
        Ok(Self {
            calls: 0,
            failed: 0,
            wall: Duration::ZERO,
            latencies: Histogram::new_with_bounds(1, LONGEST, 3)?,
        })
    }

    /// A quantile in microseconds.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.latencies.value_at_quantile(quantile)).as_secs_f64() * 1e6
    }

    /// Fails unless every call was answered with a yes.
    pub(crate) fn all_well(self) -> Result<Self> {
        let Self { failed, calls, .. } = &self;
        ensure!(*failed == 0, "{failed} of {calls} calls were not allowed");
        Ok(self)
    }

    fn note(&mut self, since: Instant, ok: bool) {
        self.calls += 1;
        self.failed += usize::from(!ok);
        let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(nanos);
    }
}

/// Makes `calls` calls and keeps `at_once` of them in flight.
pub(crate) fn closed(
    connection: &mut Connection,
    bodies: &mut Bodies,
    calls: usize,
    at_once: usize,
) -> Result<Asked> {
    let (started, mut made, mut asked) = (Instant::now(), 0, Asked::new()?);
    let mut last = (0, started);
    while asked.calls < calls {
        while made < calls && connection.in_flight() < at_once && connection.takes(bodies.peek()) {
            connection.call(bodies.next(), Instant::now())?;
            made += 1;
        }
        connection.turn(&mut |ended| asked.note(ended.since, ended.ok))?;
        if asked.calls > last.0 {
            last = (asked.calls, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            bail!("no answer within {PATIENCE:?}");
        }
    }
    asked.wall = started.elapsed();
    Ok(asked)
}

/// Makes `rate` calls a second for as long as `lasts`, whether or not those before were answered. Time counts from the moment
/// when a call was due, so that a server which stalls cannot hide the calls that it kept from being made.
pub(crate) fn open(
    connection: &mut Connection,
    bodies: &mut Bodies,
    rate: u32,
    lasts: Duration,
) -> Result<Asked> {
    let (started, mut asked) = (Instant::now(), Asked::new()?);
    let gap = Duration::from_secs(1) / rate;
    let (mut due, end) = (started, started + lasts);
    while due < end || connection.in_flight() > 0 {
        while due < end && Instant::now() >= due && connection.takes(bodies.peek()) {
            connection.call(bodies.next(), due)?;
            due += gap;
        }
        connection.turn(&mut |ended| asked.note(ended.since, ended.ok))?;
        ensure!(
            started.elapsed() < lasts + PATIENCE,
            "no answer within {PATIENCE:?}"
        );
    }
    asked.wall = started.elapsed();
    Ok(asked)
}
