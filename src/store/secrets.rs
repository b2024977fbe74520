//! Secrets that countersign makes for itself.

use super::{Store, StoreError};

impl Store {
    /// The secret called `name`: 32 random bytes, made at the first call and the same from then on, for every process on
    /// the same store.
    pub async fn secret(&self, name: &str) -> Result<[u8; 32], StoreError> {
        self.backend.secret(name).await
    }
}
