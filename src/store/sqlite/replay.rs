//! Replay memory: a row for each thing that was used up, swept by those who add.

use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::writer::Access;
use crate::model::time::Timestamp;
use crate::store::replay::room_for_claims;
use crate::store::{Consumed, OneUse, StoreError, UsedUp};

impl Sqlite {
    pub(in crate::store) async fn consume(
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

    pub(in crate::store) async fn use_up(
        &self,
        it: OneUse,
        now: Timestamp,
    ) -> Result<UsedUp, StoreError> {
        let OneUse { key, issued, until } = it;
        let max = self.max_replay;
        // A loss of power must not bring a use back.
        self.ask(Access::WriteThrough, move |connection| {
            if born(connection)?.is_some_and(|born| issued < born) {
                return Ok(UsedUp::Unknown);
            }
            let consumed = consume(connection, &key, until.millis(), now.millis(), max)?;
            Ok(match consumed {
                Consumed::Fresh => UsedUp::Now,
                Consumed::Seen => UsedUp::Before,
                Consumed::Full => UsedUp::Full,
            })
        })
        .await
    }

    pub(in crate::store) async fn claim(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let max = room_for_claims(self.max_replay);
        self.ask(Access::Write, move |connection| {
            consume(connection, &key, until.millis(), now.millis(), max)
        })
        .await
    }
}

/// When this state began, where it did so with the process; what is in a file is as old as the file says.
fn born(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let born: Option<i64> = connection
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM state WHERE name = 'born'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(born.map(Timestamp::from_millis))
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
