//! What became of security events.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use super::scrape::add;
use crate::model::time::Timestamp;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventResult {
    /// What it says is in force.
    Applied,
    /// It came before; what it says is in force.
    Repeated,
    /// It was accepted, and nothing here depends on what it says.
    Unmapped,
    /// It shows that the stream is alive.
    Verified,
    /// It was not accepted.
    Refused,
    /// It could not be judged, or kept: the transmitter sends it again.
    Failed,
}

impl EventResult {
    /// The word that metrics and records use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Repeated => "repeated",
            Self::Unmapped => "unmapped",
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether it shows that the stream is alive.
    const fn is_accepted(self) -> bool {
        match self {
            Self::Applied | Self::Repeated | Self::Unmapped | Self::Verified => true,
            Self::Refused | Self::Failed => false,
        }
    }
}

/// The families. Streams are named by the configuration alone.
#[derive(Debug)]
pub(super) struct EventMetrics {
    total: IntCounterVec,
    last: IntGaugeVec,
    stale: IntGaugeVec,
}

impl EventMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let total = Opts::new(
            "countersign_events_total",
            "Security events that other systems pushed, by stream and by what became of them.",
        );
        let last = Opts::new(
            "countersign_events_last_seconds",
            "When the last event of a stream was accepted, in seconds since 1970.",
        );
        let stale = Opts::new(
            "countersign_events_stale",
            "Whether a stream has been silent for longer than its `stale_after`: 1, else 0.",
        );
        Ok(Self {
            stale: add(registry, IntGaugeVec::new(stale, &["stream"])?)?,
            total: add(registry, IntCounterVec::new(total, &["stream", "result"])?)?,
            last: add(registry, IntGaugeVec::new(last, &["stream"])?)?,
        })
    }

    /// When the last event of a stream was accepted, if one was.
    pub(super) fn last(&self, stream: &str) -> Option<Timestamp> {
        let gauge = self.last.get_metric_with_label_values(&[stream]).ok()?;
        let seconds = gauge.get();
        (seconds > 0).then(|| Timestamp::from_seconds(seconds))
    }

    pub(super) fn stale(&self, stream: &str, stale: bool) {
        if let Ok(gauge) = self.stale.get_metric_with_label_values(&[stream]) {
            gauge.set(i64::from(stale));
        }
    }

    pub(super) fn count(&self, stream: &str, result: EventResult, at: Timestamp) {
        let labels = [stream, result.as_str()];
        if let Ok(counter) = self.total.get_metric_with_label_values(&labels) {
            counter.inc();
        }
        if result.is_accepted()
            && let Ok(gauge) = self.last.get_metric_with_label_values(&[stream])
        {
            gauge.set(at.seconds());
        }
    }
}
