//! The bounded queue between decisions and the task that writes their records.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::model::decision::Decision;
use crate::model::verdict::Verdict;
use crate::telemetry::Metrics;

use super::AuditError;
use super::admin::{self, AdminEvent};
use super::record;
use super::sink::Sink;
use super::spec::AuditSettings;
use super::waiting::Waiting;
use super::writer::AuditWriter;

thread_local! {
    /// Where this thread writes a line before it queues it; memory that is used again and again.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes records. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Audit {
    queue: Arc<Open>,
    reopen: Arc<Notify>,
    failing: Arc<AtomicBool>,
    metrics: Metrics,
}

/// A reserved place in the queue; dropped unused, it is free again.
#[must_use]
pub struct Slot<'a>(Option<&'a Waiting>);

/// The queue as those see it who bring records: when all of them are gone, nothing comes any more.
struct Open(Arc<Waiting>);

impl Audit {
    /// Opens the sink. Records are written while the returned writer runs.
    pub fn open(
        settings: &AuditSettings,
        metrics: Metrics,
    ) -> Result<(Self, AuditWriter), AuditError> {
        let AuditSettings { sink, queue } = settings;
        let sink = Sink::open(sink)?;
        let waiting = Arc::new(Waiting::new(*queue));
        let reopen = Arc::new(Notify::new());
        let failing = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&failing);
        let writer = AuditWriter::new(
            Arc::clone(&waiting),
            Arc::clone(&reopen),
            flag,
            sink,
            metrics.clone(),
        );
        let audit = Self {
            queue: Arc::new(Open(waiting)),
            reopen,
            failing,
            metrics,
        };
        Ok((audit, writer))
    }

    /// Reserves a place for the record of a decision that is about to be answered. Full is counted; the decision must
    /// then become a fault.
    pub fn reserve(&self) -> Result<Slot<'_>, AuditError> {
        let Open(waiting) = &*self.queue;
        let reserved = waiting.reserve(0);
        reserved.inspect_err(|_refused| self.metrics.audit_dropped())?;
        Ok(Slot(Some(waiting)))
    }

    /// Whether the sink did not take what it was last given: what is queued may be lost with the process.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Records what rules in shadow mode would have decided. Shadow faults nothing: the last quarter of the queue is
    /// for decisions, and a result that finds no room is dropped and counted.
    pub fn shadow(&self, enforced: &Decision, shadow: &Verdict) {
        let Open(waiting) = &*self.queue;
        match waiting.reserve(waiting.places() / 4) {
            Ok(()) => Slot(Some(waiting)).send(|line| record::shadow(enforced, shadow, line)),
            Err(_) => self.metrics.shadow_dropped(),
        }
    }

    /// Opens the sink's file again, after it was moved away (log rotation). Returns at once; standard output stays.
    pub fn reopen(&self) {
        self.reopen.notify_one();
    }
}

impl Slot<'_> {
    /// Queues the record of a decision, redacted.
    pub fn write(self, decision: &Decision) {
        self.send(|line| record::decision(decision, line));
    }

    /// Queues the record of a change that somebody made.
    pub fn write_admin(self, event: &AdminEvent<'_>) {
        self.send(|line| admin::admin(event, line));
    }

    fn send(mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut line = LINE.take();
        line.clear();
        write(&mut line);
        if let Some(waiting) = self.0.take() {
            waiting.push(&line);
        }
        LINE.set(line);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.0 {
            waiting.release();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audit({} free)", self.queue.0.free())
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}
