//! What becomes of calls that need an approval.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::scrape::add;
use crate::model::approval::State;
use crate::model::reason::Reason;
use crate::model::verdict::Verdict;

/// Something that happened to an approval on a request's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalEvent {
    /// One is waited for that nobody waited for before.
    Opened,
    /// One was used up for a request.
    Spent,
}

/// Why a call that needs an approval did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Pending,
    Denied,
    Limit,
    Invalid,
    Unavailable,
}

/// The families, one handle a label.
#[derive(Debug)]
pub(super) struct ApprovalMetrics {
    known: IntGaugeVec,
    opened: IntCounter,
    spent: IntCounter,
    refused: Vec<(Refusal, IntCounter)>,
}

impl Refusal {
    const ALL: [Self; 5] = [
        Self::Pending,
        Self::Denied,
        Self::Limit,
        Self::Invalid,
        Self::Unavailable,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Denied => "denied",
            Self::Limit => "limit",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
        }
    }

    /// None for an allow.
    fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Allow(_) => None,
            Verdict::Pending(_) => Some(Self::Pending),
            Verdict::Fault(_) => Some(Self::Unavailable),
            Verdict::Deny(denial) if denial.reason == Reason::ApprovalDenied => Some(Self::Denied),
            Verdict::Deny(denial) if denial.reason == Reason::ApprovalLimit => Some(Self::Limit),
            Verdict::Deny(_) => Some(Self::Invalid),
        }
    }
}

impl ApprovalMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let known = Opts::new(
            "countersign_approvals",
            "Approvals that this replica knows, by what has become of them.",
        );
        let opened = Opts::new(
            "countersign_approvals_opened_total",
            "Approvals that this replica opened for calls that need one.",
        );
        let spent = Opts::new(
            "countersign_approvals_spent_total",
            "Uses of approvals that this replica let requests pass for.",
        );
        let refused = Opts::new(
            "countersign_approvals_refused_total",
            "Calls that need an approval and did not pass, by reason.",
        );
        let family = add(registry, IntCounterVec::new(refused, &["reason"])?)?;
        let of = |refusal: Refusal| {
            let counter = family.get_metric_with_label_values(&[refusal.as_str()])?;
            prometheus::Result::Ok((refusal, counter))
        };
        Ok(Self {
            known: add(registry, IntGaugeVec::new(known, &["status"])?)?,
            opened: add(registry, IntCounter::with_opts(opened)?)?,
            spent: add(registry, IntCounter::with_opts(spent)?)?,
            refused: Refusal::ALL.into_iter().map(of).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn event(&self, event: ApprovalEvent) {
        match event {
            ApprovalEvent::Opened => self.opened.inc(),
            ApprovalEvent::Spent => self.spent.inc(),
        }
    }

    pub(super) fn refused(&self, verdict: &Verdict) {
        let refusal = Refusal::of(verdict);
        let found = self.refused.iter().find(|(of, _)| Some(*of) == refusal);
        if let Some((_, counter)) = found {
            counter.inc();
        }
    }

    pub(super) fn known(&self, counts: &[(State, usize)]) {
        for (state, count) in counts {
            let gauge: prometheus::Result<IntGauge> =
                self.known.get_metric_with_label_values(&[state.as_str()]);
            if let Ok(gauge) = gauge {
                gauge.set(i64::try_from(*count).unwrap_or(i64::MAX));
            }
        }
    }
}
