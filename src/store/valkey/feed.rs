//! What replicas say of themselves, and what they put back.

use redis::cmd;

use super::Valkey;
use super::keys::Single;
use super::swap::TRIES;
use crate::model::approval::Approval;
use crate::model::change::{Change, Position};
use crate::model::condition::ConditionSetting;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;
use crate::store::feed::HEARD;
use crate::store::outcome::reconcile;
use crate::store::record::read_condition;
use crate::store::{ReplicaReport, StoreError, Swapped};

/// Revocations that are put back together.
const TOGETHER: usize = 200;

impl Valkey {
    pub(super) async fn restore(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut revocations = Vec::new();
        for change in changes {
            match change {
                Change::Revocation(entry) => revocations.push(Revocation::clone(&entry)),
                Change::Condition(setting) => self.restore_condition(&setting).await?,
                Change::Approval(approval) => self.restore_approval(&approval).await?,
            }
        }
        for some in revocations.chunks(TOGETHER) {
            self.merge(some).await?;
        }
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
            if self
                .replace_condition(known.as_deref(), setting)
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
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
            if let Swapped::Done(_) = self.put_approval(expected, &next).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }

    pub(super) async fn report(&self, replica: ReplicaReport) -> Result<(), StoreError> {
        let ReplicaReport { name, position, at } = replica;
        let heard = self.clock().await?.millis();
        let text = format!(
            "{heard} {} {} {}",
            at.millis(),
            position.seq,
            position.generation
        );
        let mut command = cmd("HSET");
        command.arg(self.connector.keys.of(Single::Replicas));
        command.arg(&*name).arg(text);
        let _added: i64 = self.link.ask(&command).await?;
        Ok(())
    }

    pub(super) async fn replicas(&self) -> Result<Vec<ReplicaReport>, StoreError> {
        let key = self.connector.keys.of(Single::Replicas);
        let since = self.clock().await?.minus(HEARD);
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
