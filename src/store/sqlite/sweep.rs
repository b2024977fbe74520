//! Forgets what has ended: never on the word of a clock that was set, as what is forgotten could bite again when the clock is right.

use std::sync::PoisonError;
use std::time::Instant;

use rusqlite::{Connection, params};

use super::Sqlite;
use super::writer::Access;
use crate::model::time::Timestamp;
use crate::store::StoreError;
use crate::store::approvals::KEPT;

/// Most of each kind that go at once, so that nobody waits for long.
const SWEPT: u32 = 2_000;

impl Sqlite {
    /// Has a look at both clocks, the file's machine's and the monotonic one; forgets what ended long enough ago if the first
    /// can be believed.
    pub(super) async fn sweep(&self, now: Timestamp, at: Instant) -> Result<(), StoreError> {
        let over = self
            .steadiness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .see(now, at);
        let Some(over) = over else {
            return Ok(());
        };
        let forget = move |connection: &Connection| forget(connection, over);
        self.ask(Access::Write, forget).await
    }
}

fn forget(connection: &Connection, over: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM revocations WHERE rowid IN
                (SELECT rowid FROM revocations WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute(params![over.millis(), SWEPT])?;
    connection
        .prepare_cached(
            "DELETE FROM approvals WHERE rowid IN
                (SELECT rowid FROM approvals WHERE until < ?1 ORDER BY until LIMIT ?2)",
        )?
        .execute(params![over.minus(KEPT).millis(), SWEPT])?;
    Ok(())
}
