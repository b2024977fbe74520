//! Shadow rules: a second, counterfactual evaluation after the answer, which only logs and counts.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::snapshot::Snapshot;
use crate::audit::Audit;
use crate::condition::Values;
use crate::model::decision::Decision;
use crate::model::facts::Facts;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::party::Parties;
use crate::model::request::AccessRequest;
use crate::model::route::Asked;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::Verdict;
use crate::policy::{Call, Mode, Scan};
use crate::telemetry::{Metrics, ShadowEffect};

/// Evaluations that may wait; more are dropped and counted, because no answer depends on them.
const QUEUE: usize = 1024;

/// Everything that a second evaluation needs, owned: the answer has gone out.
#[derive(Debug)]
pub struct ShadowJob {
    /// The workload that called.
    pub workload: Option<SpiffeId>,
    /// What decided.
    pub snapshot: Arc<Snapshot>,
    /// The request.
    pub request: AccessRequest,
    /// What it asked for.
    pub asked: Asked,
    /// Who signed.
    pub parties: Parties,
    /// What the credential allowed.
    pub token: Option<Arc<TokenFacts>>,
    /// The conditions that the rules saw, where they are not those of the snapshot.
    pub conditions: Option<Values>,
    /// The score that the rules saw.
    pub risk: u8,
}

struct Queued {
    job: ShadowJob,
    decision: Decision,
}

/// The sending half; bounded.
#[derive(Clone, Debug)]
pub struct ShadowQueue(mpsc::Sender<Queued>);

/// The receiving half, run by one background task.
pub struct ShadowWorker {
    jobs: mpsc::Receiver<Queued>,
    audit: Audit,
    metrics: Metrics,
}

impl std::fmt::Debug for ShadowWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShadowWorker")
    }
}

impl ShadowQueue {
    /// A queue and the worker that empties it.
    pub fn new(audit: Audit, metrics: Metrics) -> (Self, ShadowWorker) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        (
            Self(sender),
            ShadowWorker {
                jobs,
                audit,
                metrics,
            },
        )
    }

    /// Whether there is room, so that nothing is cloned for a job that would be dropped.
    pub(super) fn is_open(&self) -> bool {
        self.0.capacity() > 0
    }

    pub(super) fn offer(&self, job: ShadowJob, decision: &Decision, metrics: &Metrics) {
        let queued = Queued {
            job,
            decision: decision.clone(),
        };
        if self.0.try_send(queued).is_err() {
            metrics.shadow_dropped();
        }
    }
}

impl ShadowWorker {
    /// Evaluates until `stopped`, and then what is left, or until every queue handle is gone.
    pub async fn run(mut self, stopped: impl Future<Output = ()>) {
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                queued = self.jobs.recv() => match queued {
                    Some(queued) => self.evaluate(&queued),
                    None => return,
                },
                () = &mut stopped => break,
            }
        }
        while let Ok(queued) = self.jobs.try_recv() {
            self.evaluate(&queued);
        }
    }

    fn evaluate(&self, queued: &Queued) {
        let Queued { job, decision } = queued;
        let enforced = &decision.verdict;
        let facts = Facts {
            request: &job.request,
            asked: &job.asked,
            parties: &job.parties,
            party: None,
            workload: job.workload.as_ref().map(SpiffeId::as_str),
            proof: job.token.as_ref().map_or(Proof::None, |token| token.proof),
            conditions: job.conditions.as_ref().unwrap_or(&job.snapshot.conditions),
            risk: job.risk,
        };
        if job.snapshot.policy.check_query(&facts).is_err() {
            // Refused before any rule was asked, so no rule would have changed that.
            return;
        }
        let call = Call {
            facts,
            token: job.token.as_deref(),
        };
        let shadow = job
            .snapshot
            .policy
            .run(&call, Mode::WithShadow, Scan::Indexed, None)
            .unopened();
        if shadow.as_str() == enforced.as_str() && shadow.reason() == enforced.reason() {
            return;
        }
        let effect = match shadow {
            Verdict::Allow(_) => ShadowEffect::WouldAllow,
            Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_) => ShadowEffect::WouldDeny,
        };
        self.metrics.shadow_difference(effect);
        self.audit.shadow(decision, &shadow);
        tracing::info!(
            decision.id = %decision.id,
            enforced = enforced.reason(),
            shadow = shadow.reason(),
            rule = shadow.rule().map(tracing::field::display),
            "shadow rules would have decided differently"
        );
    }
}
