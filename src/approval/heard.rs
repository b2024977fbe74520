//! What the store says of an approval, beside what is known of it here.
//!
//! A store that has lost its last moments says less than it has said before: that an approval can be used which was used up, or
//! which is over. Until that was given back, nothing is decided by what it says.

use std::sync::Arc;

use super::{ApprovalError, Approvals};
use crate::model::approval::{Approval, Status};
use crate::store::StoreError;

impl Approvals {
    /// Takes over what the store has said; an error, if it has lost some of what is known here.
    pub(super) async fn heard(&self, said: Arc<Approval>) -> Result<Arc<Approval>, ApprovalError> {
        let known = self.get(&said.id).filter(|known| lacks(&said, known));
        let said = match known {
            None => said,
            // Others may have changed it while the answer was on its way: then the store knows by now.
            Some(known) => match self.store()?.approval(&known.id).await? {
                Some(again) if !lacks(&again, &known) => again,
                Some(_) | None => return Err(StoreError::Settling.into()),
            },
        };
        self.apply(&said);
        Ok(said)
    }
}

/// Whether what is said lacks something that is known: a change, a use, or the end.
fn lacks(said: &Approval, known: &Approval) -> bool {
    let is_live = |it: &Approval| is_live(it.status);
    said.version < known.version
        || is_live(said) && !is_live(known)
        || known
            .spent
            .iter()
            .any(|spending| !said.spent.contains(spending))
}

/// Whether something may come after it.
pub(super) const fn is_live(status: Status) -> bool {
    match status {
        Status::Pending | Status::Approved => true,
        Status::Denied | Status::Cancelled | Status::Revoked | Status::Consumed => false,
    }
}
