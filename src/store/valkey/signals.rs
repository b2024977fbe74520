//! Revocations and conditions: read, merged here, and written only if what was read is still so.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Instant;

use redis::cmd;

use super::Valkey;
use super::keys::Single;
use super::link::Link;
use super::swap::{Done, Swap, TRIES};
use crate::model::change::Position;
use crate::model::condition::ConditionSetting;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;
use crate::store::record::{read_condition, read_revocation, write_condition, write_revocation};
use crate::store::signals::{MAX_CONDITIONS, MAX_REVOCATIONS};
use crate::store::{Acknowledged, StoreError};

/// Expired revocations that go at once.
const SWEPT: usize = 500;

impl Valkey {
    pub(in crate::store) async fn revoke(
        &self,
        entries: Vec<Revocation>,
    ) -> Result<Acknowledged, StoreError> {
        self.merge(self.confirmed(), &entries).await
    }

    pub(in crate::store) async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        let now = self.clock().await?;
        let mut all = Vec::new();
        for (_, record) in self
            .scan(&self.connector.keys.of(Single::Revocations))
            .await?
        {
            let entry = read_revocation(&record)?;
            if entry.expires.is_none_or(|expires| expires > now) {
                all.push(entry);
            }
        }
        all.sort_by(|a, b| a.target.cmp(&b.target));
        Ok(all)
    }

    pub(in crate::store) async fn set_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Acknowledged, StoreError> {
        let key = self.connector.keys.of(Single::Conditions);
        for _ in 0..TRIES {
            let known = self.read_field(&key, setting.name.as_str()).await?;
            if known.is_none() && self.length(&key).await? >= MAX_CONDITIONS {
                return Err(StoreError::Full("conditions"));
            }
            let last = known.as_deref().map(read_condition).transpose()?;
            let next = setting.clone().after(last.as_ref());
            let link = self.confirmed();
            let replaced = self.replace_condition(link, known.as_deref(), &next);
            if let Some(done) = replaced.await? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    pub(in crate::store) async fn advance_condition(
        &self,
        setting: ConditionSetting,
    ) -> Result<Option<Acknowledged>, StoreError> {
        let key = self.connector.keys.of(Single::Conditions);
        for _ in 0..TRIES {
            let known = self.read_field(&key, setting.name.as_str()).await?;
            if known.is_none() && self.length(&key).await? >= MAX_CONDITIONS {
                return Err(StoreError::Full("conditions"));
            }
            let last = known.as_deref().map(read_condition).transpose()?;
            if last.as_ref().is_some_and(|last| last.at > setting.at) {
                return Ok(None);
            }
            let next = setting.clone().after(last.as_ref());
            let link = self.confirmed();
            let replaced = self.replace_condition(link, known.as_deref(), &next);
            let done = replaced.await?;
            if done.is_some() {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    /// Sets a condition, if it is still what was read.
    pub(super) async fn replace_condition(
        &self,
        link: &Link,
        known: Option<&str>,
        next: &ConditionSetting,
    ) -> Result<Option<Acknowledged>, StoreError> {
        let key = self.connector.keys.of(Single::Conditions);
        let record = write_condition(next)?;
        let mut swap = Swap::new();
        let known = known.map(str::as_bytes);
        swap.replace(&key, next.name.as_str(), known, record.as_bytes());
        swap.publish("condition", record);
        self.swap(link, swap).await
    }

    /// Merges entries in; those that add nothing are no change.
    pub(super) async fn merge(
        &self,
        link: &Link,
        entries: &[Revocation],
    ) -> Result<Acknowledged, StoreError> {
        let key = self.connector.keys.of(Single::Revocations);
        for _ in 0..TRIES {
            let fields: BTreeSet<String> = entries.iter().map(|it| field(&it.target)).collect();
            let known = self.read_fields(&key, fields.iter()).await?;
            let is_new = known.values().filter(|it| it.is_none()).count();
            if is_new > 0 {
                let room = MAX_REVOCATIONS.saturating_sub(self.length(&key).await?);
                if u64::try_from(is_new).unwrap_or(u64::MAX) > room {
                    return Err(StoreError::Full("revocations"));
                }
            }
            let mut swap = Swap::new();
            for (name, read) in &known {
                let before = read.as_deref().map(read_revocation).transpose()?;
                let mut merged = before.clone();
                for entry in entries.iter().filter(|it| field(&it.target) == *name) {
                    merged = Some(match merged {
                        Some(merged) => merged.merge(entry.clone()),
                        None => entry.clone(),
                    });
                }
                if merged != before
                    && let Some(merged) = merged
                {
                    self.replace_revocation(&mut swap, name, read.as_deref(), &merged)?;
                }
            }
            if let Some(done) = self.swap(link, swap).await? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    fn replace_revocation(
        &self,
        swap: &mut Swap,
        name: &str,
        read: Option<&str>,
        merged: &Revocation,
    ) -> Result<(), StoreError> {
        let keys = &self.connector.keys;
        let record = write_revocation(merged)?;
        let read = read.map(str::as_bytes);
        swap.replace(&keys.of(Single::Revocations), name, read, record.as_bytes());
        let endings = keys.of(Single::Endings);
        match merged.expires {
            Some(expires) => {
                let at = expires.millis().to_string();
                swap.write([b"ZADD", endings.as_bytes(), at.as_bytes(), name.as_bytes()]);
            }
            None => swap.write([b"ZREM", endings.as_bytes(), name.as_bytes()]),
        }
        swap.publish("revocation", record);
        Ok(())
    }

    /// Removes some of those that ended long enough ago, if the server's clock can be believed.
    pub(super) async fn sweep(&self, now: Timestamp, at: Instant) -> Result<(), StoreError> {
        let over = self
            .steadiness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .see(now, at);
        let Some(over) = over else {
            return Ok(());
        };
        let keys = &self.connector.keys;
        let (key, endings) = (keys.of(Single::Revocations), keys.of(Single::Endings));
        let mut expired = cmd("ZRANGEBYSCORE");
        expired.arg(&endings).arg("-inf").arg(over.millis());
        expired.arg("LIMIT").arg(0).arg(SWEPT);
        let expired: Vec<String> = self.link.ask(&expired).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let known = self.read_fields(&key, expired.iter()).await?;
        let mut swap = Swap::new();
        for (name, read) in &known {
            swap.only_if(&key, name, read.as_deref().map(str::as_bytes));
            swap.write([b"HDEL", key.as_bytes(), name.as_bytes()]);
            swap.write([b"ZREM", endings.as_bytes(), name.as_bytes()]);
        }
        // If one was revoked again meanwhile, all of them can wait for the next.
        let _swept = self.swap(&self.link, swap).await?;
        Ok(())
    }

    async fn swap(&self, link: &Link, swap: Swap) -> Result<Option<Acknowledged>, StoreError> {
        let done = swap.run(link, &self.connector.keys).await?;
        Ok(done.map(|Done { identity, seq, at }| Acknowledged {
            position: Position {
                generation: identity.generation,
                seq,
            },
            at,
        }))
    }

    /// The server's clock.
    pub(super) async fn clock(&self) -> Result<Timestamp, StoreError> {
        let (seconds, micros): (i64, i64) = self.link.ask(&cmd("TIME")).await?;
        let millis = seconds.saturating_mul(1000).saturating_add(micros / 1000);
        Ok(Timestamp::from_millis(millis))
    }
}

/// The field of a target: kind, provider and value. No kind and no provider has a slash.
pub(super) fn field(target: &Target) -> String {
    let issuer = target.issuer().map_or("", |issuer| issuer.as_str());
    format!("{}/{issuer}/{}", target.kind(), target.value())
}
