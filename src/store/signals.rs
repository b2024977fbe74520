//! Revocations and conditions: what somebody says, durable before it is acknowledged.

use super::{Store, StoreError};
use crate::model::change::Position;
use crate::model::condition::ConditionSetting;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;

/// Something is durable, and every replica that has seen this position enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where it stands among all changes.
    pub position: Position,
    /// When, on the store's clock.
    pub at: Timestamp,
}

impl Store {
    /// Merges revocations in.
    pub async fn revoke(&self, entries: Vec<Revocation>) -> Result<Acknowledged, StoreError> {
        let _later = entries;
        Err(StoreError::Stopped)
    }

    /// Every revocation that has not expired.
    pub async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        Err(StoreError::Stopped)
    }

    /// Sets a condition; its version is made here: one more than the last.
    pub async fn set_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Acknowledged, StoreError> {
        let _later = setting;
        Err(StoreError::Stopped)
    }
}
