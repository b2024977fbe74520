//! Approvals: opened once a key, changed by compare-and-swap, and used no more often than they can be.

use std::sync::Arc;
use std::time::Duration;

use super::{Store, StoreError};
use crate::model::approval::{Approval, ApprovalId, Place, State, Status};
use crate::model::change::Position;
use crate::model::decision::DecisionId;
use crate::model::party::PartyId;
use crate::model::time::Timestamp;

/// What holds for opening approvals.
#[derive(Clone, Copy, Debug)]
pub struct OpenLimits {
    /// Most that one requester (subject and actor) may wait for. Those that were taken back count until they would have expired.
    pub per_requester: u32,
    /// How long nothing is opened after a no.
    pub cooldown: Duration,
}

/// What became of an attempt to open an approval.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// It is open now.
    New(Arc<Approval>),
    /// One with the same key is pending or approved.
    Known(Arc<Approval>),
    /// One with the same key was denied not long ago.
    Denied(Arc<Approval>),
    /// The requester waits for too many, or has taken too many back.
    TooMany,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Swapped {
    /// It is durable.
    Done(Position),
    /// Somebody else was first; this is how it is now.
    Stale(Arc<Approval>),
    /// There is no such approval.
    Missing,
}

/// What became of a use.
#[derive(Clone, Debug, PartialEq)]
pub enum Spent {
    /// It counts, and is durable.
    Done(Arc<Approval>),
    /// It is another one by now, as a vote or its end came between: look again.
    Changed(Arc<Approval>),
    /// It cannot be used.
    Gone(State),
    /// There is no such approval.
    Missing,
}

/// How long an approval is kept that is over.
pub(super) const KEPT: Duration = Duration::from_hours(30 * 24);

/// Most approvals that are kept, those that are over included. Where there is no room for another, those that are over for longest
/// are forgotten first; a store that is full of live ones refuses.
pub(super) const MAX_APPROVALS: u64 = 100_000;

/// Which approvals are asked for; newest first.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    /// Only these, as written: what has expired is among them. None means all.
    pub status: Option<Status>,
    /// Only those whose subject or actor this is.
    pub requester: Option<PartyId>,
    /// Only those behind this place; nothing has to be there any more.
    pub before: Option<Place>,
    /// At most so many; never more than [`MAX_LISTED`].
    pub limit: usize,
}

/// Most approvals in one answer.
pub const MAX_LISTED: usize = 500;

impl Store {
    /// Opens `new`, unless one with its key is live, was denied within the cool-down, or its requester waits for too many. It
    /// survives the death of the process; a loss of power may forget it, and then it is opened again.
    pub async fn open_approval(
        &self,
        new: Approval,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Result<Opened, StoreError> {
        self.backend.open_approval(new, limits, now).await
    }

    /// Replaces an approval by `next`, if its version is still `expected`; `next` has the version after it. It is durable then.
    pub async fn change_approval(
        &self,
        expected: u64,
        next: Approval,
    ) -> Result<Swapped, StoreError> {
        if next.version != expected.saturating_add(1) {
            return Err(StoreError::Failed(
                "an approval's next version is one more than its last".into(),
            ));
        }
        self.backend.change_approval(expected, next).await
    }

    /// Uses an approval once, if it has as many votes as `votes`, is approved, in time, has uses left, and was used less often than
    /// `uses`. Of all who ask, in whatever process, never more are told [`Spent::Done`] than it has uses, and none once it was used
    /// as often as theirs says. A use is durable before anybody is told, and counts also if nobody can be told any more.
    pub async fn spend_approval(
        &self,
        id: &ApprovalId,
        votes: usize,
        uses: u32,
        by: &DecisionId,
        now: Timestamp,
    ) -> Result<Spent, StoreError> {
        self.backend.spend_approval(id, votes, uses, by, now).await
    }

    /// An approval, as the store has it.
    pub async fn approval(&self, id: &ApprovalId) -> Result<Option<Arc<Approval>>, StoreError> {
        self.backend.approval(id).await
    }

    /// Approvals, newest first, also those that are over.
    pub async fn approvals(
        &self,
        filter: ApprovalFilter,
    ) -> Result<Vec<Arc<Approval>>, StoreError> {
        let limit = filter.limit.min(MAX_LISTED);
        self.backend
            .approvals(ApprovalFilter { limit, ..filter })
            .await
    }
}
