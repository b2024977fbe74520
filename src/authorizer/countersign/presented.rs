//! A signed approval that a request presents, instead of the one that is stored.

use super::look::Judged;
use super::{Call, Source, failed, unavailable};
use crate::approval::token::{ApprovalTokens, Presented, Untaken};
use crate::authorizer::snapshot::Snapshot;
use crate::model::reason::Reason;
use crate::model::verdict::Verdict;
use crate::policy::Standing;

impl Snapshot {
    /// What the call may use of what it presents. What is not good is refused: nothing else is looked for in its place.
    pub(super) async fn presented(
        &self,
        call: &Call,
        tokens: &ApprovalTokens,
        token: &str,
    ) -> Result<Source, Verdict> {
        match tokens.present(token, &call.sought, call.now) {
            Ok(presented) if presented.own => self.of_the_store(call, &presented).await,
            Ok(presented) => self.of_another(call, presented),
            Err(Untaken::Invalid(cause)) => Err(invalid(call, cause)),
            Err(Untaken::Unavailable(cause)) => Err(unavailable(cause)),
        }
    }

    /// One of this server's own: the store knows it, also where memory does not know yet that it was approved.
    async fn of_the_store(&self, call: &Call, presented: &Presented) -> Result<Source, Verdict> {
        let approvals = &self.live.approvals;
        if let Some(known) = approvals.get(&presented.id)
            && self.judge(call, &known) == Judged::Usable
        {
            return Ok(Source::Stored(known));
        }
        let fetched = approvals.fetch(&presented.id).await;
        match fetched.map_err(|error| failed(&error))? {
            Some(approval) if self.judge(call, &approval) == Judged::Usable => {
                Ok(Source::Stored(approval))
            }
            Some(_) => Err(invalid(call, "the approval cannot be used any more")),
            None => Err(invalid(call, "the store does not have the approval")),
        }
    }

    /// One of another issuer, whose word counts as far as today's rules are content with it.
    #[expect(
        clippy::result_large_err,
        reason = "the refusal is moved once, and few calls come here"
    )]
    fn of_another(&self, call: &Call, presented: Presented) -> Result<Source, Verdict> {
        if self.is_revoked(&presented.id) {
            return Err(invalid(call, "the approval was revoked"));
        }
        let approved = presented.votes.iter().map(|vote| vote.at).max();
        let in_time = approved.is_some_and(|at| call.now <= at.plus(call.demand.ttl));
        if !in_time {
            return Err(invalid(call, "it was approved too long ago"));
        }
        let votes = self.counting(&presented.votes);
        match call.demand.standing(votes, &call.parties) {
            Standing::Met => Ok(Source::Signed(presented)),
            Standing::Missing(_) => Err(invalid(call, "its approvers do not suffice")),
        }
    }
}

fn invalid(call: &Call, cause: &str) -> Verdict {
    call.denial(Reason::ApprovalInvalid, cause)
}
