//! What became of messages about approvals.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::scrape::add;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It arrived.
    Delivered,
    /// It did not, and is not tried any more.
    Failed,
    /// There was no room for it, or for the change that it would have been about.
    Dropped,
}

/// The family, one handle a result.
#[derive(Debug)]
pub(super) struct NoticeMetrics {
    delivered: IntCounter,
    failed: IntCounter,
    dropped: IntCounter,
}

impl NoticeMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = Opts::new(
            "countersign_approval_notices_total",
            "Messages about approvals to those in `approvals.notify`, by what became of them.",
        );
        let family = add(registry, IntCounterVec::new(options, &["result"])?)?;
        let of = |result: &str| family.get_metric_with_label_values(&[result]);
        Ok(Self {
            delivered: of("delivered")?,
            failed: of("failed")?,
            dropped: of("dropped")?,
        })
    }

    pub(super) fn count(&self, notice: Notice) {
        match notice {
            Notice::Delivered => self.delivered.inc(),
            Notice::Failed => self.failed.inc(),
            Notice::Dropped => self.dropped.inc(),
        }
    }
}
