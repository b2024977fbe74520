//! What the checks of identities' lives find.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::model::lifecycle::{Check, Level, Raised};

use super::scrape::add;

/// One counter for each check and level, found by the check's place in its enum.
#[derive(Debug)]
pub(super) struct LifecycleMetrics {
    warned: Vec<IntCounter>,
    denied: Vec<IntCounter>,
}

impl LifecycleMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let found = add(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "countersign_lifecycle_findings_total",
                    "What the checks of identities' lives found, by check and by what followed.",
                ),
                &["check", "level"],
            )?,
        )?;
        let each = |level: Level| {
            let checks = Check::ALL.iter().map(|check| check.as_str());
            checks
                .map(|check| found.get_metric_with_label_values(&[check, level.as_str()]))
                .collect::<prometheus::Result<Vec<_>>>()
        };
        Ok(Self {
            warned: each(Level::Warn)?,
            denied: each(Level::Deny)?,
        })
    }

    pub(super) fn record(&self, raised: &[Raised]) {
        for Raised {
            check,
            level,
            id: _,
        } in raised
        {
            let counters = match level {
                Level::Off => continue,
                Level::Warn => &self.warned,
                Level::Deny => &self.denied,
            };
            if let Some(counter) = counters.get(*check as usize) {
                counter.inc();
            }
        }
    }
}
