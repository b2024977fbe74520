//! Approvals: a hash each. Its record is the text as it was written last; version, status and uses stand beside it, so that a use is
//! counted without reading the text.

use std::sync::Arc;

use redis::{cmd, pipe};

use super::keys::Single;
use super::link::Link;
use super::reply::{Parts, approval, spent};
use super::script::{self, Arguments};
use super::swap::MAX_CHANGES;
use super::{Valkey, hex};
use crate::model::approval::{Approval, ApprovalId, State, Status};
use crate::model::change::Position;
use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;
use crate::store::approvals::{KEPT, MAX_APPROVALS};
use crate::store::record::write_approval;
use crate::store::{ApprovalFilter, OpenLimits, Opened, Spent, StoreError, Swapped};

/// Approvals that are read at once.
const PAGE: usize = 200;

impl Valkey {
    pub(in crate::store) async fn open_approval(
        &self,
        new: Approval,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Result<Opened, StoreError> {
        let OpenLimits {
            per_requester,
            cooldown,
        } = limits;
        let keys = &self.connector.keys;
        let arguments = self
            .places(&new)
            .number(MAX_CHANGES)
            .arg(keys.approvals())
            .arg(keys.pointers())
            .number(now.millis())
            .number(cooldown.as_millis())
            .number(per_requester)
            .number(MAX_APPROVALS)
            .number(KEPT.as_millis())
            .arg(new.id.as_str())
            .arg(write_approval(&new)?)
            .number(new.version)
            .arg(new.status.as_str())
            .number(new.votes.len())
            .number(new.uses)
            .number(new.pending_until.millis())
            .number(new.created.millis())
            .arg(hex(&new.key.0));
        let meta = keys.of(Single::Meta);
        let reply = self.link.script(&script::OPEN, meta, &arguments).await?;
        match reply.word() {
            "new" => Ok(Opened::New(Arc::new(new))),
            "known" => Ok(Opened::Known(reply.approval()?)),
            "denied" => Ok(Opened::Denied(reply.approval()?)),
            "many" => Ok(Opened::TooMany),
            "full" => Err(StoreError::Full("approvals")),
            "taken" => Err(StoreError::Failed("an approval has this id".into())),
            _ => Err(reply.unknown()),
        }
    }

    pub(in crate::store) async fn change_approval(
        &self,
        expected: u64,
        next: Approval,
    ) -> Result<Swapped, StoreError> {
        self.put_approval(self.confirmed(), Some(expected), &next)
            .await
    }

    /// Writes an approval, if there is the expected version of it, or none.
    pub(super) async fn put_approval(
        &self,
        link: &Link,
        expected: Option<u64>,
        next: &Approval,
    ) -> Result<Swapped, StoreError> {
        let arguments = self
            .places(next)
            .number(MAX_CHANGES)
            .arg(expected.map(|it| it.to_string()).unwrap_or_default())
            .arg(next.id.as_str())
            .arg(write_approval(next)?)
            .number(next.version)
            .arg(next.status.as_str())
            .number(next.votes.len())
            .number(next.uses)
            .number(next.spent.len())
            .arg(spent(next))
            .number(next.pending_until.millis())
            .perhaps(next.valid_until.map(Timestamp::millis))
            .perhaps(next.decided.map(Timestamp::millis))
            .number(next.created.millis())
            .arg(hex(&next.key.0));
        let meta = self.connector.keys.of(Single::Meta);
        let (reply, identity) = link.script_at(&script::CHANGE, meta, &arguments).await?;
        match reply.word() {
            "done" => Ok(Swapped::Done(Position {
                generation: identity.generation,
                seq: reply.value(0)?,
            })),
            "stale" => Ok(Swapped::Stale(reply.approval()?)),
            "missing" => Ok(Swapped::Missing),
            _ => Err(reply.unknown()),
        }
    }

    pub(in crate::store) async fn spend_approval(
        &self,
        id: &ApprovalId,
        votes: usize,
        uses: u32,
        by: &DecisionId,
        now: Timestamp,
    ) -> Result<Spent, StoreError> {
        let keys = &self.connector.keys;
        let arguments = Arguments::new()
            .key(keys.of(Single::Changes))
            .key(keys.of(Single::Ends))
            .key(keys.approval(id.as_str()))
            .number(self.connector.settle().as_millis())
            .number(MAX_CHANGES)
            .arg(id.as_str())
            .number(votes)
            .arg(by.as_str())
            .number(now.millis())
            .number(uses);
        let meta = keys.of(Single::Meta);
        let reply = self
            .confirmed()
            .script(&script::SPEND, meta, &arguments)
            .await?;
        match reply.word() {
            "done" => Ok(Spent::Done(reply.approval()?)),
            "changed" => Ok(Spent::Changed(reply.approval()?)),
            "gone" => Ok(Spent::Gone(state(&reply.value::<String>(0)?)?)),
            "missing" => Ok(Spent::Missing),
            _ => Err(reply.unknown()),
        }
    }

    pub(in crate::store) async fn approval(
        &self,
        id: &ApprovalId,
    ) -> Result<Option<Arc<Approval>>, StoreError> {
        let found = self
            .read_approvals(&self.link, &[id.as_str().to_owned()])
            .await?;
        Ok(found.into_iter().next())
    }

    pub(in crate::store) async fn approvals(
        &self,
        filter: ApprovalFilter,
    ) -> Result<Vec<Arc<Approval>>, StoreError> {
        let index = self.connector.keys.of(Single::Approvals);
        let mut last = filter.before.clone();
        let mut start = match &last {
            None => 0,
            // Those of its own moment are read too: which of them stand before it is seen then.
            Some(place) => {
                let mut newer = cmd("ZCOUNT");
                newer.arg(&index);
                newer
                    .arg(format!("({}", place.created.millis()))
                    .arg("+inf");
                self.link.ask(&newer).await?
            }
        };
        let mut found = Vec::new();
        while found.len() < filter.limit {
            let mut page = cmd("ZREVRANGE");
            page.arg(&index).arg(start).arg(start + PAGE - 1);
            let ids: Vec<String> = self.link.ask(&page).await?;
            for approval in self.read_approvals(&self.link, &ids).await? {
                let place = approval.place();
                // Where one was opened meanwhile, the others moved up, and the last ones come again.
                if last.as_ref().is_none_or(|last| place < *last) {
                    last = Some(place);
                    if is_asked_for(&approval, &filter) {
                        found.push(approval);
                    }
                }
            }
            start += PAGE;
            if ids.len() < PAGE {
                break;
            }
        }
        found.truncate(filter.limit);
        Ok(found)
    }

    /// Those of these approvals that are there.
    pub(super) async fn read_approvals(
        &self,
        link: &Link,
        ids: &[String],
    ) -> Result<Vec<Arc<Approval>>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE) {
            let mut commands = pipe();
            for id in some {
                let key = self.connector.keys.approval(id);
                let fields = ["record", "version", "status", "spent"];
                commands.cmd("HMGET").arg(key).arg(&fields);
            }
            let all: Vec<OptionalParts> = link.pipe(&commands).await?;
            for (record, version, status, spent) in all {
                if let (Some(record), Some(version), Some(status), Some(spent)) =
                    (record, version, status, spent)
                {
                    let parts: Parts = (record, version, status, spent);
                    found.push(approval(parts)?);
                }
            }
        }
        Ok(found)
    }

    /// The keys that opening and changing an approval concern.
    fn places(&self, approval: &Approval) -> Arguments {
        let keys = &self.connector.keys;
        Arguments::new()
            .key(keys.of(Single::Changes))
            .key(keys.of(Single::Approvals))
            .key(keys.of(Single::Ends))
            .key(format!("{}{}", keys.pointers(), hex(&approval.key.0)))
            .key(keys.approval(approval.id.as_str()))
            .key(keys.waiting(&approval.requester))
    }
}

/// The parts of an approval, if it is there.
type OptionalParts = (Option<String>, Option<u64>, Option<String>, Option<String>);

fn state(word: &str) -> Result<State, StoreError> {
    match Status::parse(word) {
        Some(status) => Ok(State::Is(status)),
        None if word == "expired" => Ok(State::Expired),
        None => Err(super::reply::strange(())),
    }
}

fn is_asked_for(approval: &Approval, filter: &ApprovalFilter) -> bool {
    let ApprovalFilter {
        status,
        requester,
        before: _,
        limit: _,
    } = filter;
    let actor = approval.requester.actor.as_ref();
    status.is_none_or(|status| status == approval.status)
        && requester.as_ref().is_none_or(|asked| {
            *asked == approval.requester.subject.id || actor.is_some_and(|it| *asked == it.id)
        })
}
