//! What becomes of a record, whichever backend keeps it. Pure: a backend only has to do it atomically.

use std::sync::Arc;

use super::Spent;
use crate::model::approval::{Approval, Spending, State, Status};
use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;

/// The approval after one more use, if it can be used with as many votes and was used less often than `uses`; else what whoever
/// asked is told.
pub(super) fn spend(
    known: Approval,
    votes: usize,
    uses: u32,
    by: &DecisionId,
    now: Timestamp,
) -> Result<Approval, Spent> {
    match known.state(now) {
        State::Is(Status::Approved) => {}
        State::Is(Status::Pending) if known.votes.len() != votes => {
            return Err(Spent::Changed(Arc::new(known)));
        }
        gone @ (State::Is(
            Status::Pending
            | Status::Denied
            | Status::Cancelled
            | Status::Revoked
            | Status::Consumed,
        )
        | State::Expired) => return Err(Spent::Gone(gone)),
    }
    if known.uses_left_of(uses) == 0 {
        return Err(Spent::Gone(State::Is(Status::Consumed)));
    }
    if known.votes.len() != votes {
        return Err(Spent::Changed(Arc::new(known)));
    }
    let mut next = known;
    next.version += 1;
    next.spent.push(Spending {
        decision: by.clone(),
        at: now,
    });
    if next.uses_left() == 0 {
        next.status = Status::Consumed;
    }
    Ok(next)
}

/// One approval of two that go by the same id, after state was lost. Nothing is lowered: it is over if either is, and every use of
/// either counts. Equal to `known` if `other` adds nothing, else with a version that is greater than both.
pub(super) fn reconcile(known: &Approval, other: &Approval) -> Approval {
    let rank = |it: &Approval| (is_over(it.status), it.version, it.spent.len());
    let (first, second) = if rank(other) > rank(known) {
        (other, known)
    } else {
        (known, other)
    };
    let mut merged = first.clone();
    for spending in &second.spent {
        if !merged.spent.contains(spending) {
            merged.spent.push(spending.clone());
        }
    }
    if merged.status == Status::Approved && merged.uses_left() == 0 {
        merged.status = Status::Consumed;
    }
    merged.version = known.version;
    if merged == *known {
        return merged;
    }
    merged.version = other.version;
    if merged != *other || other.version <= known.version {
        merged.version = known.version.max(other.version) + 1;
    }
    merged
}

/// Whether nothing comes after it.
pub(super) const fn is_over(status: Status) -> bool {
    match status {
        Status::Pending | Status::Approved => false,
        Status::Denied | Status::Cancelled | Status::Revoked | Status::Consumed => true,
    }
}
