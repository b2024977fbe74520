//! What replicas say of themselves, and what they put back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::cmd;
use tokio::task::JoinSet;

use super::Valkey;
use super::keys::Single;
use super::script::{self, Arguments};
use super::swap::TRIES;
use crate::model::approval::Approval;
use crate::model::change::{Change, Position};
use crate::model::condition::ConditionSetting;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;
use crate::store::outcome::reconcile;
use crate::store::record::read_condition;
use crate::store::{ReplicaReport, StoreError, Swapped};

/// Revocations that are put back together.
const TOGETHER: usize = 200;

/// How long after a server has come whoever puts something back keeps the others from using anything up.
const LONGEST_HOLD: Duration = Duration::from_mins(1);

impl Valkey {
    /// Nobody is told that it lasts, so nothing waits for the server's replicas.
    pub(in crate::store) async fn restore(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.hold().await?;
        let (mut revocations, mut approvals) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Revocation(entry) => revocations.push(Revocation::clone(&entry)),
                Change::Condition(setting) => self.restore_condition(&setting).await?,
                Change::Approval(approval) => approvals.push(approval),
            }
        }
        self.restore_approvals(approvals).await?;
        for some in revocations.chunks(TOGETHER) {
            self.merge(&self.link, some).await?;
        }
        Ok(())
    }

    /// Keeps everybody from using anything up until the server has settled again.
    async fn hold(&self) -> Result<(), StoreError> {
        let meta = self.connector.keys.of(Single::Meta);
        let arguments = Arguments::new().number(LONGEST_HOLD.as_millis());
        self.link.script(&script::HOLD, meta, &arguments).await?;
        Ok(())
    }

    async fn restore_condition(&self, setting: &ConditionSetting) -> Result<(), StoreError> {
        let key = self.connector.keys.of(Single::Conditions);
        for _ in 0..TRIES {
            let known = self.read_field(&key, setting.name.as_str()).await?;
            let setting_known = known.as_deref().map(read_condition).transpose()?;
            if setting_known.is_some_and(|known| !setting.replaces(&known)) {
                return Ok(());
            }
            let replaced = self.replace_condition(&self.link, known.as_deref(), setting);
            if replaced.await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    /// What the server has is read at once, and only what it lacks is written, all at the same time.
    async fn restore_approvals(&self, approvals: Vec<Arc<Approval>>) -> Result<(), StoreError> {
        let ids: Vec<String> = approvals.iter().map(|it| it.id.to_string()).collect();
        let known = self.read_approvals(&self.link, &ids).await?;
        let known: HashMap<_, _> = known.iter().map(|it| (&it.id, it)).collect();
        let mut writes = JoinSet::new();
        for approval in approvals {
            let is_there = known
                .get(&approval.id)
                .is_some_and(|known| reconcile(known, &approval) == ***known);
            if !is_there {
                let valkey = self.clone();
                writes.spawn(async move { valkey.restore_approval(&approval).await });
            }
        }
        while let Some(done) = writes.join_next().await {
            done.map_err(|error| StoreError::Failed(error.to_string().into()))??;
        }
        Ok(())
    }

    async fn restore_approval(&self, approval: &Approval) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let known = self.approval(&approval.id).await?;
            let next = match &known {
                Some(known) => reconcile(known, approval),
                None => approval.clone(),
            };
            if known.as_ref().is_some_and(|known| **known == next) {
                return Ok(());
            }
            let expected = known.map(|known| known.version);
            let put = self.put_approval(&self.link, expected, &next);
            if let Swapped::Done(_) = put.await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    pub(in crate::store) async fn report(&self, replica: ReplicaReport) -> Result<(), StoreError> {
        let ReplicaReport { name, position, at } = replica;
        let heard = self.clock().await?;
        let text = format!(
            "{} {} {} {}",
            heard.millis(),
            at.millis(),
            position.seq,
            position.generation
        );
        let mut command = cmd("HSET");
        command.arg(self.connector.keys.of(Single::Replicas));
        command.arg(&*name).arg(text);
        let _added: i64 = self.link.ask(&command).await?;
        // Every server comes by here each second.
        self.sweep(heard, Instant::now()).await
    }

    pub(in crate::store) async fn leave(&self, name: &str) -> Result<(), StoreError> {
        let key = self.connector.keys.of(Single::Replicas);
        let _removed: i64 = self.link.ask(cmd("HDEL").arg(key).arg(name)).await?;
        Ok(())
    }

    pub(in crate::store) async fn replicas(&self) -> Result<Vec<ReplicaReport>, StoreError> {
        let key = self.connector.keys.of(Single::Replicas);
        let since = self.clock().await?.minus(self.heard);
        let (mut heard, mut silent) = (Vec::new(), cmd("HDEL"));
        silent.arg(&key);
        let mut is_any_silent = false;
        for (name, text) in self.scan(&key).await? {
            match report(&name, &text) {
                Some((at, report)) if at >= since => heard.push(report),
                Some(_) | None => {
                    silent.arg(name);
                    is_any_silent = true;
                }
            }
        }
        if is_any_silent {
            let _removed: i64 = self.link.ask(&silent).await?;
        }
        Ok(heard)
    }
}

/// When a replica was heard, and what it said.
fn report(name: &str, text: &str) -> Option<(Timestamp, ReplicaReport)> {
    let mut words = text.split(' ');
    let heard = words.next()?.parse().ok()?;
    let at = words.next()?.parse().ok()?;
    let seq = words.next()?.parse().ok()?;
    let report = ReplicaReport {
        name: name.into(),
        position: Position {
            generation: words.next()?.into(),
            seq,
        },
        at: Timestamp::from_millis(at),
    };
    Some((Timestamp::from_millis(heard), report))
}
