//! Using an approval: the last thing that is done for a call.

use std::sync::Arc;
use std::time::Instant;

use super::look::Judged;
use super::{Call, LOOKS, Source, failed, unavailable};
use crate::approval::token::Presented;
use crate::authorizer::snapshot::Snapshot;
use crate::model::approval::{Approval, ApprovalFacts, Vote};
use crate::model::decision::DecisionId;
use crate::model::reason::Reason;
use crate::model::verdict::{Grant, Verdict};
use crate::policy::{IDEMPOTENCY_KEY, IDEMPOTENCY_VARIABLE};
use crate::store::{Spent, UsedUp};
use crate::telemetry::{ApprovalEvent, Metrics};

/// An approval that a call may use, and everything that is needed to use it.
pub(in crate::authorizer) struct Claim<'a> {
    snapshot: &'a Snapshot,
    metrics: &'a Metrics,
    call: Call,
    source: Source,
}

/// A use that counts.
struct Use {
    facts: ApprovalFacts,
    /// What the upstream is told: no other request has the same.
    key: String,
}

impl<'a> Claim<'a> {
    pub(super) const fn new(
        snapshot: &'a Snapshot,
        metrics: &'a Metrics,
        call: Call,
        source: Source,
    ) -> Self {
        Self {
            snapshot,
            metrics,
            call,
            source,
        }
    }

    /// Uses the approval up for a call that is allowed and for which everything else is done. Only a use that counts leaves the
    /// allow; from then on the use is gone, whatever becomes of the request.
    pub(in crate::authorizer) async fn settle(self, verdict: &mut Verdict, decision: &DecisionId) {
        let Verdict::Allow(grant) = verdict else {
            return;
        };
        match self.used(decision).await {
            Ok(used) => {
                self.metrics.approval(ApprovalEvent::Spent);
                used.tell(grant);
            }
            Err(other) => {
                self.metrics.approval_refused(&other);
                *verdict = other;
            }
        }
    }

    /// The use, if it counts and the time is not up.
    async fn used(&self, decision: &DecisionId) -> Result<Use, Verdict> {
        let until = self.call.until;
        let using = async {
            let used = match &self.source {
                Source::Stored(approval) => self.spend(approval, decision).await,
                Source::Signed(presented) => self.consume(presented).await,
            };
            self.unrevoked(used?).await
        };
        match tokio::time::timeout_at(until.into(), using).await {
            Ok(Ok(used)) if Instant::now() < until => Ok(used),
            Ok(Err(other)) => Err(other),
            // It may count or not; nobody hears an allow any more.
            Ok(Ok(_)) | Err(_) => Err(unavailable("the deadline passed while it was used up")),
        }
    }

    /// The use, unless the approval was revoked while the store counted: whoever revoked it was told that it lets nobody pass.
    async fn unrevoked(&self, used: Use) -> Result<Use, Verdict> {
        if !self.snapshot.is_revoked(&used.facts.id) {
            return Ok(used);
        }
        Err(match &self.source {
            Source::Stored(_) => self.snapshot.asked_anew(&self.call, self.metrics).await,
            Source::Signed(_) => {
                let cause = "the approval was revoked while it was used up";
                self.call.denial(Reason::ApprovalInvalid, cause)
            }
        })
    }

    async fn spend(&self, approval: &Arc<Approval>, decision: &DecisionId) -> Result<Use, Verdict> {
        let Self {
            snapshot,
            metrics,
            call,
            source: _,
        } = self;
        let approvals = &snapshot.live.approvals;
        let mut approval = Arc::clone(approval);
        // Somebody who approved may have been revoked while everything else was done.
        if snapshot.judge(call, &approval) != Judged::Usable {
            return Err(snapshot.asked_anew(call, metrics).await);
        }
        for _look in 0..LOOKS {
            // Uses are counted by the rules of today: only the store sees what all replicas do at this moment.
            let uses = call.demand.uses;
            let spent = approvals.spend(&approval, uses, decision, call.now).await;
            match spent.map_err(|error| failed(&error))? {
                Spent::Done(current) => return Ok(Use::of(&current, uses, decision)),
                Spent::Changed(current) if snapshot.judge(call, &current) == Judged::Usable => {
                    approval = current;
                }
                Spent::Changed(_) | Spent::Gone(_) | Spent::Missing => {
                    return Err(snapshot.asked_anew(call, metrics).await);
                }
            }
        }
        Err(unavailable("the approval changed again and again"))
    }

    async fn consume(&self, presented: &Presented) -> Result<Use, Verdict> {
        let approvals = &self.snapshot.live.approvals;
        let consumed = approvals.consume(presented, self.call.now).await;
        match consumed.map_err(|error| failed(&error))? {
            UsedUp::Now => Ok(Use {
                key: presented.id.to_string(),
                facts: ApprovalFacts {
                    id: presented.id.clone(),
                    uses_left: 0,
                    approvers: approvers(&presented.votes),
                },
            }),
            UsedUp::Before => {
                let cause = "the signed approval was used before";
                Err(self.call.denial(Reason::ApprovalInvalid, cause))
            }
            UsedUp::Unknown => {
                let cause = "the signed approval is older than the store, which cannot tell whether it was used: it has to be issued again";
                Err(self.call.denial(Reason::ApprovalInvalid, cause))
            }
            UsedUp::Full => Err(unavailable("there is no room to remember that it is used")),
        }
    }
}

impl Use {
    fn of(approval: &Approval, uses: u32, decision: &DecisionId) -> Self {
        let mut spent = approval.spent.iter();
        let place = spent.position(|it| it.decision == *decision);
        let number = place.map_or(approval.spent.len(), |place| place.saturating_add(1));
        let key = if approval.uses == 1 {
            approval.id.to_string()
        } else {
            format!("{}-{number}", approval.id)
        };
        let facts = ApprovalFacts {
            id: approval.id.clone(),
            uses_left: approval.uses_left_of(uses),
            approvers: approvers(&approval.votes),
        };
        Self { facts, key }
    }

    /// Says in the grant which approval was used, and tells the upstream.
    fn tell(self, grant: &mut Grant) {
        let constraints = &mut grant.constraints;
        constraints.strip.remove(IDEMPOTENCY_KEY);
        constraints.strip.insert(Arc::from(IDEMPOTENCY_VARIABLE));
        let headers = &mut constraints.headers;
        headers.insert(Arc::from(IDEMPOTENCY_KEY), self.key);
        grant.approval = Some(self.facts);
    }
}

fn approvers(votes: &[Vote]) -> Vec<crate::model::party::PartyId> {
    let yes = votes.iter().filter(|vote| vote.approve);
    yes.map(|vote| vote.voter.id.clone()).collect()
}
