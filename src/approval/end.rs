//! Ends that are not uses: taken back, revoked, or over because somebody left.

use std::sync::Arc;

use super::{ATTEMPTS, ApprovalError, Approvals};
use crate::model::approval::{Approval, ApprovalId, Involved, Place, State, Status};
use crate::model::change::Position;
use crate::model::party::PartyId;
use crate::model::time::Timestamp;
use crate::store::{ApprovalFilter, MAX_LISTED, Swapped};

/// What became of an attempt to end an approval.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It is over, and that is durable.
    Done(Arc<Approval>, Position),
    /// It was over before.
    Over(State),
    /// There is no such approval.
    Missing,
}

/// Who has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaver {
    /// An identity.
    Identity(PartyId),
    /// Whoever answers for identities, and so all of these.
    Owner(Arc<str>),
}

/// What became of the approvals of somebody who left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offboarded {
    /// Those that are over now.
    pub ended: Vec<ApprovalId>,
    /// Where the last of these changes stands.
    pub position: Option<Position>,
}

impl Approvals {
    /// Ends an approval: one that is waited for is cancelled, one that could be used is revoked.
    pub async fn end(
        &self,
        id: &ApprovalId,
        because: &Arc<str>,
        now: Timestamp,
    ) -> Result<Ended, ApprovalError> {
        self.end_if(id, because, now, true).await
    }

    /// Takes back an approval that is waited for; one that is decided stays as it is.
    pub async fn cancel(
        &self,
        id: &ApprovalId,
        because: &Arc<str>,
        now: Timestamp,
    ) -> Result<Ended, ApprovalError> {
        self.end_if(id, because, now, false).await
    }

    async fn end_if(
        &self,
        id: &ApprovalId,
        because: &Arc<str>,
        now: Timestamp,
        approved_too: bool,
    ) -> Result<Ended, ApprovalError> {
        let store = self.store()?;
        let Some(mut known) = store.approval(id).await? else {
            return Ok(Ended::Missing);
        };
        for _attempt in 0..ATTEMPTS {
            let status = match known.state(now) {
                State::Is(Status::Pending) => Status::Cancelled,
                State::Is(Status::Approved) if approved_too => Status::Revoked,
                over @ (State::Is(_) | State::Expired) => return Ok(Ended::Over(over)),
            };
            let mut next = Approval::clone(&known);
            next.version = known.version.saturating_add(1);
            next.status = status;
            next.ended_because = Some(Arc::clone(because));
            match store.change_approval(known.version, next.clone()).await? {
                Swapped::Done(position) => {
                    let approval = Arc::new(next);
                    self.apply(&approval);
                    return Ok(Ended::Done(approval, position));
                }
                Swapped::Stale(current) => known = current,
                Swapped::Missing => return Ok(Ended::Missing),
            }
        }
        Err(ApprovalError::Contended)
    }

    /// Ends every live approval that somebody who left asked for, acted in, or voted for. Whoever calls it has made sure before
    /// that the leaver can neither ask nor vote any more.
    pub async fn end_of_party(
        &self,
        leaver: &Leaver,
        because: &Arc<str>,
        now: Timestamp,
    ) -> Result<Offboarded, ApprovalError> {
        let mut done = Offboarded::default();
        // Those that wait first: none of them becomes an approved one behind our back without being seen there.
        for status in [Status::Pending, Status::Approved] {
            let mut before = None;
            loop {
                let page = self.page(status, before).await?;
                for approval in page.iter().filter(|it| leaver.is_part_of(it)) {
                    match self.end(&approval.id, because, now).await? {
                        Ended::Done(approval, position) => {
                            done.ended.push(approval.id.clone());
                            done.position = Some(position);
                        }
                        Ended::Over(_) | Ended::Missing => {}
                    }
                }
                match page.last() {
                    Some(last) if page.len() == MAX_LISTED => before = Some(last.place()),
                    Some(_) | None => break,
                }
            }
        }
        Ok(done)
    }

    async fn page(
        &self,
        status: Status,
        before: Option<Place>,
    ) -> Result<Vec<Arc<Approval>>, ApprovalError> {
        let filter = ApprovalFilter {
            status: Some(status),
            requester: None,
            before,
            limit: MAX_LISTED,
        };
        Ok(self.store()?.approvals(filter).await?)
    }
}

impl Leaver {
    /// Whether the leaver asks for an approval, acts in it, or has voted for it.
    fn is_part_of(&self, approval: &Approval) -> bool {
        let requester = &approval.requester;
        let mut involved = std::iter::once(&requester.subject).chain(&requester.actor);
        let mut votes = approval.votes.iter().map(|vote| &vote.voter);
        match self {
            Self::Identity(id) => {
                involved.any(|it| it.id == *id)
                    || votes.any(|it| it.id == *id || it.actor.as_ref() == Some(id))
            }
            Self::Owner(owner) => {
                let theirs = |of: &Option<Arc<str>>| of.as_deref() == Some(&**owner);
                involved.any(|Involved { owner, .. }| theirs(owner))
                    || votes.any(|it| theirs(&it.owner))
            }
        }
    }
}
