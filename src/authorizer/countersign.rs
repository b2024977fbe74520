//! What happens between the rules' word that an approval is all that is missing and the answer: the approval of this very call
//! is looked up or opened, and used up when everything else is done.
//!
//! Nothing of the grant is carried out before the store has said that the use counts. Whatever else it says, or does not say in
//! time, is no allow: the caller is asked to wait for another approval, is denied, or hears that it could not be decided.

use std::sync::Arc;
use std::time::Instant;

use super::examined::Examined;
use super::snapshot::Snapshot;
use crate::approval::{ApprovalError, Approvals, Sought};
use crate::model::approval::{Approval, ApprovalFacts, Requester, State, Status, Ticket};
use crate::model::decision::DecisionId;
use crate::model::party::Parties;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::AccessRequest;
use crate::model::revocation::Target;
use crate::model::time::Timestamp;
use crate::model::verdict::{Denial, Fault, Grant, Verdict};
use crate::policy::{Awaited, Demand, Standing};
use crate::store::{Opened, Spent};
use crate::telemetry::{ApprovalEvent, Metrics};

/// The header that tells the upstream which use of which approval a request is: it can recognise one that comes twice.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The same name as some servers read it.
const IDEMPOTENCY_VARIABLE: &str = "idempotency_key";

/// How often another approval is looked for, or another state of one, before giving up.
const LOOKS: usize = 4;

/// An approval that a call may use, and everything that is needed to use it.
pub(super) struct Claim<'a> {
    snapshot: &'a Snapshot,
    metrics: &'a Metrics,
    call: Call,
    approval: Arc<Approval>,
}

/// A call that needs an approval.
pub(super) struct Call {
    pub(super) sought: Sought,
    pub(super) demand: Demand,
    pub(super) parties: Parties,
    pub(super) now: Timestamp,
    pub(super) until: Instant,
}

/// What an approval is good for.
#[derive(Debug, PartialEq)]
enum Judged {
    /// The call may use it.
    Usable,
    /// It is waited for.
    Waits,
    /// Somebody has said no, not long ago.
    Refused,
    /// It is approved, and today's rules demand more.
    Outdated(String),
    /// It is over.
    Over,
}

impl Snapshot {
    /// Finds out whether the call may pass with an approval, and says so in the verdict; with the claim, the approval is used
    /// later. What is awaited must be of the same call.
    pub(super) async fn countersign<'a>(
        &'a self,
        request: &AccessRequest,
        awaited: Awaited,
        examined: &mut Examined,
        until: Instant,
        metrics: &'a Metrics,
    ) -> Option<Claim<'a>> {
        let Awaited {
            demand,
            matter,
            grant,
        } = awaited;
        let (Some(asked), Some(parties)) = (&examined.asked, examined.parties.clone()) else {
            examined.verdict = unavailable("nothing was asked by anybody");
            return None;
        };
        let proof = examined.credential.as_ref();
        let proof = proof.and_then(|(_, token)| token.bound.clone());
        let sought = Sought {
            matter,
            requester: Requester::of(&parties, proof),
            route: asked.action.route.clone(),
            action: asked.action.id.clone(),
            tier: asked.action.tier,
            resource: asked.resource.clone(),
            policy_version: Arc::clone(&self.version),
        };
        if let Some(fault) = set_already(&grant) {
            examined.verdict = Verdict::Fault(fault);
            return None;
        }
        let call = Call {
            sought,
            demand,
            parties,
            now: request.now,
            until,
        };
        match self.look(&call, metrics).await {
            Ok(approval) => {
                examined.verdict = Verdict::Allow(grant);
                Some(Claim {
                    snapshot: self,
                    metrics,
                    call,
                    approval,
                })
            }
            Err(verdict) => {
                examined.verdict = verdict;
                None
            }
        }
    }

    /// The approval that the call may use, or how it ends without one.
    async fn look(&self, call: &Call, metrics: &Metrics) -> Result<Arc<Approval>, Verdict> {
        let looked = tokio::time::timeout_at(call.until.into(), self.looked(call, metrics)).await;
        let ended = looked.unwrap_or_else(|_elapsed| Err(unavailable("the store was too slow")));
        if let Err(verdict) = &ended {
            metrics.approval_refused(verdict);
        }
        ended
    }

    async fn looked(&self, call: &Call, metrics: &Metrics) -> Result<Arc<Approval>, Verdict> {
        let approvals = &self.live.approvals;
        let mut known = approvals.find(&call.sought.matter.key);
        for _look in 0..LOOKS {
            let approval = match known.take() {
                Some(approval) => approval,
                None => self.opened(call, metrics).await?,
            };
            match self.judge_approval(call, &approval) {
                Judged::Usable => return Ok(approval),
                Judged::Waits => return Err(Verdict::Pending(self.ticket(call, &approval))),
                Judged::Refused => return Err(refused(call)),
                Judged::Over => {}
                Judged::Outdated(why) => {
                    let because = Arc::from(why);
                    let ended = approvals.end(&approval.id, &because, call.now).await;
                    ended.map_err(|error| failed(&error))?;
                }
            }
        }
        Err(unavailable("the approval changed again and again"))
    }

    /// A record of the call in the store: a new one, or the live one that is there.
    async fn opened(&self, call: &Call, metrics: &Metrics) -> Result<Arc<Approval>, Verdict> {
        let Call {
            sought,
            demand,
            now,
            ..
        } = call;
        let limits = self.approvals.limits;
        let opened = self.live.approvals.open(sought, demand, limits, *now).await;
        match opened.map_err(|error| failed(&error))? {
            Opened::New(approval) => {
                metrics.approval(ApprovalEvent::Opened);
                tracing::info!(approval.id = %approval.id, action = %sought.action, "an approval is waited for");
                Ok(approval)
            }
            Opened::Known(approval) => Ok(approval),
            Opened::Denied(_) => Err(refused(call)),
            Opened::TooMany => {
                let cause = "the requester waits for as many approvals as it may";
                Err(Verdict::Deny(
                    denial(call, Reason::ApprovalLimit).because(cause),
                ))
            }
        }
    }

    fn judge_approval(&self, call: &Call, approval: &Approval) -> Judged {
        if approval.key != call.sought.matter.key {
            return Judged::Over;
        }
        match approval.state(call.now) {
            State::Is(Status::Pending) => Judged::Waits,
            State::Is(Status::Approved) => self.judge_approved(call, approval),
            State::Is(Status::Denied) => {
                let again = approval
                    .decided
                    .map(|at| at.plus(self.approvals.limits.cooldown));
                if again.is_some_and(|again| call.now <= again) {
                    Judged::Refused
                } else {
                    Judged::Over
                }
            }
            State::Is(Status::Cancelled | Status::Revoked | Status::Consumed) | State::Expired => {
                Judged::Over
            }
        }
    }

    /// Votes, time and uses are held against today's demand, not against that of the day when it was asked for.
    fn judge_approved(&self, call: &Call, approval: &Approval) -> Judged {
        let Demand { ttl, uses, .. } = &call.demand;
        let outdated = |why: &str| Judged::Outdated(why.to_owned());
        if self.is_revoked(approval) {
            return outdated("it was revoked");
        }
        let in_time = approval.decided.is_some_and(|at| call.now <= at.plus(*ttl));
        if !in_time {
            return outdated("the rules let it be used for a shorter time by now");
        }
        let spent = u32::try_from(approval.spent.len()).unwrap_or(u32::MAX);
        if spent >= *uses {
            return outdated("the rules let it be used less often by now");
        }
        match call.demand.standing(&approval.votes, &call.parties) {
            Standing::Met => Judged::Usable,
            Standing::Missing(what) => {
                Judged::Outdated(format!("the rules demand more by now: {what}"))
            }
        }
    }

    fn is_revoked(&self, approval: &Approval) -> bool {
        let target = Target::Approval(approval.id.clone());
        let entries = self.live.revocations.entries();
        let mut of_it = entries.iter().filter(|entry| entry.target == target);
        of_it.any(|entry| entry.concerns(Some(approval.created)))
    }

    fn ticket(&self, call: &Call, approval: &Approval) -> Ticket {
        Ticket {
            id: Some(approval.id.clone()),
            rule: call.demand.rules.first().cloned(),
            expires: Some(approval.pending_until),
            url: self.approvals.page(&approval.id),
            status_url: self.approvals.status_page(&approval.id),
        }
    }
}

impl Claim<'_> {
    /// Uses the approval up for a call that is allowed and for which everything else is done. Only a use that counts leaves the
    /// allow; from then on the use is gone, whatever becomes of the request.
    pub(super) async fn settle(self, verdict: &mut Verdict, decision: &DecisionId) {
        let Verdict::Allow(grant) = verdict else {
            return;
        };
        match self.spend(decision).await {
            Ok(approval) => used(grant, &approval, decision),
            Err(other) => {
                self.metrics.approval_refused(&other);
                *verdict = other;
            }
        }
    }

    async fn spend(&self, decision: &DecisionId) -> Result<Arc<Approval>, Verdict> {
        let until = self.call.until;
        let spent = tokio::time::timeout_at(until.into(), self.spent(decision)).await;
        match spent {
            Ok(ended) if Instant::now() < until => ended,
            Ok(Err(other)) => Err(other),
            // It may count or not; nobody hears an allow any more.
            Ok(Ok(_)) | Err(_) => Err(unavailable("the deadline passed while it was used up")),
        }
    }

    async fn spent(&self, decision: &DecisionId) -> Result<Arc<Approval>, Verdict> {
        let Self {
            snapshot,
            metrics,
            call,
            approval,
        } = self;
        let approvals: &Approvals = &snapshot.live.approvals;
        let mut approval = Arc::clone(approval);
        for _look in 0..LOOKS {
            let spent = approvals.spend(&approval, decision, call.now).await;
            match spent.map_err(|error| failed(&error))? {
                Spent::Done(current) => {
                    metrics.approval(ApprovalEvent::Spent);
                    return Ok(current);
                }
                Spent::Changed(current)
                    if snapshot.judge_approval(call, &current) == Judged::Usable =>
                {
                    approval = current;
                }
                Spent::Changed(_) | Spent::Gone(_) | Spent::Missing => {
                    return Err(snapshot.asked_anew(call, metrics).await);
                }
            }
        }
        Err(unavailable("the approval changed again and again"))
    }
}

impl Snapshot {
    /// How a call ends whose approval was gone when it was to be used: another one is waited for.
    async fn asked_anew(&self, call: &Call, metrics: &Metrics) -> Verdict {
        match self.looked(call, metrics).await {
            // Somebody has approved another one in between; the next attempt uses it.
            Ok(approval) => Verdict::Pending(self.ticket(call, &approval)),
            Err(verdict) => verdict,
        }
    }
}

/// Says in the grant which approval was used, and tells the upstream.
fn used(grant: &mut Grant, approval: &Approval, decision: &DecisionId) {
    let place = approval
        .spent
        .iter()
        .position(|it| it.decision == *decision);
    let number = place.map_or(approval.spent.len(), |place| place.saturating_add(1));
    let key = if approval.uses == 1 {
        approval.id.to_string()
    } else {
        format!("{}-{number}", approval.id)
    };
    let constraints = &mut grant.constraints;
    constraints.strip.remove(IDEMPOTENCY_KEY);
    constraints.strip.insert(Arc::from(IDEMPOTENCY_VARIABLE));
    constraints.headers.insert(Arc::from(IDEMPOTENCY_KEY), key);
    let yes = approval.votes.iter().filter(|vote| vote.approve);
    grant.approval = Some(ApprovalFacts {
        id: approval.id.clone(),
        uses_left: approval.uses_left(),
        approvers: yes.map(|vote| vote.voter.id.clone()).collect(),
    });
}

/// Two values for one header are a fault, before anything is opened or used.
fn set_already(grant: &Grant) -> Option<Fault> {
    let headers = &grant.constraints.headers;
    let set = headers.contains_key(IDEMPOTENCY_KEY) || headers.contains_key(IDEMPOTENCY_VARIABLE);
    set.then(|| {
        let cause = "a guard sets `idempotency-key`, which an approval sets too";
        Fault::new(FaultCode::ConstraintConflict, cause)
    })
}

fn denial(call: &Call, reason: Reason) -> Denial {
    let denial = Denial::new(reason);
    match call.demand.rules.first() {
        Some(rule) => denial.by(rule),
        None => denial,
    }
}

fn refused(call: &Call) -> Verdict {
    Verdict::Deny(denial(call, Reason::ApprovalDenied).because("an approver has said no"))
}

fn failed(error: &ApprovalError) -> Verdict {
    unavailable(error.to_string())
}

fn unavailable(cause: impl Into<String>) -> Verdict {
    Verdict::Fault(Fault::new(FaultCode::ApprovalUnavailable, cause))
}
