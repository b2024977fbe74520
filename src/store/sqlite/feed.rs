//! Following: rows whose number is greater than the last that was read. A write that takes place proves that the file can still be
//! written to, so that nobody else can have been told of something that is not in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, params};
use tokio::sync::watch;
use tokio::time::sleep;

use super::Sqlite;
use super::changes::{clock, position, unreadable};
use super::writer::Access;
use crate::model::change::{Change, Position};
use crate::model::time::Timestamp;
use crate::store::backend::{Answer, Follow};
use crate::store::feed::{HEARTBEAT, RECENT};
use crate::store::record::{RecordError, read_approval, read_condition, read_revocation};
use crate::store::{Batch, Loss, ReplicaReport, StoreError};

/// How often another process's changes are looked for; those of this process wake everybody.
const POLL: Duration = Duration::from_millis(50);

/// Most changes that are read at once, so that nobody else waits for long.
const PAGE: usize = 512;

/// Most replicas that are remembered.
const MAX_REPLICAS: u32 = 1000;

/// One reader of a file.
#[derive(Debug)]
pub(in crate::store) struct Following {
    sqlite: Sqlite,
    woken: watch::Receiver<()>,
    /// How far it has read; none before the first batch.
    seen: Option<Position>,
    /// When the last read began that was a heartbeat and complete.
    proven: Instant,
    /// When the last heartbeat began.
    beaten: Instant,
    /// Whether the last page was full.
    more: bool,
}

/// A part of what changed, as text: reading it is not the thread's work.
struct Page {
    position: Position,
    rows: Vec<Raw>,
    full: bool,
}

struct Raw {
    seq: u64,
    changed: Timestamp,
    table: String,
    record: String,
}

impl Sqlite {
    pub(in crate::store) fn follow(&self) -> Following {
        let now = Instant::now();
        Following {
            sqlite: self.clone(),
            woken: self.changed.subscribe(),
            seen: None,
            proven: now,
            beaten: now,
            more: false,
        }
    }

    pub(in crate::store) async fn report(&self, replica: ReplicaReport) -> Result<(), StoreError> {
        let silence = self.heard;
        let heard = self.ask(Access::Write, move |connection| {
            let now = clock(connection)?;
            connection
                .prepare_cached(
                    "DELETE FROM replicas WHERE heard < ?1 OR (SELECT count(*) FROM replicas) > ?2",
                )?
                .execute(params![now.minus(silence).millis(), MAX_REPLICAS])?;
            let ReplicaReport { name, position, at } = replica;
            let Position { generation, seq } = position;
            connection
                .prepare_cached(
                    "INSERT INTO replicas (name, generation, seq, at, heard) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (name) DO UPDATE SET generation = excluded.generation, seq = excluded.seq,
                        at = excluded.at, heard = excluded.heard",
                )?
                .execute(params![&*name, &*generation, seq, at.millis(), now.millis()])?;
            Ok(now)
        });
        // Every server comes by here each second.
        self.sweep(heard.await?, Instant::now()).await
    }

    pub(in crate::store) async fn leave(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.ask(Access::Write, move |connection| {
            connection
                .prepare_cached("DELETE FROM replicas WHERE name = ?1")?
                .execute([name])?;
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn replicas(&self) -> Result<Vec<ReplicaReport>, StoreError> {
        let heard = self.heard;
        self.ask(Access::Read, move |connection| {
            let since = clock(connection)?.minus(heard);
            connection
                .prepare_cached(
                    "SELECT name, generation, seq, at FROM replicas WHERE heard >= ?1 ORDER BY name",
                )?
                .query_map([since.millis()], |row| {
                    let (name, generation): (String, String) = (row.get(0)?, row.get(1)?);
                    Ok(ReplicaReport {
                        name: name.into(),
                        position: Position {
                            generation: generation.into(),
                            seq: row.get(2)?,
                        },
                        at: Timestamp::from_millis(row.get(3)?),
                    })
                })?
                .collect()
        })
        .await
    }
}

impl Follow for Following {
    fn next(&mut self) -> Answer<'_, Batch> {
        Box::pin(Self::next(self))
    }
}

impl Following {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        let Some(seen) = self.seen.clone() else {
            return self.whole(Loss::None).await;
        };
        loop {
            let due = self.beaten + HEARTBEAT;
            let left = due.saturating_duration_since(Instant::now());
            if !self.more && !left.is_zero() {
                tokio::select! {
                    _ = self.woken.changed() => {}
                    () = sleep(left.min(POLL)) => {}
                }
            }
            let beat = Instant::now() >= due;
            let began = Instant::now();
            let page = self.read(seen.seq, false, beat).await?;
            if page.position.generation != seen.generation {
                return self.whole(Loss::Wiped).await;
            }
            if page.position.seq < seen.seq {
                // An older copy of the file was put in its place.
                return self.whole(Loss::Possible).await;
            }
            if beat {
                self.beaten = began;
            }
            if beat || !page.rows.is_empty() {
                return self.batch(page, beat.then_some(began));
            }
        }
    }

    fn batch(&mut self, page: Page, beat: Option<Instant>) -> Result<Batch, StoreError> {
        let Page {
            position,
            rows,
            full,
        } = page;
        let changes = read_all(&rows)?;
        if let Some(began) = beat
            && !full
        {
            self.proven = began;
        }
        self.more = full;
        self.seen = Some(position.clone());
        Ok(Batch {
            changes,
            whole: None,
            position,
            began: Some(self.proven),
        })
    }

    /// Everything that is live or was over not long ago, page by page.
    async fn whole(&mut self, loss: Loss) -> Result<Batch, StoreError> {
        let began = Instant::now();
        let mut changes = Vec::new();
        let mut since = 0;
        let position = loop {
            let page = self.read(since, true, since == 0).await?;
            changes.extend(read_all(&page.rows)?);
            since = page.position.seq;
            if !page.full {
                break page.position;
            }
        };
        (self.proven, self.beaten, self.more) = (began, began, false);
        self.seen = Some(position.clone());
        Ok(Batch {
            changes,
            whole: Some(loss),
            position,
            began: Some(began),
        })
    }

    async fn read(&self, since: u64, recent: bool, beat: bool) -> Result<Page, StoreError> {
        let access = if beat { Access::Write } else { Access::Read };
        self.sqlite
            .ask(access, move |connection| {
                if beat {
                    connection
                        .prepare_cached("UPDATE counts SET value = value + 1 WHERE name = 'beats'")?
                        .execute([])?;
                }
                page(connection, since, recent)
            })
            .await
    }
}

fn page(connection: &Connection, since: u64, recent: bool) -> rusqlite::Result<Page> {
    let mut position = position(connection)?;
    let not_over_since = if recent {
        clock(connection)?.minus(RECENT).millis()
    } else {
        i64::MIN
    };
    let rows: rusqlite::Result<Vec<Raw>> = connection
        .prepare_cached(
            "SELECT seq, changed, 'approval', record FROM approvals WHERE seq > ?1 AND until >= ?2
             UNION ALL SELECT seq, changed, 'revocation', record FROM revocations WHERE seq > ?1
             UNION ALL SELECT seq, changed, 'condition', record FROM conditions WHERE seq > ?1
             ORDER BY seq LIMIT ?3",
        )?
        .query_map(params![since, not_over_since, PAGE], raw)?
        .collect();
    let rows = rows?;
    let full = rows.len() >= PAGE;
    if full && let Some(last) = rows.last() {
        position.seq = last.seq;
    }
    Ok(Page {
        position,
        rows,
        full,
    })
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        seq: row.get(0)?,
        changed: Timestamp::from_millis(row.get(1)?),
        table: row.get(2)?,
        record: row.get(3)?,
    })
}

fn read_all(rows: &[Raw]) -> Result<Vec<(Change, Timestamp)>, StoreError> {
    let read = rows.iter().map(|raw| {
        let change = match raw.table.as_str() {
            "approval" => read_approval(&raw.record).map(|it| Change::Approval(Arc::new(it))),
            "revocation" => read_revocation(&raw.record).map(|it| Change::Revocation(Arc::new(it))),
            "condition" => read_condition(&raw.record).map(|it| Change::Condition(Arc::new(it))),
            _ => Err(RecordError::Damaged),
        };
        Ok((change?, raw.changed))
    });
    let read: Result<_, RecordError> = read.collect();
    read.map_err(|error| StoreError::from(unreadable(error)))
}
