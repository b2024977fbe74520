//! Using an approval up: the last thing that is done for a call, and the only thing that the store alone can say.

use std::sync::Arc;

use super::token::Presented;
use super::{ApprovalError, Approvals};
use crate::model::approval::{Approval, ApprovalId};
use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;
use crate::store::{OneUse, Spent, UsedUp};

impl Approvals {
    /// What the store knows of an approval; what is in memory follows it, unless the store has lost some of that.
    pub async fn fetch(&self, id: &ApprovalId) -> Result<Option<Arc<Approval>>, ApprovalError> {
        let found = self.store()?.approval(id).await?;
        let Some(approval) = found else {
            self.forget(id);
            return Ok(None);
        };
        Ok(Some(self.heard(approval).await?))
    }

    /// Uses a signed approval of another issuer up. It is good once, whatever it says of its uses, for all who share this store.
    pub async fn consume(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<UsedUp, ApprovalError> {
        let it = OneUse {
            key: presented.digest,
            issued: presented.issued,
            until: presented.until,
        };
        Ok(self.store()?.use_up(it, now).await?)
    }

    /// Uses `approval` once for a decision, if it stands as it is known here, or is only more used, and the rules of today allow
    /// more `uses` than it had. Never more than its uses are told [`Spent::Done`], on all replicas together.
    pub async fn spend(
        &self,
        approval: &Approval,
        uses: u32,
        by: &DecisionId,
        now: Timestamp,
    ) -> Result<Spent, ApprovalError> {
        let store = self.store()?;
        let votes = approval.votes.len();
        let spent = store.spend_approval(&approval.id, votes, uses, by, now);
        Ok(match spent.await? {
            Spent::Done(current) => {
                self.apply(&current);
                Spent::Done(current)
            }
            Spent::Changed(current) => Spent::Changed(self.heard(current).await?),
            // What is known here is not so any more; the store is asked the next time.
            gone @ (Spent::Missing | Spent::Gone(_)) => {
                self.forget(&approval.id);
                gone
            }
        })
    }
}
