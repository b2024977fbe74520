//! Approvals: who may pass because somebody else has said so, for exactly one call.
//!
//! What is looked up on a request's path is in memory; the store is asked to open an approval and to use one up, and it alone says
//! that a use is the last.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::approval::{Approval, ApprovalId, ApprovalKey};

/// The approvals that this replica knows. Cheap to clone; every clone is the same memory.
#[derive(Clone, Default)]
pub struct Approvals {
    board: Arc<RwLock<Board>>,
}

#[derive(Default)]
struct Board {
    by_id: HashMap<ApprovalId, Arc<Approval>>,
    by_key: HashMap<ApprovalKey, ApprovalId>,
}

impl Approvals {
    /// Takes a state over, if it is newer than what is known.
    pub fn apply(&self, approval: &Arc<Approval>) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        let known = board.by_id.get(&approval.id);
        if known.is_some_and(|known| known.version >= approval.version) {
            return;
        }
        board.by_key.insert(approval.key, approval.id.clone());
        board
            .by_id
            .insert(approval.id.clone(), Arc::clone(approval));
    }

    /// Forgets one that the store does not have.
    pub fn forget(&self, id: &ApprovalId) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = board.by_id.remove(id)
            && board.by_key.get(&gone.key) == Some(id)
        {
            board.by_key.remove(&gone.key);
        }
    }

    /// What is known of an approval.
    pub fn get(&self, id: &ApprovalId) -> Option<Arc<Approval>> {
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        board.by_id.get(id).cloned()
    }

    /// The newest approval of this key.
    pub fn find(&self, key: &ApprovalKey) -> Option<Arc<Approval>> {
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        board.by_id.get(board.by_key.get(key)?).cloned()
    }

    /// All that is known.
    pub fn entries(&self) -> Vec<Arc<Approval>> {
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        board.by_id.values().cloned().collect()
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Approvals")
    }
}
