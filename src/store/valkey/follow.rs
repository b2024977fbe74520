//! Following: a connection of its own that waits for the stream, and heartbeats over the connection that operations share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{FromRedisValue as _, Value, cmd};

use super::Valkey;
use super::failure::Failure;
use super::keys::Single;
use super::reply::{approval, strange};
use super::script::{self, Arguments};
use super::session::{Identity, Session};
use crate::model::change::{Change, Position};
use crate::model::time::Timestamp;
use crate::store::backend::{Answer, Follow};
use crate::store::feed::{HEARTBEAT, RECENT};
use crate::store::record::{read_approval, read_condition, read_revocation};
use crate::store::{Batch, Loss, StoreError};

/// Changes that are read at once.
const PAGE: usize = 512;

/// One reader.
#[derive(Debug)]
pub(in crate::store) struct Following {
    valkey: Valkey,
    /// The connection that waits.
    session: Option<Session>,
    /// How far it has read, and where; none before the first batch.
    seen: Option<(Identity, u64)>,
    /// When the last heartbeat began of which everything has been read. None before one is known by which everybody has put
    /// back what the server may lack: what is read there earlier is not all that was acknowledged.
    proven: Option<Instant>,
    /// When the next one is due.
    due: Instant,
}

/// What a heartbeat has shown.
struct Beat {
    began: Instant,
    identity: Identity,
    /// How many changes there are.
    last: u64,
    /// Whether everybody has had the time to put back what was known, and the state lacked.
    is_settled: bool,
}

impl Beat {
    /// What is proven by having read all that there was.
    fn proves(&self) -> Option<Instant> {
        self.is_settled.then_some(self.began)
    }
}

/// A change as the stream has it.
struct Entry {
    seq: u64,
    generation: String,
    at: Timestamp,
    fields: VecDeque<(String, Value)>,
}

impl Valkey {
    pub(in crate::store) fn follow(&self) -> Following {
        let now = Instant::now();
        Following {
            valkey: self.clone(),
            session: None,
            seen: None,
            proven: None,
            due: now,
        }
    }

    /// Proves that the primary takes writes.
    async fn beat(&self) -> Result<Beat, StoreError> {
        let began = Instant::now();
        let meta = self.connector.keys.of(Single::Meta);
        let arguments = Arguments::new().number(self.connector.settle().as_millis());
        let (reply, identity) = self.link.script_at(&script::BEAT, meta, &arguments).await?;
        let settled: u64 = reply.value(1)?;
        Ok(Beat {
            began,
            identity,
            last: reply.value(0)?,
            is_settled: settled == 1,
        })
    }
}

impl Follow for Following {
    fn next(&mut self) -> Answer<'_, Batch> {
        Box::pin(Self::next(self))
    }
}

impl Following {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            let Some((identity, seen)) = self.seen.clone() else {
                return self.whole().await;
            };
            if Instant::now() >= self.due {
                let beat = self.valkey.beat().await?;
                self.due = beat.began + HEARTBEAT;
                if lost(&identity, seen, &beat.identity, beat.last) != Loss::None {
                    return self.whole().await;
                }
                return self.catch_up(&beat).await;
            }
            let left = self.due.saturating_duration_since(Instant::now());
            let entries = self.read(seen, Some(left)).await?;
            if !entries.is_empty() {
                return self.batch(entries).await;
            }
        }
    }

    /// Everything that was there at a heartbeat.
    async fn catch_up(&mut self, beat: &Beat) -> Result<Batch, StoreError> {
        let mut all = Vec::new();
        let Some((_, mut seen)) = self.seen.clone() else {
            return self.whole().await;
        };
        while seen < beat.last {
            let entries = self.read(seen, None).await?;
            let Some(newest) = entries.last() else {
                // It was trimmed away, or never was in the stream of this server.
                return self.whole().await;
            };
            seen = newest.seq;
            all.extend(entries);
        }
        let batch = self.batch(all).await?;
        // A whole state has proven more already.
        self.proven = self.proven.max(beat.proves());
        Ok(Batch {
            began: self.proven,
            ..batch
        })
    }

    /// Takes entries over, unless one is missing.
    async fn batch(&mut self, entries: Vec<Entry>) -> Result<Batch, StoreError> {
        let Some((identity, mut seen)) = self.seen.clone() else {
            return self.whole().await;
        };
        let mut changes = Vec::with_capacity(entries.len());
        for entry in entries {
            if *entry.generation != *identity.generation {
                return self.whole().await;
            }
            if entry.seq != seen + 1 {
                return self.whole().await;
            }
            seen = entry.seq;
            changes.push((change(entry.fields)?, entry.at));
        }
        let position = Position {
            generation: Arc::clone(&identity.generation),
            seq: seen,
        };
        self.seen = Some((identity, seen));
        Ok(Batch {
            changes,
            whole: None,
            position,
            began: self.proven,
        })
    }

    /// Everything that there is, over connections that lead to the same state and server before and after. Whatever it is read
    /// for, it says what may be missing: what was read last is held against what is there now.
    async fn whole(&mut self) -> Result<Batch, StoreError> {
        self.session = None;
        let beat = self.valkey.beat().await?;
        let loss = match &self.seen {
            Some((known, seen)) => lost(known, *seen, &beat.identity, beat.last),
            // Whoever knows nothing yet would not miss what is still being put back.
            None if !beat.is_settled => return Err(StoreError::Settling),
            None => Loss::None,
        };
        let changes = self.valkey.everything().await?;
        if self.valkey.link.identity().await? != beat.identity {
            return Err(StoreError::Settling);
        }
        let position = Position {
            generation: Arc::clone(&beat.identity.generation),
            seq: beat.last,
        };
        self.proven = self.proven.max(beat.proves());
        self.seen = Some((beat.identity, beat.last));
        self.due = Instant::now() + HEARTBEAT;
        Ok(Batch {
            changes,
            whole: Some(loss),
            position,
            began: self.proven,
        })
    }

    /// Changes after `seen`; waits for the first as long as `wait` says.
    async fn read(&mut self, seen: u64, wait: Option<Duration>) -> Result<Vec<Entry>, StoreError> {
        let keys = &self.valkey.connector.keys;
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(PAGE);
        if let Some(wait) = wait {
            // Zero would be for ever.
            command
                .arg("BLOCK")
                .arg(wait.as_millis().max(1).to_string());
        }
        let changes = keys.of(Single::Changes);
        command.arg("STREAMS").arg(changes).arg(format!("{seen}-0"));
        let session = self.session().await?;
        let answer = tokio::time::timeout(
            wait.unwrap_or_default() + self.valkey.connector.patience(),
            session.ask::<Value>(&command),
        );
        let answer = answer.await.unwrap_or(Err(Failure {
            error: StoreError::Late,
            is_final: true,
        }));
        match answer {
            Ok(value) => entries(value),
            Err(Failure { error, is_final }) => {
                if is_final {
                    self.session = None;
                }
                Err(error)
            }
        }
    }

    /// The connection that waits. It leads where the shared one leads, or everything is read anew.
    async fn session(&mut self) -> Result<Session, StoreError> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let session = self.valkey.connector.connect().await?;
        if let Some((identity, _)) = &self.seen
            && *identity != session.identity
        {
            // The next heartbeat finds out what is different, and is due now.
            self.due = Instant::now();
            return Err(StoreError::Settling);
        }
        self.session = Some(session.clone());
        Ok(session)
    }
}

impl Valkey {
    /// All revocations and conditions, and the approvals that are live or were not long ago.
    async fn everything(&self) -> Result<Vec<(Change, Timestamp)>, StoreError> {
        let keys = &self.connector.keys;
        let now = self.clock().await?;
        let mut changes = Vec::new();
        for record in self.scan(&keys.of(Single::Revocations)).await?.values() {
            changes.push(Change::Revocation(Arc::new(read_revocation(record)?)));
        }
        for record in self.scan(&keys.of(Single::Conditions)).await?.values() {
            changes.push(Change::Condition(Arc::new(read_condition(record)?)));
        }
        let mut live = cmd("ZRANGEBYSCORE");
        live.arg(keys.of(Single::Ends));
        live.arg(now.minus(RECENT).millis()).arg("+inf");
        let ids: Vec<String> = self.link.ask(&live).await?;
        let approvals = self.read_approvals(&self.link, &ids).await?;
        changes.extend(approvals.into_iter().map(Change::Approval));
        Ok(changes.into_iter().map(|change| (change, now)).collect())
    }
}

/// What may be lost between a state that was read up to `seen` and the one that is there now, with its `last` change.
fn lost(known: &Identity, seen: u64, current: &Identity, last: u64) -> Loss {
    if current.generation != known.generation {
        Loss::Wiped
    } else if current.run != known.run || last < seen {
        Loss::Possible
    } else {
        Loss::None
    }
}

/// The entries of an answer to `XREAD`: nothing, or one stream with entries of an id and fields.
fn entries(value: Value) -> Result<Vec<Entry>, StoreError> {
    type Streams = Option<Vec<(String, Vec<(String, Vec<(String, Value)>)>)>>;
    let streams = Streams::from_redis_value(value).map_err(strange)?;
    let stream = streams
        .into_iter()
        .flatten()
        .flat_map(|(_, entries)| entries);
    stream.map(|(id, fields)| entry(&id, fields)).collect()
}

fn entry(id: &str, fields: Vec<(String, Value)>) -> Result<Entry, StoreError> {
    let seq = id.split('-').next().and_then(|seq| seq.parse().ok());
    let mut fields = VecDeque::from(fields);
    let generation = text(&mut fields, "g")?;
    let at = text(&mut fields, "t")?.parse().map_err(strange)?;
    Ok(Entry {
        seq: seq.ok_or_else(|| strange(()))?,
        generation,
        at: Timestamp::from_millis(at),
        fields,
    })
}

/// The change that the other fields say.
fn change(mut fields: VecDeque<(String, Value)>) -> Result<Change, StoreError> {
    let kind = text(&mut fields, "k")?;
    let record = text(&mut fields, "r")?;
    Ok(match kind.as_str() {
        "revocation" => Change::Revocation(Arc::new(read_revocation(&record)?)),
        "condition" => Change::Condition(Arc::new(read_condition(&record)?)),
        "approval" if fields.is_empty() => Change::Approval(Arc::new(read_approval(&record)?)),
        "approval" => {
            let version = text(&mut fields, "v")?.parse().map_err(strange)?;
            let status = text(&mut fields, "s")?;
            let spent = text(&mut fields, "u")?;
            Change::Approval(approval((record, version, status, spent))?)
        }
        _ => return Err(strange(())),
    })
}

/// The next field, which has this name.
fn text(fields: &mut VecDeque<(String, Value)>, name: &str) -> Result<String, StoreError> {
    let field = fields.pop_front().filter(|(found, _)| found == name);
    let (_, value) = field.ok_or_else(|| strange(()))?;
    String::from_redis_value(value).map_err(strange)
}
