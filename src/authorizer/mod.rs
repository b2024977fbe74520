//! The order of things: one request, from route to verdict.
//!
//! [`Snapshot::examine`] is the page that reads as the security argument. [`Authorizer`] wraps it with what must
//! happen around every decision: a record's slot is taken before the verdict counts, the record is written, the
//! metrics move, and shadow rules are asked after the answer. Nothing here knows Envoy.

mod countersign;
mod examine;
mod examined;
mod exchange;
mod headers;
mod id;
mod life;
mod live;
mod metadata;
mod parties;
mod revoked;
mod seen;
mod shadow;
mod snapshot;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

pub use examined::{Described, Examined};
pub use headers::Protected;
pub use live::Live;
pub use metadata::Documents;
pub use parties::{JoinError, join};
pub use seen::{Noted, Sighting, Sightings};
pub use shadow::{ShadowJob, ShadowQueue, ShadowWorker};
pub use snapshot::Snapshot;

use crate::audit::{Audit, AuditError, Slot};
use crate::model::decision::{ArgumentFacts, Decision, DecisionId, RequestFacts, Spent};
use crate::model::reason::FaultCode;
use crate::model::request::AccessRequest;
use crate::model::risk::Risk;
use crate::model::route::Tier;
use crate::model::time::Timestamp;
use crate::model::verdict::{Fault, Verdict};
use crate::telemetry::Metrics;

/// Decides requests. Cheap to clone; every clone sees the current snapshot.
#[derive(Clone, Debug)]
pub struct Authorizer {
    snapshot: Arc<ArcSwap<Snapshot>>,
    audit: Audit,
    metrics: Metrics,
    shadow: ShadowQueue,
    seen: Sightings,
}

/// Where a check comes from that is refused unread.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Envoy's id of the request.
    pub request_id: Option<String>,
    /// The Envoy that asks, where it had to say.
    pub gateway: Option<Arc<str>>,
    /// Whether the caller speaks gRPC.
    pub grpc: bool,
}

impl Authorizer {
    /// An authorizer that decides with whatever snapshot `snapshot` holds at the moment of a request.
    pub fn new(
        snapshot: Arc<ArcSwap<Snapshot>>,
        audit: Audit,
        metrics: Metrics,
        shadow: ShadowQueue,
        seen: Sightings,
    ) -> Self {
        Self {
            snapshot,
            audit,
            metrics,
            shadow,
            seen,
        }
    }

    /// The metrics that decisions move, for the edge's own counters.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Decides a canonical request that arrived at `arrival`, and records the decision. One snapshot is seen from start
    /// to end. Whatever is waited for is given up at `until`; a verdict that comes later is not heard, so it is a fault,
    /// and is recorded as that and nothing else. What was a fault already says better what was waited for.
    pub async fn decide(
        &self,
        request: &AccessRequest,
        arrival: Instant,
        until: Instant,
    ) -> Decision {
        let snapshot = self.snapshot.load_full();
        let slot = self.audit.reserve();
        let id = id::new(request.now);
        let recorded = slot.is_ok();
        let examined = self.weigh(&snapshot, request, &id, until, recorded).await;
        let job = self.shadow_job(&snapshot, request, &examined);
        let Examined {
            verdict,
            route,
            rpc,
            document,
            asked,
            risk,
            parties,
            workload,
            credential,
            dpop,
            sighted,
            lifecycle,
            identity,
            policy,
            awaited: _,
            judged: _,
            conditions: _,
            trace: _,
        } = *examined;
        let mut decision = Decision {
            id,
            at: request.now,
            verdict,
            request: Some(RequestFacts::from(request)),
            grpc: request.is_grpc(),
            gateway: request.gateway.as_ref().map(|it| Arc::clone(&it.id)),
            route,
            rpc,
            document,
            action: asked
                .as_ref()
                .map(|asked| (asked.action.id.clone(), asked.action.tier)),
            arguments: asked.and_then(ArgumentFacts::of),
            risk,
            parties,
            credential,
            workload,
            dpop,
            lifecycle,
            policy_version: Arc::clone(&snapshot.version),
            spent: Spent {
                total: arrival.elapsed(),
                identity,
                policy,
            },
        };
        self.record(slot, &mut decision);
        let (raised, workload) = (&decision.lifecycle, decision.workload.as_ref());
        let dropped = self.seen.note(&sighted, workload, raised, request.now);
        self.metrics.sightings_dropped(dropped);
        if let Some(job) = job {
            self.shadow.offer(job, &decision, &self.metrics);
        }
        decision
    }

    /// Examines a request and does everything for its verdict that comes before the record. What it needs an approval for is used
    /// up only if the decision has a place to be `recorded`.
    async fn weigh(
        &self,
        snapshot: &Snapshot,
        request: &AccessRequest,
        id: &DecisionId,
        until: Instant,
        recorded: bool,
    ) -> Box<Examined> {
        let mut examined = snapshot.examine(request, until, None).await;
        let claim = match examined.awaited.take() {
            // In a box of its own: few calls come here, and the others do not carry its weight.
            Some(awaited) => {
                let metrics = &self.metrics;
                let call = snapshot.countersign(request, *awaited, &mut examined, until, metrics);
                Box::pin(call).await
            }
            None => None,
        };
        snapshot.exchange(request, id, &mut examined);
        if let Verdict::Allow(grant) = &mut examined.verdict {
            snapshot.protected.apply(&mut grant.constraints, request);
            headers::strip_credentials(&snapshot.providers, &mut grant.constraints, request);
        }
        snapshot.look_again(request, &mut examined);
        if Instant::now() >= until && !matches!(examined.verdict, Verdict::Fault(_)) {
            let fault = Fault::new(
                FaultCode::DeadlineExceeded,
                "the deadline passed while deciding",
            );
            examined.verdict = Verdict::Fault(fault);
        }
        self.unwritten(&mut examined);
        // Last, because it cannot be undone; a call that would have no record uses nothing up.
        if let Some(claim) = claim.filter(|_| recorded) {
            Box::pin(claim.settle(&mut examined.verdict, id)).await;
            // Somebody may have been revoked while the store counted; the use is gone then.
            snapshot.look_again(request, &mut examined);
        }
        examined
    }

    /// What can do much harm is not let through on a record that is in memory only, and may never be anywhere else.
    fn unwritten(&self, examined: &mut Examined) {
        let tier = examined.asked.as_ref().map(|asked| asked.action.tier);
        let harmful = tier.is_some_and(|tier| tier >= Tier::High);
        if harmful && matches!(examined.verdict, Verdict::Allow(_)) && self.audit.is_failing() {
            let cause = "decision records cannot be written: see whether the audit sink can be";
            examined.verdict = Verdict::Fault(Fault::new(FaultCode::AuditFull, cause));
        }
    }

    /// Records a check that never became a canonical request: ambiguous, overloaded, past its deadline, a panic.
    /// `verdict` must not be an allow; one that is becomes a fault.
    pub fn refuse(
        &self,
        verdict: Verdict,
        at: Timestamp,
        arrival: Instant,
        origin: Origin,
    ) -> Decision {
        let Origin {
            request_id,
            gateway,
            grpc,
        } = origin;
        let verdict = match verdict {
            Verdict::Allow(_) => {
                Verdict::Fault(Fault::new(FaultCode::Internal, "a refusal was an allow"))
            }
            refused @ (Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_)) => refused,
        };
        let request = request_id.map(|id| RequestFacts {
            id: Some(id),
            method: String::new(),
            host: String::new(),
            path: String::new(),
        });
        let mut decision = Decision {
            id: id::new(at),
            at,
            verdict,
            request,
            grpc,
            gateway,
            route: None,
            rpc: None,
            document: None,
            action: None,
            arguments: None,
            risk: None,
            parties: None,
            credential: None,
            workload: None,
            dpop: None,
            lifecycle: Vec::new(),
            policy_version: Arc::clone(&self.snapshot.load().version),
            spent: Spent {
                total: arrival.elapsed(),
                ..Spent::default()
            },
        };
        self.record(self.audit.reserve(), &mut decision);
        decision
    }

    /// Records and counts a decision; one that has no place for its record becomes a fault.
    fn record(&self, slot: Result<Slot<'_>, AuditError>, decision: &mut Decision) {
        match slot {
            Ok(slot) => slot.write(decision),
            Err(full) => {
                let fault = Fault::new(FaultCode::AuditFull, full.to_string());
                decision.verdict = Verdict::Fault(fault);
            }
        }
        self.metrics.record(decision);
    }

    fn shadow_job(
        &self,
        snapshot: &Arc<Snapshot>,
        request: &AccessRequest,
        examined: &Examined,
    ) -> Option<ShadowJob> {
        let asked = examined.asked.as_ref()?;
        if !snapshot.policy.has_shadow(&asked.action) || !self.shadow.is_open() {
            return None;
        }
        let parties = examined.parties.clone()?;
        let token = examined.credential.as_ref();
        let token = token.map(|(_, token)| Arc::clone(token));
        let (asked, workload) = (asked.clone(), examined.workload.clone());
        let risk = examined.risk.as_ref().map_or(0, Risk::score);
        Some(ShadowJob {
            risk,
            conditions: examined.conditions.clone(),
            snapshot: Arc::clone(snapshot),
            request: request.clone(),
            asked,
            parties,
            workload,
            token,
        })
    }
}
