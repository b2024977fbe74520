//! Secrets: made by the first who asks.

use aws_lc_rs::rand;
use rusqlite::{OptionalExtension, params};

use super::Sqlite;
use super::writer::Access;
use crate::store::StoreError;

impl Sqlite {
    pub(in crate::store) async fn secret(&self, name: &str) -> Result<[u8; 32], StoreError> {
        let name = name.to_owned();
        let mut fresh = [0; 32];
        rand::fill(&mut fresh).map_err(|error| StoreError::Failed(error.to_string().into()))?;
        self.ask(Access::WriteThrough, move |connection| {
            let known: Option<[u8; 32]> = connection
                .prepare_cached("SELECT value FROM secrets WHERE name = ?1")?
                .query_row([&name], |row| row.get(0))
                .optional()?;
            if let Some(known) = known {
                return Ok(known);
            }
            connection
                .prepare_cached("INSERT INTO secrets (name, value) VALUES (?1, ?2)")?
                .execute(params![name, fresh])?;
            Ok(fresh)
        })
        .await
    }
}
