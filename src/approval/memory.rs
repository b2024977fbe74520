//! What is known of approvals: those that are live, and for a while those that are over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::approval::{Approval, ApprovalId, ApprovalKey, Status};
use crate::model::time::Timestamp;

/// Most approvals in memory; beyond it those that are over go first, then the oldest. What is not here is found in the store.
const MAX_KNOWN: usize = 50_000;
/// How many there are before memory is looked through for the first time.
const FEW: usize = 1_024;
/// How long an approval is known after its end: the usual time in which nothing is opened after a no. The store knows it for longer.
const KEPT: Duration = Duration::from_mins(5);

/// What a state is beside what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It is no newer.
    None,
    /// Nothing was known of the approval.
    First,
    /// It is newer.
    Change,
}

/// Approvals by id, and the newest of each key.
#[derive(Default)]
pub(super) struct Board {
    by_id: HashMap<ApprovalId, Arc<Approval>>,
    by_key: HashMap<ApprovalKey, ApprovalId>,
    /// The latest moment that any approval speaks of: a clock that needs none.
    latest: Option<Timestamp>,
    /// How many there may be before memory is looked through again.
    room: usize,
}

impl Board {
    pub(super) fn get(&self, id: &ApprovalId) -> Option<Arc<Approval>> {
        self.by_id.get(id).cloned()
    }

    pub(super) fn find(&self, key: &ApprovalKey) -> Option<Arc<Approval>> {
        self.get(self.by_key.get(key)?)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Arc<Approval>> {
        self.by_id.values()
    }

    /// What it is beside what was known.
    pub(super) fn apply(&mut self, approval: &Arc<Approval>) -> News {
        let known = self.by_id.get(&approval.id);
        let news = known.map_or(News::First, |_| News::Change);
        if known.is_some_and(|known| known.version >= approval.version) {
            return News::None;
        }
        self.latest = self.latest.max(Some(last_moment(approval)));
        let newest = self.find(&approval.key);
        let age = |it: &Approval| (it.created, it.id.clone());
        if newest.is_none_or(|newest| age(&newest) <= age(approval)) {
            self.by_key.insert(approval.key, approval.id.clone());
        }
        self.by_id.insert(approval.id.clone(), Arc::clone(approval));
        if self.by_id.len() > self.room.max(FEW) {
            self.tidy();
        }
        news
    }

    pub(super) fn remove(&mut self, id: &ApprovalId) {
        if let Some(gone) = self.by_id.remove(id)
            && self.by_key.get(&gone.key) == Some(id)
        {
            self.by_key.remove(&gone.key);
        }
    }

    /// Forgets what has been over for long, and what there is no room for.
    fn tidy(&mut self) {
        let before = self.latest.map(|latest| latest.minus(KEPT));
        self.by_id
            .retain(|_, known| before.is_none_or(|before| end(known) >= before));
        if self.by_id.len() > MAX_KNOWN {
            self.evict();
        }
        let Self { by_id, by_key, .. } = self;
        by_key.retain(|_, id| by_id.contains_key(id));
        self.room = self.by_id.len().saturating_mul(2).min(MAX_KNOWN);
    }

    /// Makes room for a tenth, so that this is seldom.
    fn evict(&mut self) {
        let is_live = |it: &Approval| matches!(it.status, Status::Pending | Status::Approved);
        let mut order: Vec<_> = self
            .by_id
            .values()
            .map(|it| (is_live(it), it.created, it.id.clone()))
            .collect();
        order.sort_unstable();
        let surplus = order.len().saturating_sub(MAX_KNOWN - MAX_KNOWN / 10);
        for (_, _, id) in order.into_iter().take(surplus) {
            self.by_id.remove(&id);
        }
    }
}

/// The last moment that is known to have come when an approval looked like this.
fn last_moment(approval: &Approval) -> Timestamp {
    let spent = approval.spent.last().map(|spending| spending.at);
    let moments = [Some(approval.created), approval.decided, spent];
    let last = moments.into_iter().flatten().max();
    last.unwrap_or(approval.created)
}

/// When an approval is over at the latest, or has been.
fn end(approval: &Approval) -> Timestamp {
    match approval.status {
        Status::Pending | Status::Cancelled => approval.pending_until,
        Status::Approved | Status::Revoked => approval.valid_until.unwrap_or(approval.created),
        Status::Denied | Status::Consumed => last_moment(approval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::testing::{at, pending};

    fn changed(approval: &Approval, with: impl FnOnce(&mut Approval)) -> Arc<Approval> {
        let mut next = approval.clone();
        next.version += 1;
        with(&mut next);
        Arc::new(next)
    }

    #[test]
    fn the_newer_state_counts_in_whatever_order_they_come() {
        let first = pending(1, 0);
        let second = changed(&first, |it| it.status = Status::Approved);
        for order in [[&first, &second], [&second, &first]] {
            let mut board = Board::default();
            for approval in order {
                board.apply(approval);
            }
            assert_eq!(board.get(&first.id).unwrap().status, Status::Approved);
        }
    }

    #[test]
    fn the_newest_of_a_key_is_found_in_whatever_order_they_come() {
        let old = pending(1, 0);
        let mut new = Approval::clone(&pending(2, 10));
        new.key = old.key;
        let new = Arc::new(new);
        for order in [[&old, &new], [&new, &old]] {
            let mut board = Board::default();
            for approval in order {
                board.apply(approval);
            }
            assert_eq!(board.find(&old.key).unwrap().id, new.id);
            assert!(board.get(&old.id).is_some(), "the other one is known too");
        }
    }

    #[test]
    fn what_is_over_for_long_is_forgotten_and_what_is_live_is_not() {
        let mut board = Board::default();
        let later = i64::try_from(KEPT.as_secs()).unwrap() + 1_000_000;
        let live = changed(&pending(0, 0), |it| it.pending_until = at(later + 60));
        board.apply(&live);
        for number in 1..u32::try_from(FEW).unwrap() {
            board.apply(&pending(number, 0));
        }
        board.apply(&pending(9_999, later));
        assert_eq!(board.by_id.len(), 2, "the old ones are gone");
        assert_eq!(board.by_key.len(), 2);
        assert!(board.get(&live.id).is_some());
    }

    #[test]
    fn memory_is_bounded_and_those_that_are_over_go_first() {
        let mut board = Board::default();
        for number in 0..=u32::try_from(MAX_KNOWN).unwrap() {
            let approval = pending(number, i64::from(number) / 1_000);
            let over = number % 2 == 0;
            let status = if over {
                Status::Consumed
            } else {
                Status::Pending
            };
            board.apply(&changed(&approval, |it| it.status = status));
        }
        assert!(board.by_id.len() <= MAX_KNOWN);
        let live = board.by_id.values();
        let live = live.filter(|it| it.status == Status::Pending).count();
        assert_eq!(live, MAX_KNOWN / 2, "no live one went");
    }

    #[test]
    fn one_that_is_removed_is_not_found_by_its_key() {
        let mut board = Board::default();
        let approval = pending(1, 0);
        board.apply(&approval);
        board.remove(&approval.id);
        assert!(board.find(&approval.key).is_none());
        assert!(board.by_key.is_empty());
    }
}
