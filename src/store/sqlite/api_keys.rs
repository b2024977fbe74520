//! API keys: a row each, and a count of their changes.

use std::sync::Arc;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::writer::Access;
use crate::model::time::Timestamp;
use crate::store::api_keys::{MAX_API_KEYS, MAX_LIVE};
use crate::store::{ApiKeyRecord, KeysVersion, Put, Revoked, Rotated, StoreError, StoredKeys};

impl Sqlite {
    pub(in crate::store) async fn put_api_key(
        &self,
        record: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        self.ask(Access::WriteThrough, move |connection| {
            put(connection, &record, now)
        })
        .await
    }

    pub(in crate::store) async fn rotate_api_key(
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

    pub(in crate::store) async fn api_keys(&self) -> Result<StoredKeys, StoreError> {
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

    pub(in crate::store) async fn revoke_api_key(
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

    pub(in crate::store) async fn touch_api_keys(
        &self,
        used: Vec<(String, Timestamp)>,
    ) -> Result<(), StoreError> {
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

    pub(in crate::store) async fn version(&self) -> Result<KeysVersion, StoreError> {
        self.ask(Access::Read, |connection| {
            connection
                .prepare_cached(
                    "SELECT state.value, counts.value FROM state, counts
                     WHERE state.name = 'generation' AND counts.name = 'api_keys'",
                )?
                .query_row([], |row| {
                    let generation: String = row.get(0)?;
                    Ok(KeysVersion {
                        place: Arc::from(generation),
                        changes: row.get(1)?,
                    })
                })
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
