//! Replay memory: a row for each thing that was used up, swept by those who add.

use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::writer::Access;
use crate::model::time::Timestamp;
use crate::store::{Consumed, StoreError};

impl Sqlite {
    pub(super) async fn consume(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let max = self.max_replay;
        self.ask(Access::Write, move |connection| {
            consume(connection, &key, until.millis(), now.millis(), max)
        })
        .await
    }
}

fn consume(
    connection: &Connection,
    key: &[u8; 32],
    until: i64,
    now: i64,
    max: u64,
) -> rusqlite::Result<Consumed> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT until FROM replay WHERE digest = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    if known.is_some_and(|until| until >= now) {
        return Ok(Consumed::Seen);
    }
    connection
        .prepare_cached(
            "DELETE FROM replay WHERE digest IN
             (SELECT digest FROM replay WHERE until < ?1 ORDER BY until LIMIT 2)",
        )?
        .execute([now])?;
    let entries: u64 = connection
        .prepare_cached("SELECT value FROM counts WHERE name = 'replay'")?
        .query_row([], |row| row.get(0))?;
    if entries >= max {
        return Ok(Consumed::Full);
    }
    connection
        .prepare_cached(
            "INSERT INTO replay (digest, until) VALUES (?1, ?2)
             ON CONFLICT (digest) DO UPDATE SET until = excluded.until",
        )?
        .execute(params![key, until])?;
    Ok(Consumed::Fresh)
}
