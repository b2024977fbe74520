//! API keys: all that is known of each, and of its secret only a digest.

use std::fmt;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::writer::Access;
use super::{Store, StoreError};
use crate::model::time::Timestamp;

/// Most keys that are kept, revoked and expired ones included: every server holds all of them in memory.
const MAX_API_KEYS: u64 = 100_000;

/// Most keys of one identity that work at the same time: one in use, and its successor.
const MAX_LIVE: u64 = 2;

/// An API key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// What the key is found by; it is part of the key and no secret.
    pub id: String,
    /// The provider that it belongs to.
    pub provider: String,
    /// The identity that it stands for.
    pub identity: String,
    /// Who answers for it.
    pub owner: String,
    /// The identity's kind, as rules spell it.
    pub kind: String,
    /// The identity's groups.
    pub groups: Vec<String>,
    /// What the key is good for.
    pub scope: Vec<String>,
    /// Networks that it may be used from, as `address/length`; none means any.
    pub networks: Vec<String>,
    /// A keyed digest of the key.
    pub digest: [u8; 32],
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Why it was revoked.
    pub reason: Option<String>,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether it works at `now`, as far as its lifetime goes.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires > now
    }
}

impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ApiKeyRecord({} of {}/{})",
            self.id, self.provider, self.identity
        )
    }
}

/// The keys of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeys {
    /// Those that can be read, in the order of their ids.
    pub keys: Vec<ApiKeyRecord>,
    /// The ids of those that cannot: somebody else changed the file. They work for nobody.
    pub unreadable: Vec<String>,
}

/// Whether a key was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Stored,
    /// Its id is taken.
    Taken,
    /// Its identity has as many keys that work as it may have.
    TooManyLive,
    /// There is no room for any key.
    Full,
}

/// Whether a key got a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The successor is stored, and the old key ends.
    Stored,
    /// No key with the old id works.
    NotLive,
    /// The successor has no place.
    Refused(Put),
}

/// Whether a key was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It is from now on.
    Now,
    /// It was already, since then.
    Before(Timestamp),
    /// There is no such key.
    Unknown,
}

impl Store {
    /// Adds a key, unless its identity has two that work at `now`.
    pub async fn put_api_key(
        &self,
        record: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        self.ask(Access::WriteThrough, move |connection| {
            put(connection, &record, now)
        })
        .await
    }

    /// Adds the successor of the key `old`, which ends at `ends` or at its own end, whichever comes first. Both or
    /// neither.
    pub async fn rotate_api_key(
        &self,
        old: String,
        ends: Timestamp,
        successor: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        self.ask(Access::WriteThrough, move |connection| {
            let live = "revoked IS NULL AND expires > ?2";
            let found = connection
                .prepare_cached(&format!("SELECT 1 FROM api_keys WHERE id = ?1 AND {live}"))?
                .exists(params![old, now.millis()])?;
            if !found {
                return Ok(Rotated::NotLive);
            }
            match put(connection, &successor, now)? {
                Put::Stored => {}
                refused @ (Put::Taken | Put::TooManyLive | Put::Full) => {
                    return Ok(Rotated::Refused(refused));
                }
            }
            connection
                .prepare_cached("UPDATE api_keys SET expires = min(expires, ?2) WHERE id = ?1")?
                .execute(params![old, ends.millis()])?;
            Ok(Rotated::Stored)
        })
        .await
    }

    /// Every key. One that cannot be read keeps nobody from the others.
    pub async fn api_keys(&self) -> Result<StoredKeys, StoreError> {
        self.ask(Access::Read, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, provider, identity, owner, kind, groups, scope, networks, digest, created, expires,
                        revoked, reason, last_used FROM api_keys ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            let (mut keys, mut unreadable) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next()? {
                match read(row) {
                    Ok(record) => keys.push(record),
                    Err(_unreadable) => unreadable.push(id_of(row)),
                }
            }
            Ok(StoredKeys { keys, unreadable })
        })
        .await
    }

    /// Ends a key for good.
    pub async fn revoke_api_key(
        &self,
        id: &str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Result<Revoked, StoreError> {
        let id = id.to_owned();
        self.ask(Access::WriteThrough, move |connection| {
            let known: Option<Option<i64>> = connection
                .prepare_cached("SELECT revoked FROM api_keys WHERE id = ?1")?
                .query_row([&id], |row| row.get(0))
                .optional()?;
            match known {
                None => Ok(Revoked::Unknown),
                Some(Some(before)) => Ok(Revoked::Before(Timestamp::from_millis(before))),
                Some(None) => {
                    connection
                        .prepare_cached(
                            "UPDATE api_keys SET revoked = ?2, reason = ?3 WHERE id = ?1",
                        )?
                        .execute(params![id, at.millis(), reason])?;
                    Ok(Revoked::Now)
                }
            }
        })
        .await
    }

    /// Notes that keys were used; an earlier moment than the known one changes nothing.
    pub async fn touch_api_keys(&self, used: Vec<(String, Timestamp)>) -> Result<(), StoreError> {
        self.ask(Access::Write, move |connection| {
            let mut touch = connection.prepare_cached(
                "UPDATE api_keys SET last_used = max(coalesce(last_used, ?2), ?2) WHERE id = ?1",
            )?;
            for (id, at) in used {
                touch.execute(params![id, at.millis()])?;
            }
            Ok(())
        })
        .await
    }

    /// A number that is another one whenever API keys were added, rotated or revoked, by whatever process. Their last
    /// use does not count.
    pub async fn version(&self) -> Result<u64, StoreError> {
        self.ask(Access::Read, |connection| {
            connection
                .prepare_cached("SELECT value FROM counts WHERE name = 'api_keys'")?
                .query_row([], |row| row.get(0))
        })
        .await
    }
}

fn put(connection: &Connection, record: &ApiKeyRecord, now: Timestamp) -> rusqlite::Result<Put> {
    let ApiKeyRecord {
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest,
        created,
        expires,
        revoked,
        reason,
        last_used,
    } = record;
    let live: u64 = connection
        .prepare_cached(
            "SELECT count(*) FROM api_keys
             WHERE provider = ?1 AND identity = ?2 AND revoked IS NULL AND expires > ?3",
        )?
        .query_row(params![provider, identity, now.millis()], |row| row.get(0))?;
    if live >= MAX_LIVE {
        return Ok(Put::TooManyLive);
    }
    // Keys are added by people, one at a time: counting them is cheap enough.
    let all: u64 = connection
        .prepare_cached("SELECT count(*) FROM api_keys")?
        .query_row([], |row| row.get(0))?;
    if all >= MAX_API_KEYS {
        return Ok(Put::Full);
    }
    let added = connection
        .prepare_cached(
            "INSERT INTO api_keys (id, provider, identity, owner, kind, groups, scope, networks, digest, created,
                                   expires, revoked, reason, last_used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            id,
            provider,
            identity,
            owner,
            kind,
            list_text(groups),
            list_text(scope),
            list_text(networks),
            digest,
            created.millis(),
            expires.millis(),
            revoked.map(Timestamp::millis),
            reason,
            last_used.map(Timestamp::millis),
        ])?;
    Ok(if added == 0 { Put::Taken } else { Put::Stored })
}

fn list_text(items: &[String]) -> String {
    serde_json::Value::from(items.to_vec()).to_string()
}

fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        let error = FromSqlError::Other(Box::new(error));
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// The id as far as it is text.
fn id_of(row: &Row<'_>) -> String {
    let id = row.get_ref(0).ok().and_then(|id| id.as_bytes().ok());
    String::from_utf8_lossy(id.unwrap_or_default()).into_owned()
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKeyRecord> {
    let moment = |column: usize| row.get(column).map(Timestamp::from_millis);
    let perhaps = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row
            .get::<_, Option<i64>>(column)?
            .map(Timestamp::from_millis))
    };
    Ok(ApiKeyRecord {
        id: row.get(0)?,
        provider: row.get(1)?,
        identity: row.get(2)?,
        owner: row.get(3)?,
        kind: row.get(4)?,
        groups: list(row, 5)?,
        scope: list(row, 6)?,
        networks: list(row, 7)?,
        digest: row.get(8)?,
        created: moment(9)?,
        expires: moment(10)?,
        revoked: perhaps(11)?,
        reason: row.get(12)?,
        last_used: perhaps(13)?,
    })
}
