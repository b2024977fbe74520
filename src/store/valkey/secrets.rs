//! Secrets that countersign makes for itself: the first one that is put there counts.

use aws_lc_rs::rand;
use redis::cmd;

use super::Valkey;
use super::keys::Single;
use super::reply::strange;
use super::swap::{Swap, TRIES};
use crate::store::StoreError;

impl Valkey {
    pub(in crate::store) async fn secret(&self, name: &str) -> Result<[u8; 32], StoreError> {
        let key = self.connector.keys.of(Single::Secrets);
        let mut fresh = [0; 32];
        rand::fill(&mut fresh).map_err(|error| StoreError::Failed(error.to_string().into()))?;
        for _ in 0..TRIES {
            let known: Option<Vec<u8>> = self.link.ask(cmd("HGET").arg(&key).arg(name)).await?;
            if let Some(known) = known {
                let known = <[u8; 32]>::try_from(known).map_err(strange)?;
                self.memory.secret(name, known);
                return Ok(known);
            }
            let mut swap = Swap::new();
            swap.replace(&key, name, None, &fresh);
            let _done = swap.run(self.confirmed(), &self.connector.keys).await?;
        }
        Err(StoreError::Busy)
    }
}
