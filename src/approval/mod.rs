//! Approvals: who may pass because somebody else has said so, for exactly one call.
//!
//! An approval is opened by the first attempt of a call and found again by its key, never by what a client asserts. It is decided
//! by votes of approvers who fit what was demanded when it was opened, none of whom asks, acts or answers for one who does; when it
//! is used, the votes are held against what is demanded then. What is looked up on a request's path is in memory; the store is
//! asked to open an approval and to use one up, and it alone says that a use counts. Whatever cannot be done is an error, and no
//! error lets anybody pass.

mod end;
mod heard;
mod memory;
mod notify;
mod open;
mod settings;
mod sign_in;
mod spec;
mod spend;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod token;
mod vote;

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

pub use end::{Ended, Leaver, Offboarded};
pub use memory::News;
pub use notify::{Event, Notify, NotifySpec, since};
pub use open::Sought;
pub use settings::ApprovalSettings;
pub use sign_in::SignInSpec;
pub use spec::ApprovalsSpec;
pub use vote::{Ballot, MAX_REASON_BYTES, Stand, VoteRefusal, Voted};

use crate::keys::RandomError;
use crate::model::approval::{Approval, ApprovalId, ApprovalKey, State, Status};
use crate::model::time::Timestamp;
use crate::store::{Store, StoreError};
use heard::is_live;
use memory::Board;

/// How often a change is tried again that somebody else came before.
const ATTEMPTS: usize = 8;

/// Hears of a change.
type Listener = Box<dyn Fn(&Arc<Approval>, News) + Send + Sync>;

/// The approvals that this replica knows, and the way to change them. Cheap to clone; every clone is the same memory.
#[derive(Clone, Default)]
pub struct Approvals {
    board: Arc<RwLock<Board>>,
    /// Who hears of every change.
    listener: Arc<OnceLock<Listener>>,
    /// None where no server runs: nothing is opened, decided or used there.
    store: Option<Store>,
}

/// Why something could not be done about an approval. None of them lets anybody pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// There is nothing to keep approvals in.
    #[error("there is no store for approvals")]
    NoStore,
    /// The store says no, or nothing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No id could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Others changed it again and again.
    #[error("the approval is changed by others at the same moment")]
    Contended,
}

impl Approvals {
    /// Approvals that are kept in `store`; what is in memory comes from there.
    pub fn kept_in(store: Store) -> Self {
        Self {
            board: Arc::default(),
            listener: Arc::default(),
            store: Some(store),
        }
    }

    /// Takes a state over, if it is newer than what is known.
    pub fn apply(&self, approval: &Arc<Approval>) {
        let news = {
            let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
            board.apply(approval)
        };
        if let (News::First | News::Change, Some(listener)) = (news, self.listener.get()) {
            listener(approval, news);
        }
    }

    /// Calls `listener` with every change from now on; it must not wait. There is one; later ones are not called.
    pub fn listen(&self, listener: impl Fn(&Arc<Approval>, News) + Send + Sync + 'static) {
        let _first = self.listener.set(Box::new(listener));
    }

    /// What is known of an approval.
    pub fn get(&self, id: &ApprovalId) -> Option<Arc<Approval>> {
        self.read(|board| board.get(id))
    }

    /// The newest approval of this key.
    pub fn find(&self, key: &ApprovalKey) -> Option<Arc<Approval>> {
        self.read(|board| board.find(key))
    }

    /// All that is known.
    pub fn entries(&self) -> Vec<Arc<Approval>> {
        self.read(|board| board.each().cloned().collect())
    }

    /// How many are known of each state at `now`; those that are over are forgotten in time.
    pub fn counts(&self, now: Timestamp) -> Vec<(State, usize)> {
        let states = Status::ALL.into_iter().map(State::Is);
        let mut counts: Vec<_> = states.chain([State::Expired]).map(|it| (it, 0)).collect();
        self.read(|board| {
            for state in board.each().map(|approval| approval.state(now)) {
                if let Some((_, count)) = counts.iter_mut().find(|(of, _)| *of == state) {
                    *count += 1;
                }
            }
        });
        counts
    }

    /// Forgets one that is live as far as is known here, and that the store does not have. What is over stays known: the store may
    /// have lost its end, and is given it back from here.
    pub fn forget(&self, id: &ApprovalId) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        if board.get(id).is_some_and(|known| is_live(known.status)) {
            board.remove(id);
        }
    }

    fn read<T>(&self, with: impl FnOnce(&Board) -> T) -> T {
        with(&self.board.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self) -> Result<&Store, ApprovalError> {
        self.store.as_ref().ok_or(ApprovalError::NoStore)
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Approvals")
    }
}
