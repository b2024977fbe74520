//! How decisions end, and how long they take.

use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry};

use crate::model::decision::Spent;
use crate::model::reason::{FaultCode, Reason};
use crate::model::verdict::Verdict;

/// From a cached decision (tens of microseconds) to a wait for somebody else (a second).
const BUCKETS: [f64; 15] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0,
];

/// One histogram for each way to end, found by the code's place in its enum.
#[derive(Debug)]
pub(super) struct Outcomes {
    permitted: Histogram,
    pending: Histogram,
    denied: Vec<Histogram>,
    faults: Vec<Histogram>,
    identity: Histogram,
    policy: Histogram,
}

impl Outcomes {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let decisions = histogram(
            registry,
            "countersign_decision_duration_seconds",
            "Time from a request's arrival to its verdict.",
            &["verdict", "reason"],
        )?;
        let phases = histogram(
            registry,
            "countersign_phase_duration_seconds",
            "Time that a phase of a decision took, for decisions that reached it.",
            &["phase"],
        )?;
        let each = |verdict: &str, codes: &mut dyn Iterator<Item = &'static str>| {
            codes
                .map(|code| decisions.get_metric_with_label_values(&[verdict, code]))
                .collect::<prometheus::Result<Vec<_>>>()
        };
        Ok(Self {
            permitted: decisions.get_metric_with_label_values(&["allow", "permitted"])?,
            pending: decisions
                .get_metric_with_label_values(&["pending", Reason::ApprovalRequired.as_str()])?,
            denied: each(
                "deny",
                &mut Reason::ALL.iter().map(|reason| reason.as_str()),
            )?,
            faults: each(
                "fault",
                &mut FaultCode::ALL.iter().map(|code| code.as_str()),
            )?,
            identity: phases.get_metric_with_label_values(&["identity"])?,
            policy: phases.get_metric_with_label_values(&["policy"])?,
        })
    }

    pub(super) fn record(&self, verdict: &Verdict, spent: &Spent) {
        let Spent {
            total,
            identity,
            policy,
        } = spent;
        let outcome = match verdict {
            Verdict::Allow(_) => Some(&self.permitted),
            Verdict::Deny(denial) => self.denied.get(denial.reason as usize),
            Verdict::Pending(_) => Some(&self.pending),
            Verdict::Fault(fault) => self.faults.get(fault.code as usize),
        };
        if let Some(histogram) = outcome {
            histogram.observe(total.as_secs_f64());
        }
        for (phase, took) in [(&self.identity, identity), (&self.policy, policy)] {
            if !took.is_zero() {
                phase.observe(took.as_secs_f64());
            }
        }
    }
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
    let histogram = HistogramVec::new(options, labels)?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}
