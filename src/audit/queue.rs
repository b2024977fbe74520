//! The bounded queue between decisions and the task that writes their records.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};

use crate::model::decision::Decision;
use crate::model::verdict::Verdict;
use crate::telemetry::Metrics;

use super::AuditError;
use super::admin::{self, AdminEvent};
use super::record;
use super::sink::Sink;
use super::spec::AuditSettings;
use super::writer::AuditWriter;

/// Takes records. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Audit {
    lines: mpsc::Sender<Vec<u8>>,
    reopen: Arc<Notify>,
    metrics: Metrics,
}

/// A reserved place in the queue; dropped unused, it is free again.
#[must_use]
pub struct Slot<'a>(mpsc::Permit<'a, Vec<u8>>);

impl Audit {
    /// Opens the sink. Records are written while the returned writer runs.
    pub fn open(
        settings: &AuditSettings,
        metrics: Metrics,
    ) -> Result<(Self, AuditWriter), AuditError> {
        let AuditSettings { sink, queue } = settings;
        let sink = Sink::open(sink)?;
        let (lines, receiver) = mpsc::channel(*queue);
        let reopen = Arc::new(Notify::new());
        let writer = AuditWriter::new(receiver, Arc::clone(&reopen), sink, metrics.clone());
        let audit = Self {
            lines,
            reopen,
            metrics,
        };
        Ok((audit, writer))
    }

    /// Reserves a place for the record of a decision that is about to be answered. Full is counted; the decision must
    /// then become a fault.
    pub fn reserve(&self) -> Result<Slot<'_>, AuditError> {
        self.lines.try_reserve().map(Slot).map_err(|refused| {
            self.metrics.audit_dropped();
            match refused {
                TrySendError::Full(()) => AuditError::Full,
                TrySendError::Closed(()) => AuditError::Closed,
            }
        })
    }

    /// Records what rules in shadow mode would have decided. Shadow faults nothing: the last quarter of the queue is
    /// for decisions, and a result that finds no room is dropped and counted.
    pub fn shadow(&self, enforced: &Decision, shadow: &Verdict) {
        let room = self.lines.capacity() > self.lines.max_capacity() / 4;
        match self.lines.try_reserve() {
            Ok(place) if room => send(place, record::shadow(enforced, shadow), enforced),
            Ok(_) | Err(_) => self.metrics.shadow_dropped(),
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
        send(self.0, record::decision(decision), decision);
    }

    /// Queues the record of a change that somebody made.
    pub fn write_admin(self, event: &AdminEvent<'_>) {
        match admin::admin(event) {
            Ok(line) => self.0.send(line),
            Err(error) => {
                tracing::error!(action = event.action, %error, "a change could not be encoded");
            }
        }
    }
}

fn send(
    place: mpsc::Permit<'_, Vec<u8>>,
    line: Result<Vec<u8>, serde_json::Error>,
    decision: &Decision,
) {
    match line {
        Ok(line) => place.send(line),
        // Records are structs with text keys in memory, for which the encoder has no failure.
        Err(error) => {
            tracing::error!(decision.id = %decision.id, %error, "a decision could not be encoded");
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audit({} free)", self.lines.capacity())
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}
