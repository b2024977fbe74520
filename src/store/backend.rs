//! What a backend must be able to do. There are two: a file, and a server that many replicas share.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use super::{
    Acknowledged, ApiKeyRecord, ApprovalFilter, Batch, Consumed, OpenLimits, Opened, Put,
    ReplicaReport, Revoked, Rotated, SeenRecord, Spent, StoreError, StoredKeys, Swapped,
};
use crate::model::approval::{Approval, ApprovalId};
use crate::model::change::Change;
use crate::model::condition::ConditionSetting;
use crate::model::decision::DecisionId;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;

/// An answer that is on its way.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Durable state. What each operation guarantees is said at the method of [`Store`](super::Store) that has its name; every one is
/// atomic by itself, for all processes that share the state.
pub(super) trait Backend: fmt::Debug + Send + Sync {
    fn file(&self) -> Option<&Path>;

    fn secret<'a>(&'a self, name: &'a str) -> Answer<'a, [u8; 32]>;
    fn consume(&self, key: [u8; 32], until: Timestamp, now: Timestamp) -> Answer<'_, Consumed>;
    fn note_seen(&self, records: Vec<SeenRecord>) -> Answer<'_, usize>;
    fn seen(&self) -> Answer<'_, Vec<SeenRecord>>;

    fn put_api_key(&self, record: ApiKeyRecord, now: Timestamp) -> Answer<'_, Put>;
    fn rotate_api_key(
        &self,
        old: String,
        ends: Timestamp,
        successor: ApiKeyRecord,
        now: Timestamp,
    ) -> Answer<'_, Rotated>;
    fn api_keys(&self) -> Answer<'_, StoredKeys>;
    fn revoke_api_key<'a>(
        &'a self,
        id: &'a str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Answer<'a, Revoked>;
    fn touch_api_keys(&self, used: Vec<(String, Timestamp)>) -> Answer<'_, ()>;
    fn version(&self) -> Answer<'_, u64>;

    fn open_approval(
        &self,
        new: Approval,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Answer<'_, Opened>;
    /// The version of `next` is the one after `expected`: that was looked at.
    fn change_approval(&self, expected: u64, next: Approval) -> Answer<'_, Swapped>;
    fn spend_approval<'a>(
        &'a self,
        id: &'a ApprovalId,
        votes: usize,
        by: &'a DecisionId,
        now: Timestamp,
    ) -> Answer<'a, Spent>;
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> Answer<'a, Option<Arc<Approval>>>;
    /// The filter's limit is no more than [`MAX_LISTED`](super::MAX_LISTED).
    fn approvals(&self, filter: ApprovalFilter) -> Answer<'_, Vec<Arc<Approval>>>;

    fn revoke(&self, entries: Vec<Revocation>) -> Answer<'_, Acknowledged>;
    fn revocations(&self) -> Answer<'_, Vec<Revocation>>;
    fn set_condition(&self, setting: ConditionSetting) -> Answer<'_, Acknowledged>;

    fn follow(&self) -> Box<dyn Follow>;
    fn restore(&self, changes: Vec<Change>) -> Answer<'_, ()>;
    fn report(&self, replica: ReplicaReport) -> Answer<'_, ()>;
    fn replicas(&self) -> Answer<'_, Vec<ReplicaReport>>;
}

/// One reader of the changes.
pub(super) trait Follow: fmt::Debug + Send {
    /// As [`Follower::next`](super::Follower::next).
    fn next(&mut self) -> Answer<'_, Batch>;
}
