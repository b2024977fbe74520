//! Replay memory: what may be used once is remembered until it could not be used anyway.
//!
//! It is bounded and never forgets a live entry: when it is full of them it says so, and the caller refuses. What
//! expired is removed by those who add, two for one, so that it shrinks faster than it can grow.

use rusqlite::{Connection, OptionalExtension, params};

use super::writer::Access;
use super::{Store, StoreError};
use crate::model::time::Timestamp;

/// Most entries, live and expired: about 100 MB of file. RFC 9449, section 11.1, lets a server bound what it remembers
/// by the lifetime of proofs; at one minute this is above ten thousand proofs a second.
pub const MAX_REPLAY: u64 = 1_000_000;

/// Whether something is used for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// It is, and it is remembered now.
    Fresh,
    /// It was used before.
    Seen,
    /// There is no room to remember it: it must be refused.
    Full,
}

impl Store {
    /// Uses `key` up until the end of `until`. Of all calls with the same key, by whatever process on the same file, one
    /// is told [`Consumed::Fresh`]; the others are not, unless `until` has passed.
    ///
    /// It survives the death of the process, not that of the machine: a loss of power may forget the last moments.
    pub async fn consume(
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
