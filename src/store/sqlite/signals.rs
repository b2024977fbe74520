//! Revocations and conditions: a row each, durable before anybody is told.

use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::changes::{Stamp, clock, count, position, stamp, unreadable};
use super::writer::Access;
use crate::model::change::Change;
use crate::model::condition::ConditionSetting;
use crate::model::name::ConditionName;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;
use crate::store::outcome;
use crate::store::record::{read_condition, read_revocation, write_condition, write_revocation};
use crate::store::signals::{MAX_CONDITIONS, MAX_REVOCATIONS};
use crate::store::{Acknowledged, StoreError};

impl Sqlite {
    pub(in crate::store) async fn revoke(
        &self,
        entries: Vec<Revocation>,
    ) -> Result<Acknowledged, StoreError> {
        let done = self.ask(Access::WriteThrough, move |connection| {
            if !has_room(connection, &entries)? {
                return Ok(None);
            }
            for entry in entries {
                merge(connection, entry)?;
            }
            acknowledge(connection, clock(connection)?).map(Some)
        });
        let done = done.await?.ok_or(StoreError::Full("revocations"))?;
        self.changed.send_replace(());
        Ok(done)
    }

    pub(in crate::store) async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        self.ask(Access::Read, |connection| {
            connection
                .prepare_cached(
                    "SELECT record FROM revocations WHERE expires IS NULL OR expires > ?1
                     ORDER BY kind, issuer, value",
                )?
                .query_and_then([clock(connection)?.millis()], |row| {
                    read_revocation(row.get_ref(0)?.as_str()?).map_err(unreadable)
                })?
                .collect()
        })
        .await
    }

    pub(in crate::store) async fn set_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Acknowledged, StoreError> {
        let done = self.ask(Access::WriteThrough, move |connection| {
            let known = condition(connection, &setting.name)?;
            if known.is_none() && conditions(connection)? >= MAX_CONDITIONS {
                return Ok(None);
            }
            put_condition(connection, &setting.after(known.as_ref()))?;
            acknowledge(connection, clock(connection)?).map(Some)
        });
        let done = done.await?.ok_or(StoreError::Full("conditions"))?;
        self.changed.send_replace(());
        Ok(done)
    }

    pub(in crate::store) async fn advance_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Option<Acknowledged>, StoreError> {
        let done = self.ask(Access::WriteThrough, move |connection| {
            let known = condition(connection, &setting.name)?;
            if known.as_ref().is_some_and(|known| known.at > setting.at) {
                return Ok(Some(None));
            }
            if known.is_none() && conditions(connection)? >= MAX_CONDITIONS {
                return Ok(None);
            }
            put_condition(connection, &setting.after(known.as_ref()))?;
            acknowledge(connection, clock(connection)?).map(|done| Some(Some(done)))
        });
        let done = done.await?.ok_or(StoreError::Full("conditions"))?;
        self.changed.send_replace(());
        Ok(done)
    }

    pub(in crate::store) async fn restore(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let restored = self.ask(Access::WriteThrough, move |connection| {
            for change in changes {
                restore(connection, change)?;
            }
            Ok(())
        });
        restored.await?;
        self.changed.send_replace(());
        Ok(())
    }
}

fn acknowledge(connection: &Connection, at: Timestamp) -> rusqlite::Result<Acknowledged> {
    Ok(Acknowledged {
        position: position(connection)?,
        at,
    })
}

fn has_room(connection: &Connection, entries: &[Revocation]) -> rusqlite::Result<bool> {
    let mut needed = count(connection, "revocations")?;
    for entry in entries {
        if revocation(connection, &entry.target)?.is_none() {
            needed += 1;
        }
    }
    Ok(needed <= MAX_REVOCATIONS)
}

/// Merges an entry in; one that adds nothing is no change.
fn merge(connection: &Connection, entry: Revocation) -> rusqlite::Result<()> {
    let known = revocation(connection, &entry.target)?;
    let merged = match known.clone() {
        Some(known) => known.merge(entry),
        None => entry,
    };
    if known.as_ref() == Some(&merged) {
        return Ok(());
    }
    let record = write_revocation(&merged).map_err(unreadable)?;
    let Stamp { seq, at } = stamp(connection)?;
    let (kind, issuer, value) = columns(&merged.target);
    connection
        .prepare_cached(
            "INSERT INTO revocations (kind, issuer, value, expires, seq, changed, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (kind, issuer, value) DO UPDATE SET expires = excluded.expires, seq = excluded.seq,
                changed = excluded.changed, record = excluded.record",
        )?
        .execute(params![
            kind,
            issuer,
            value,
            merged.expires.map(Timestamp::millis),
            seq,
            at.millis(),
            record,
        ])?;
    Ok(())
}

fn revocation(connection: &Connection, target: &Target) -> rusqlite::Result<Option<Revocation>> {
    let (kind, issuer, value) = columns(target);
    let record: Option<String> = connection
        .prepare_cached(
            "SELECT record FROM revocations WHERE kind = ?1 AND issuer = ?2 AND value = ?3",
        )?
        .query_row([kind, issuer, value], |row| row.get(0))
        .optional()?;
    let record = record.as_deref().map(read_revocation).transpose();
    record.map_err(unreadable)
}

/// Kind, provider and value as columns; no provider has an empty name.
fn columns(target: &Target) -> (&str, &str, &str) {
    let issuer = target.issuer().map_or("", |issuer| issuer.as_str());
    (target.kind(), issuer, target.value())
}

fn condition(
    connection: &Connection,
    name: &ConditionName,
) -> rusqlite::Result<Option<ConditionSetting>> {
    let record: Option<String> = connection
        .prepare_cached("SELECT record FROM conditions WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    let record = record.as_deref().map(read_condition).transpose();
    record.map_err(unreadable)
}

fn conditions(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM conditions")?
        .query_row([], |row| row.get(0))
}

fn put_condition(connection: &Connection, setting: &ConditionSetting) -> rusqlite::Result<()> {
    let record = write_condition(setting).map_err(unreadable)?;
    let Stamp { seq, at } = stamp(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO conditions (name, seq, changed, record) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, changed = excluded.changed, record = excluded.record",
        )?
        .execute(params![setting.name.as_str(), seq, at.millis(), record])?;
    Ok(())
}

fn restore(connection: &Connection, change: Change) -> rusqlite::Result<()> {
    match change {
        Change::Revocation(entry) => merge(connection, Revocation::clone(&entry)),
        Change::Condition(setting) => {
            let known = condition(connection, &setting.name)?;
            if known.is_none_or(|known| setting.replaces(&known)) {
                put_condition(connection, &setting)?;
            }
            Ok(())
        }
        Change::Approval(approval) => {
            let Some(known) = super::approvals::find(connection, &approval.id)? else {
                return super::approvals::put(connection, &approval);
            };
            let merged = outcome::reconcile(&known, &approval);
            if merged == known {
                return Ok(());
            }
            super::approvals::put(connection, &merged)
        }
    }
}
