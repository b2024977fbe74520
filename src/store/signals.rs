//! Revocations and conditions: what somebody says, durable before it is acknowledged.

use super::{Store, StoreError};
use crate::model::change::Position;
use crate::model::condition::ConditionSetting;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;

/// Most revocations that are kept; each replica has all of them in memory.
pub(super) const MAX_REVOCATIONS: u64 = 100_000;

/// Most conditions that are kept.
pub(super) const MAX_CONDITIONS: u64 = 1_000;

/// Something is durable, and every replica that has seen this position enforces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where it stands among all changes.
    pub position: Position,
    /// When, on the store's clock.
    pub at: Timestamp,
}

impl Store {
    /// Merges revocations in, all or none. They are durable then. Those that have expired are forgotten.
    pub async fn revoke(&self, entries: Vec<Revocation>) -> Result<Acknowledged, StoreError> {
        self.backend.revoke(entries).await
    }

    /// Every revocation that has not expired.
    pub async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        self.backend.revocations().await
    }

    /// Sets a condition. It is made later than the last that the store knows, and its version greater.
    pub async fn set_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Acknowledged, StoreError> {
        self.backend.set_condition(setting).await
    }

    /// The same, unless what was said last is so since a later time: then nothing is changed, and the answer is none.
    pub async fn advance_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Option<Acknowledged>, StoreError> {
        self.backend.advance_condition(setting).await
    }
}
