//! Valkey as a backend: each operation is the method of the same name, boxed.

use std::path::Path;
use std::sync::Arc;

use super::Valkey;
use crate::model::approval::{Approval, ApprovalId};
use crate::model::change::Change;
use crate::model::condition::ConditionSetting;
use crate::model::decision::DecisionId;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;
use crate::store::backend::{Answer, Backend, Follow};
use crate::store::{
    Acknowledged, ApiKeyRecord, ApprovalFilter, Consumed, OpenLimits, Opened, Put, ReplicaReport,
    Revoked, Rotated, SeenRecord, Spent, StoredKeys, Swapped,
};

impl Backend for Valkey {
    fn file(&self) -> Option<&Path> {
        None
    }

    fn secret<'a>(&'a self, name: &'a str) -> Answer<'a, [u8; 32]> {
        Box::pin(Self::secret(self, name))
    }

    fn consume(&self, key: [u8; 32], until: Timestamp, now: Timestamp) -> Answer<'_, Consumed> {
        Box::pin(Self::consume(self, key, until, now))
    }

    fn note_seen(&self, records: Vec<SeenRecord>) -> Answer<'_, usize> {
        Box::pin(Self::note_seen(self, records))
    }

    fn seen(&self) -> Answer<'_, Vec<SeenRecord>> {
        Box::pin(Self::seen(self))
    }

    fn put_api_key(&self, record: ApiKeyRecord, now: Timestamp) -> Answer<'_, Put> {
        Box::pin(Self::put_api_key(self, record, now))
    }

    fn rotate_api_key(
        &self,
        old: String,
        ends: Timestamp,
        successor: ApiKeyRecord,
        now: Timestamp,
    ) -> Answer<'_, Rotated> {
        Box::pin(Self::rotate_api_key(self, old, ends, successor, now))
    }

    fn api_keys(&self) -> Answer<'_, StoredKeys> {
        Box::pin(Self::api_keys(self))
    }

    fn revoke_api_key<'a>(
        &'a self,
        id: &'a str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Answer<'a, Revoked> {
        Box::pin(Self::revoke_api_key(self, id, at, reason))
    }

    fn touch_api_keys(&self, used: Vec<(String, Timestamp)>) -> Answer<'_, ()> {
        Box::pin(Self::touch_api_keys(self, used))
    }

    fn version(&self) -> Answer<'_, u64> {
        Box::pin(Self::version(self))
    }

    fn open_approval(
        &self,
        new: Approval,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Answer<'_, Opened> {
        Box::pin(Self::open_approval(self, new, limits, now))
    }

    fn change_approval(&self, expected: u64, next: Approval) -> Answer<'_, Swapped> {
        Box::pin(Self::change_approval(self, expected, next))
    }

    fn spend_approval<'a>(
        &'a self,
        id: &'a ApprovalId,
        votes: usize,
        by: &'a DecisionId,
        now: Timestamp,
    ) -> Answer<'a, Spent> {
        Box::pin(Self::spend_approval(self, id, votes, by, now))
    }

    fn approval<'a>(&'a self, id: &'a ApprovalId) -> Answer<'a, Option<Arc<Approval>>> {
        Box::pin(Self::approval(self, id))
    }

    fn approvals(&self, filter: ApprovalFilter) -> Answer<'_, Vec<Arc<Approval>>> {
        Box::pin(Self::approvals(self, filter))
    }

    fn revoke(&self, entries: Vec<Revocation>) -> Answer<'_, Acknowledged> {
        Box::pin(Self::revoke(self, entries))
    }

    fn revocations(&self) -> Answer<'_, Vec<Revocation>> {
        Box::pin(Self::revocations(self))
    }

    fn set_condition(&self, setting: ConditionSetting) -> Answer<'_, Acknowledged> {
        Box::pin(Self::set_condition(self, setting))
    }

    fn follow(&self) -> Box<dyn Follow> {
        Box::new(Self::follow(self))
    }

    fn restore(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        Box::pin(Self::restore(self, changes))
    }

    fn report(&self, replica: ReplicaReport) -> Answer<'_, ()> {
        Box::pin(Self::report(self, replica))
    }

    fn replicas(&self) -> Answer<'_, Vec<ReplicaReport>> {
        Box::pin(Self::replicas(self))
    }
}
