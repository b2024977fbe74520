//! The approval of a call: known, or opened now.

use std::sync::Arc;

use super::{Call, LOOKS, failed, unavailable};
use crate::authorizer::snapshot::Snapshot;
use crate::model::approval::{Approval, ApprovalId, State, Status, Ticket, Vote};
use crate::model::reason::Reason;
use crate::model::verdict::Verdict;
use crate::policy::{Demand, Standing};
use crate::revocation::Name;
use crate::store::Opened;
use crate::telemetry::{ApprovalEvent, Metrics};

/// What an approval is good for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
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
    /// The approval that the call may use, or how it ends without one.
    pub(super) async fn look(
        &self,
        call: &Call,
        metrics: &Metrics,
    ) -> Result<Arc<Approval>, Verdict> {
        let approvals = &self.live.approvals;
        let mut known = approvals.find(&call.sought.matter.key);
        for _look in 0..LOOKS {
            let approval = match known.take() {
                Some(approval) => approval,
                None => self.opened(call, metrics).await?,
            };
            match self.judge(call, &approval) {
                Judged::Usable => return Ok(approval),
                Judged::Waits => return Err(Verdict::Pending(self.ticket(call, &approval))),
                Judged::Refused => return Err(call.refused()),
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

    /// How a call ends whose approval was gone when it was to be used: another one is waited for.
    pub(super) async fn asked_anew(&self, call: &Call, metrics: &Metrics) -> Verdict {
        match self.look(call, metrics).await {
            // Somebody has approved another one in between; the next attempt uses it.
            Ok(approval) => Verdict::Pending(self.ticket(call, &approval)),
            Err(verdict) => verdict,
        }
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
            Opened::Denied(_) => Err(call.refused()),
            Opened::TooMany => {
                let cause = "the requester waits for as many approvals as it may, those counted that were taken back lately";
                Err(call.denial(Reason::ApprovalLimit, cause))
            }
        }
    }

    pub(super) fn judge(&self, call: &Call, approval: &Approval) -> Judged {
        if approval.key != call.sought.matter.key {
            return Judged::Over;
        }
        match approval.state(call.now) {
            State::Is(Status::Pending) => Judged::Waits,
            State::Is(Status::Approved) => self.judge_approved(call, approval),
            State::Is(Status::Denied) => {
                let cooldown = self.approvals.limits.cooldown;
                let again = approval.decided.map(|at| at.plus(cooldown));
                if again.is_some_and(|again| call.now < again) {
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
        if self.is_revoked(&approval.id) {
            return outdated("it was revoked");
        }
        let in_time = approval.decided.is_some_and(|at| call.now <= at.plus(*ttl));
        if !in_time {
            return outdated("the rules let it be used for a shorter time by now");
        }
        if approval.uses_left_of(*uses) == 0 {
            return outdated("the rules let it be used less often by now");
        }
        match call
            .demand
            .standing(self.counting(&approval.votes), &call.parties)
        {
            Standing::Met => Judged::Usable,
            Standing::Missing(what) => Judged::Outdated(self.too_little(&approval.votes, &what)),
        }
    }

    /// Why votes that sufficed do not any more.
    fn too_little(&self, votes: &[Vote], missing: &str) -> String {
        if votes.iter().all(|vote| self.stands(vote)) {
            format!("the rules demand more by now: {missing}")
        } else {
            format!("somebody who approved is revoked: {missing}")
        }
    }

    pub(super) fn is_revoked(&self, id: &ApprovalId) -> bool {
        self.live.revocations.names(&Name::Approval(id))
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

impl Call {
    fn refused(&self) -> Verdict {
        self.denial(Reason::ApprovalDenied, "an approver has said no")
    }
}
