//! How this replica keeps up with the store.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

use super::scrape::{add, gauge};

/// From the next turn of a loop (a millisecond) to a store that was away for a while.
const BUCKETS: [f64; 15] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Says how old the knowledge is that decisions are made with.
type Age = Box<dyn Fn() -> Duration + Send + Sync>;

/// Handles of what is counted while following the store.
pub(super) struct StateMetrics {
    pub(super) errors: IntCounter,
    pub(super) position: IntGauge,
    pub(super) enforcement: Histogram,
    pub(super) age: OnceLock<Age>,
}

impl StateMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            errors: add(
                registry,
                IntCounter::new(
                    "countersign_state_errors_total",
                    "Failed attempts to read what changed in the store; each is retried.",
                )?,
            )?,
            position: add(
                registry,
                IntGauge::new(
                    "countersign_state_applied_position",
                    "Number of the last change of the store that decisions know of.",
                )?,
            )?,
            enforcement: add(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "countersign_enforcement_seconds",
                        "Time from a change's acknowledgement by the store to the first decision that could know of it.",
                    )
                    .buckets(BUCKETS.to_vec()),
                )?,
            )?,
            age: OnceLock::new(),
        })
    }

    /// States how old the knowledge is.
    pub(super) fn state(&self, registry: &Registry) -> prometheus::Result<()> {
        let Some(age) = self.age.get() else {
            return Ok(());
        };
        gauge(
            registry,
            "countersign_state_staleness_seconds",
            "Age of what is known of revocations, approvals and conditions; before anything is known, time since the start.",
            age().as_secs_f64(),
        )
    }
}

impl fmt::Debug for StateMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateMetrics")
    }
}
