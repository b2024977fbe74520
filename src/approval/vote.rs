//! Votes: an approval is decided by those who may, while it can be decided, each of them once.

use std::sync::Arc;

use super::open::demand;
use super::{ATTEMPTS, ApprovalError, Approvals};
use crate::model::approval::{Approval, ApprovalId, State, Status, Vote, Voter};
use crate::model::change::Position;
use crate::model::party::Kind;
use crate::model::time::Timestamp;
use crate::policy::{NoVote, Standing};
use crate::store::Swapped;

/// Longest reason, in bytes.
pub const MAX_REASON_BYTES: usize = 1_024;
/// Most votes of one approval: more than any quorum.
const MAX_VOTES: usize = 64;

/// What an approver says.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// Who says it, as it was verified just now.
    pub voter: Voter,
    /// Yes or no.
    pub approve: bool,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// Whether a vote that was given still counts: one of somebody who is revoked does not.
pub type Stand<'a> = &'a (dyn Fn(&Vote) -> bool + Sync);

/// What became of a vote.
#[derive(Clone, Debug, PartialEq)]
pub enum Voted {
    /// It counts, and is durable; this is how the approval is now.
    Done(Arc<Approval>, Position),
    /// The same voter has said the same before.
    Known(Arc<Approval>),
    /// It does not count.
    Refused(VoteRefusal),
    /// There is no such approval.
    Missing,
}

/// Why a vote does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteRefusal {
    /// It is decided already, or nobody waits for it any more.
    #[error("it is {} and cannot be decided any more", .0.as_str())]
    Over(State),
    /// The voter is none of those whose approval is demanded.
    #[error("it needs the approval of others")]
    NotAsked,
    /// The voter asks for it, acts for whoever does, or answers for one of them.
    #[error("nobody approves what they ask for themselves")]
    Own,
    /// The voter has voted, and said something else.
    #[error("you have voted already")]
    Repeated,
    /// Approvers must say why.
    #[error("a reason is required")]
    ReasonRequired,
    /// The reason is too long.
    #[error("a reason has at most {MAX_REASON_BYTES} bytes")]
    ReasonTooLong,
    /// There are more votes than can be kept.
    #[error("it has {MAX_VOTES} votes already")]
    Full,
}

impl VoteRefusal {
    /// A stable word for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Over(_) => "approval_over",
            Self::NotAsked => "not_an_approver",
            Self::Own => "own_approval",
            Self::Repeated => "already_voted",
            Self::ReasonRequired => "reason_required",
            Self::ReasonTooLong => "reason_too_long",
            Self::Full => "too_many_votes",
        }
    }
}

impl Approvals {
    /// Takes a vote. It is durable before it counts, whoever else votes at the same moment. Of those that were given before, the
    /// ones that `stand` count with it.
    pub async fn vote(
        &self,
        id: &ApprovalId,
        ballot: &Ballot,
        stand: Stand<'_>,
        now: Timestamp,
    ) -> Result<Voted, ApprovalError> {
        let store = self.store()?;
        let Some(mut known) = store.approval(id).await? else {
            return Ok(Voted::Missing);
        };
        for _attempt in 0..ATTEMPTS {
            let next = match counted(&known, ballot, stand, now) {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(Voted::Known(known)),
                Err(refusal) => return Ok(Voted::Refused(refusal)),
            };
            match store.change_approval(known.version, next.clone()).await? {
                Swapped::Done(position) => {
                    let approval = Arc::new(next);
                    self.apply(&approval);
                    return Ok(Voted::Done(approval, position));
                }
                Swapped::Stale(current) => known = current,
                Swapped::Missing => return Ok(Voted::Missing),
            }
        }
        Err(ApprovalError::Contended)
    }
}

/// The approval with this vote; none if the voter has said the same before.
pub(super) fn counted(
    approval: &Approval,
    ballot: &Ballot,
    stand: Stand<'_>,
    now: Timestamp,
) -> Result<Option<Approval>, VoteRefusal> {
    let Ballot {
        voter,
        approve,
        reason,
    } = ballot;
    if let Some(vote) = approval.votes.iter().find(|it| it.voter.id == voter.id) {
        return if vote.approve == *approve {
            Ok(None)
        } else {
            Err(VoteRefusal::Repeated)
        };
    }
    may_vote(approval, voter, now)?;
    let said = reason.as_deref().map_or("", str::trim);
    if said.is_empty() && approval.demand.reason_required {
        return Err(VoteRefusal::ReasonRequired);
    }
    if said.len() > MAX_REASON_BYTES {
        return Err(VoteRefusal::ReasonTooLong);
    }
    if approval.votes.len() >= MAX_VOTES {
        return Err(VoteRefusal::Full);
    }
    let mut next = approval.clone();
    next.version = approval.version.saturating_add(1);
    next.votes.push(Vote {
        voter: voter.clone(),
        approve: *approve,
        at: now,
        reason: (!said.is_empty()).then(|| Arc::from(said)),
    });
    decide(&mut next, *approve, stand, now);
    Ok(Some(next))
}

/// A no is final; enough yes make it usable from now on.
fn decide(next: &mut Approval, approve: bool, stand: Stand<'_>, now: Timestamp) {
    if !approve {
        next.status = Status::Denied;
        next.decided = Some(now);
        return;
    }
    let demand = demand(next);
    let votes = next.votes.iter().filter(|vote| stand(vote));
    match demand.standing(votes, &next.requester) {
        Standing::Met => {
            next.status = Status::Approved;
            next.decided = Some(now);
            next.valid_until = Some(now.plus(demand.ttl));
        }
        Standing::Missing(_) => {}
    }
}

/// Whether somebody may vote: whoever asks may not, not even with a no, which would only keep others from deciding.
fn may_vote(approval: &Approval, voter: &Voter, now: Timestamp) -> Result<(), VoteRefusal> {
    match approval.state(now) {
        State::Is(Status::Pending) => {}
        over @ (State::Is(_) | State::Expired) => return Err(VoteRefusal::Over(over)),
    }
    if voter.kind == Kind::Anonymous || voter.id.issuer.is_none() {
        return Err(VoteRefusal::NotAsked);
    }
    let allowed = demand(approval).may_vote(voter, &approval.requester);
    allowed.map_err(|no| match no {
        NoVote::TakesPart => VoteRefusal::Own,
        NoVote::NotAsked => VoteRefusal::NotAsked,
    })
}
