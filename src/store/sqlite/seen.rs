//! Identities that were seen: a row each, and their number.

use std::collections::BTreeMap;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::writer::Access;
use crate::model::time::Timestamp;
use crate::store::{MAX_SEEN, SeenRecord, StoreError};

/// People who are forgotten together when there is no room: finding them takes a look at every row.
const FORGOTTEN: u64 = MAX_SEEN / 100;

impl Sqlite {
    pub(in crate::store) async fn note_seen(
        &self,
        records: Vec<SeenRecord>,
    ) -> Result<usize, StoreError> {
        self.ask(Access::Write, move |connection| {
            let mut dropped = 0;
            for record in records {
                if !note(connection, record)? {
                    dropped += 1;
                }
            }
            Ok(dropped)
        })
        .await
    }

    pub(in crate::store) async fn seen(&self) -> Result<Vec<SeenRecord>, StoreError> {
        self.ask(Access::Read, |connection| {
            connection
                .prepare_cached(&format!("{SELECT} ORDER BY issuer, id"))?
                .query_map([], read)?
                .collect()
        })
        .await
    }
}

const SELECT: &str =
    "SELECT issuer, id, kind, owner, registered, first_seen, last_seen, warned FROM seen";

fn note(connection: &Connection, record: SeenRecord) -> rusqlite::Result<bool> {
    let known = connection
        .prepare_cached(&format!("{SELECT} WHERE issuer = ?1 AND id = ?2"))?
        .query_row([&record.issuer, &record.id], read)
        .optional()?;
    if known.is_none() && count(connection)? >= MAX_SEEN {
        make_room(connection)?;
        if count(connection)? >= MAX_SEEN {
            return Ok(false);
        }
    }
    let merged = match known {
        Some(known) => known.merge(record),
        None => record,
    };
    let SeenRecord {
        issuer,
        id,
        kind,
        owner,
        registered,
        first_seen,
        last_seen,
        warned,
    } = merged;
    connection
        .prepare_cached(
            "INSERT INTO seen (issuer, id, kind, owner, registered, first_seen, last_seen, warned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (issuer, id) DO UPDATE SET kind = excluded.kind, owner = excluded.owner,
                 registered = excluded.registered, first_seen = excluded.first_seen, last_seen = excluded.last_seen, warned = excluded.warned",
        )?
        .execute(params![
            issuer,
            id,
            kind,
            owner,
            registered,
            first_seen.millis(),
            last_seen.millis(),
            warned_text(&warned),
        ])?;
    Ok(true)
}

/// Forgets the people who were not seen for longest: an organisation has a directory of those. What is not human is never
/// forgotten, because nobody else may know of it.
fn make_room(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM seen WHERE (issuer, id) IN
                (SELECT issuer, id FROM seen WHERE kind = 'human' ORDER BY last_seen LIMIT ?1)",
        )?
        .execute([FORGOTTEN])?;
    Ok(())
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT value FROM counts WHERE name = 'seen'")?
        .query_row([], |row| row.get(0))
}

fn warned_text(warned: &BTreeMap<String, Timestamp>) -> String {
    let object = warned
        .iter()
        .map(|(what, at)| (what.clone(), serde_json::Value::from(at.millis())));
    serde_json::Value::Object(object.collect()).to_string()
}

fn read(row: &Row<'_>) -> rusqlite::Result<SeenRecord> {
    let warned: String = row.get(7)?;
    let warned: BTreeMap<String, i64> = serde_json::from_str(&warned).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            7,
            Type::Text,
            Box::new(FromSqlError::Other(Box::new(error))),
        )
    })?;
    Ok(SeenRecord {
        issuer: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        owner: row.get(3)?,
        registered: row.get(4)?,
        first_seen: Timestamp::from_millis(row.get(5)?),
        last_seen: Timestamp::from_millis(row.get(6)?),
        warned: warned
            .into_iter()
            .map(|(what, at)| (what, Timestamp::from_millis(at)))
            .collect(),
    })
}
