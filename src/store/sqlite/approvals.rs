//! Approvals: a row each, with the record as text and beside it what rows are found by.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::Sqlite;
use super::changes::{Stamp, clock, count, position, stamp, unreadable};
use super::writer::Access;
use crate::model::approval::{Approval, ApprovalId, State, Status};
use crate::model::decision::DecisionId;
use crate::model::party::PartyId;
use crate::model::time::Timestamp;
use crate::store::approvals::MAX_APPROVALS;
use crate::store::outcome;
use crate::store::record::{read_approval, write_approval};
use crate::store::{ApprovalFilter, OpenLimits, Opened, Spent, StoreError, Swapped};

impl Sqlite {
    pub(in crate::store) async fn open_approval(
        &self,
        new: Approval,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Result<Opened, StoreError> {
        let opened = self.ask(Access::Write, move |connection| {
            open(connection, new, limits, now)
        });
        let opened = match opened.await? {
            Attempt::Ended(opened) => opened,
            Attempt::Full => return Err(StoreError::Full("approvals")),
            Attempt::Taken => return Err(StoreError::Failed("an approval has this id".into())),
        };
        if matches!(opened, Opened::New(_)) {
            self.changed.send_replace(());
        }
        Ok(opened)
    }

    pub(in crate::store) async fn change_approval(
        &self,
        expected: u64,
        next: Approval,
    ) -> Result<Swapped, StoreError> {
        let swapped = self.ask(Access::WriteThrough, move |connection| {
            let Some(known) = find(connection, &next.id)? else {
                return Ok(Swapped::Missing);
            };
            if known.version != expected {
                return Ok(Swapped::Stale(Arc::new(known)));
            }
            put(connection, &next)?;
            Ok(Swapped::Done(position(connection)?))
        });
        let swapped = swapped.await?;
        self.changed.send_replace(());
        Ok(swapped)
    }

    pub(in crate::store) async fn spend_approval(
        &self,
        id: &ApprovalId,
        votes: usize,
        uses: u32,
        by: &DecisionId,
        now: Timestamp,
    ) -> Result<Spent, StoreError> {
        let (id, by) = (id.clone(), by.clone());
        // A loss of power must not bring a use back.
        let spent = self.ask(Access::WriteThrough, move |connection| {
            let Some(known) = find(connection, &id)? else {
                return Ok(Spent::Missing);
            };
            match outcome::spend(known, votes, uses, &by, now) {
                Ok(next) => {
                    put(connection, &next)?;
                    Ok(Spent::Done(Arc::new(next)))
                }
                Err(refused) => Ok(refused),
            }
        });
        // Nobody who follows is woken: whoever used it knows, and between any two uses the others would read the file and write in
        // it how far they are. They find it when they look the next time.
        spent.await
    }

    pub(in crate::store) async fn approval(
        &self,
        id: &ApprovalId,
    ) -> Result<Option<Arc<Approval>>, StoreError> {
        let id = id.clone();
        self.ask(Access::Read, move |connection| {
            Ok(find(connection, &id)?.map(Arc::new))
        })
        .await
    }

    pub(in crate::store) async fn approvals(
        &self,
        filter: ApprovalFilter,
    ) -> Result<Vec<Arc<Approval>>, StoreError> {
        self.ask(Access::Read, move |connection| list(connection, &filter))
            .await
    }
}

/// How an attempt to open an approval ended.
enum Attempt {
    Ended(Opened),
    /// There is no room.
    Full,
    /// Another one has its id: it must not become this one.
    Taken,
}

fn open(
    connection: &Connection,
    new: Approval,
    limits: OpenLimits,
    now: Timestamp,
) -> rusqlite::Result<Attempt> {
    let OpenLimits {
        per_requester,
        cooldown,
    } = limits;
    if let Some(known) = known(connection, &new, cooldown, now)? {
        return Ok(Attempt::Ended(known));
    }
    if find(connection, &new.id)?.is_some() {
        return Ok(Attempt::Taken);
    }
    let (subject, actor) = requester(&new);
    let waiting: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM approvals
             WHERE subject = ?1 AND actor = ?2 AND status IN ('pending', 'cancelled') AND until >= ?3",
        )?
        .query_row(params![subject, actor, now.millis()], |row| row.get(0))?;
    if waiting >= per_requester {
        return Ok(Attempt::Ended(Opened::TooMany));
    }
    if !make_room(connection, now)? {
        return Ok(Attempt::Full);
    }
    put(connection, &new)?;
    Ok(Attempt::Ended(Opened::New(Arc::new(new))))
}

/// The approval of the same key that keeps another one from being opened.
fn known(
    connection: &Connection,
    new: &Approval,
    cooldown: Duration,
    now: Timestamp,
) -> rusqlite::Result<Option<Opened>> {
    let since = now.minus(cooldown);
    let mut statement = connection.prepare_cached(
        "SELECT record FROM approvals WHERE key = ?1 AND until >= ?2 ORDER BY until DESC",
    )?;
    let mut rows = statement.query(params![new.key.0, since.millis()])?;
    let mut denied = None;
    while let Some(row) = rows.next()? {
        let approval = read_approval(row.get_ref(0)?.as_str()?).map_err(unreadable)?;
        if approval.is_live(now) {
            return Ok(Some(Opened::Known(Arc::new(approval))));
        }
        let refused = approval.state(now) == State::Is(Status::Denied);
        if refused && approval.decided.is_some_and(|at| at > since) {
            denied = Some(Opened::Denied(Arc::new(approval)));
        }
    }
    Ok(denied)
}

/// Where there is no room, forgets two of those that are over for longest, so that they become fewer.
fn make_room(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    if count(connection, "approvals")? < MAX_APPROVALS {
        return Ok(true);
    }
    connection
        .prepare_cached(
            "DELETE FROM approvals WHERE rowid IN
                (SELECT rowid FROM approvals WHERE until < ?1 ORDER BY until LIMIT 2)",
        )?
        .execute([now.millis()])?;
    Ok(count(connection, "approvals")? < MAX_APPROVALS)
}

pub(super) fn find(connection: &Connection, id: &ApprovalId) -> rusqlite::Result<Option<Approval>> {
    let record: Option<String> = connection
        .prepare_cached("SELECT record FROM approvals WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    let record = record.as_deref().map(read_approval).transpose();
    record.map_err(unreadable)
}

/// Writes an approval, whatever there was.
pub(super) fn put(connection: &Connection, approval: &Approval) -> rusqlite::Result<()> {
    let record = write_approval(approval).map_err(unreadable)?;
    let stamp = stamp(connection)?;
    let until = until(approval, clock(connection)?);
    if put_in_place(connection, approval, until, &stamp, &record)? {
        return Ok(());
    }
    let (subject, actor) = requester(approval);
    connection
        .prepare_cached(
            "INSERT INTO approvals (id, key, subject, actor, status, version, created, until, seq, changed, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version,
                until = excluded.until, seq = excluded.seq, changed = excluded.changed, record = excluded.record",
        )?
        .execute(params![
            approval.id.as_str(),
            approval.key.0,
            subject,
            actor,
            approval.status.as_str(),
            approval.version,
            approval.created.millis(),
            until.millis(),
            stamp.seq,
            stamp.at.millis(),
            record,
        ])?;
    Ok(())
}

/// Writes an approval that is found by the same as before, as after a vote or a use; false if there is none. The indexes stay as they
/// are: SQLite writes those of every column that a statement names, whether it changes or not.
fn put_in_place(
    connection: &Connection,
    approval: &Approval,
    until: Timestamp,
    stamp: &Stamp,
    record: &str,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE approvals SET version = ?1, seq = ?2, changed = ?3, record = ?4
             WHERE id = ?5 AND status = ?6 AND until = ?7",
        )?
        .execute(params![
            approval.version,
            stamp.seq,
            stamp.at.millis(),
            record,
            approval.id.as_str(),
            approval.status.as_str(),
            until.millis(),
        ])?;
    Ok(changed > 0)
}

/// Until when it can be decided or used, or since when it cannot. One that was taken back counts for its requester for as long as it
/// could have been waited for: asking and taking back again is no way around the limit.
fn until(approval: &Approval, now: Timestamp) -> Timestamp {
    match approval.status {
        Status::Pending | Status::Cancelled => approval.pending_until,
        Status::Approved => approval.valid_until.unwrap_or(now),
        Status::Denied | Status::Revoked | Status::Consumed => now,
    }
}

/// Subject and actor as columns. An id without an issuer is no other's, as those of the others have a slash.
fn requester(approval: &Approval) -> (String, String) {
    let actor = approval.requester.actor.as_ref();
    (
        approval.requester.subject.id.to_string(),
        actor.map_or_else(String::new, |actor| actor.id.to_string()),
    )
}

fn list(connection: &Connection, filter: &ApprovalFilter) -> rusqlite::Result<Vec<Arc<Approval>>> {
    let ApprovalFilter {
        status,
        requester,
        before,
        limit,
    } = filter;
    connection
        .prepare_cached(
            "SELECT record FROM approvals
             WHERE (:status IS NULL OR status = :status)
                AND (:requester IS NULL OR subject = :requester OR actor = :requester)
                AND (:before IS NULL OR (created, id) < (:created, :before))
             ORDER BY created DESC, id DESC LIMIT :limit",
        )?
        .query_and_then(
            named_params! {
                ":status": status.map(Status::as_str),
                ":requester": requester.as_ref().map(PartyId::to_string),
                ":before": before.as_ref().map(|place| place.id.as_str()),
                ":created": before.as_ref().map(|place| place.created.millis()),
                ":limit": limit,
            },
            |row| {
                let approval = read_approval(row.get_ref(0)?.as_str()?).map_err(unreadable)?;
                Ok(Arc::new(approval))
            },
        )?
        .collect()
}
