//! Identities that were seen: who used the server, when, and what was warned about them.

use std::collections::BTreeMap;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::writer::Access;
use super::{Store, StoreError};
use crate::model::time::Timestamp;

/// Most identities that are kept. Ids come from tokens, so a careless issuer could make up any number of them.
pub const MAX_SEEN: u64 = 100_000;

/// People who are forgotten together when there is no room: finding them takes a look at every row.
const FORGOTTEN: u64 = MAX_SEEN / 100;

/// An identity that used the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRecord {
    /// The provider that vouches for it.
    pub issuer: String,
    /// Its id there.
    pub id: String,
    /// Its kind, as rules spell it.
    pub kind: String,
    /// Who answers for it, if that is known.
    pub owner: Option<String>,
    /// Whether the registry has ever listed it.
    pub registered: bool,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// What was warned about it, and when last.
    pub warned: BTreeMap<String, Timestamp>,
}

impl Store {
    /// Adds what was seen: a known identity keeps its first moment, gets the later of both last moments, and the kind
    /// that belongs to it; an owner that is not known any more stays. Gives the number of identities that there was no room for.
    pub async fn note_seen(&self, records: Vec<SeenRecord>) -> Result<usize, StoreError> {
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

    /// Every identity that was seen, by issuer and id.
    pub async fn seen(&self) -> Result<Vec<SeenRecord>, StoreError> {
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
        Some(known) => merge(known, record),
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

/// Two sightings of one identity, in whatever order they come.
fn merge(a: SeenRecord, b: SeenRecord) -> SeenRecord {
    let (older, newer) = if a.last_seen <= b.last_seen {
        (a, b)
    } else {
        (b, a)
    };
    let mut warned = older.warned;
    for (what, at) in newer.warned {
        let last = warned.entry(what).or_insert(at);
        *last = at.max(*last);
    }
    SeenRecord {
        first_seen: older.first_seen.min(newer.first_seen),
        owner: newer.owner.or(older.owner),
        registered: older.registered || newer.registered,
        warned,
        ..newer
    }
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
