//! What every change has: a number, and the moment of the file's machine. And how rows are read that others may have damaged.

use std::error::Error;

use rusqlite::Connection;
use rusqlite::types::Type;

use crate::model::change::Position;
use crate::model::time::Timestamp;

/// Where and when something is changed.
pub(super) struct Stamp {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
}

/// The number and moment of a change that is being made.
pub(super) fn stamp(connection: &Connection) -> rusqlite::Result<Stamp> {
    let seq = connection
        .prepare_cached(
            "UPDATE counts SET value = value + 1 WHERE name = 'changes' RETURNING value",
        )?
        .query_row([], |row| row.get(0))?;
    let at = clock(connection)?;
    Ok(Stamp { seq, at })
}

/// How far the changes go.
pub(super) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    connection
        .prepare_cached(
            "SELECT state.value, counts.value FROM state, counts
             WHERE state.name = 'generation' AND counts.name = 'changes'",
        )?
        .query_row([], |row| {
            let generation: String = row.get(0)?;
            Ok(Position {
                generation: generation.into(),
                seq: row.get(1)?,
            })
        })
}

/// The clock of the file's machine: the same for every process on the file.
pub(super) fn clock(connection: &Connection) -> rusqlite::Result<Timestamp> {
    connection
        .prepare_cached("SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)")?
        .query_row([], |row| row.get(0).map(Timestamp::from_millis))
}

/// A count that triggers keep.
pub(super) fn count(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT value FROM counts WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
}

/// The error of a record that cannot be read or written.
pub(super) fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
