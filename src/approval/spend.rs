//! Using an approval up: the last thing that is done for a call, and the only thing that the store alone can say.

use std::sync::Arc;

use super::token::Presented;
use super::{ApprovalError, Approvals};
use crate::model::approval::{Approval, ApprovalId};
use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;
use crate::store::{Consumed, Spent};

impl Approvals {
    /// What the store knows of an approval; what is in memory follows it.
    pub async fn fetch(&self, id: &ApprovalId) -> Result<Option<Arc<Approval>>, ApprovalError> {
        let found = self.store()?.approval(id).await?;
        match &found {
            Some(approval) => self.apply(approval),
            None => self.forget(id),
        }
        Ok(found)
    }

    /// Uses a signed approval of another issuer up. It is good once, whatever it says of its uses, for all who share this store.
    pub async fn consume(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Consumed, ApprovalError> {
        let store = self.store()?;
        Ok(store
            .consume(presented.digest, presented.until, now)
            .await?)
    }

    /// Uses `approval` once for a decision, if it stands as it is known here, or is only more used. Never more than its uses are
    /// told [`Spent::Done`], on all replicas together.
    pub async fn spend(
        &self,
        approval: &Approval,
        by: &DecisionId,
        now: Timestamp,
    ) -> Result<Spent, ApprovalError> {
        let store = self.store()?;
        let votes = approval.votes.len();
        let spent = store.spend_approval(&approval.id, votes, by, now).await?;
        match &spent {
            Spent::Done(current) | Spent::Changed(current) => self.apply(current),
            // What is known here is not so any more; the store is asked the next time.
            Spent::Missing | Spent::Gone(_) => self.forget(&approval.id),
        }
        Ok(spent)
    }
}
