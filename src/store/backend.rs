//! What a backend must be able to do. There are two: a file, and a server that many replicas share.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::sqlite::Sqlite;
use super::valkey::Valkey;
use super::{
    Acknowledged, ApiKeyRecord, ApprovalFilter, Batch, Consumed, KeysVersion, OneUse, OpenLimits,
    Opened, Put, ReplicaReport, Revoked, Rotated, SeenRecord, Spent, StoreError, StoredKeys,
    Swapped, UsedUp,
};
use crate::model::approval::{Approval, ApprovalId};
use crate::model::change::Change;
use crate::model::condition::ConditionSetting;
use crate::model::decision::DecisionId;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;

/// An answer that is on its way.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Writes the operations of a backend once: the trait has them, and each backend's are its own methods of the same names, boxed. A
/// backend that lacks one, or has it with other types, does not compile.
macro_rules! backends {
    (
        $(#[$about:meta])*
        for $($backend:ty),+;
        $(
            $(#[$said:meta])*
            async fn $name:ident<$life:lifetime>(&$_self:lifetime self $(, $argument:ident: $type:ty)*) -> $answer:ty;
        )*
    ) => {
        $(#[$about])*
        pub(super) trait Backend: fmt::Debug + Send + Sync {
            $(
                $(#[$said])*
                fn $name<$life>(&$life self $(, $argument: $type)*) -> Answer<$life, $answer>;
            )*

            fn follow(&self) -> Box<dyn Follow>;
        }
        backends!(@ [$($backend),+] {
            $(
                fn $name<$life>(&$life self $(, $argument: $type)*) -> Answer<$life, $answer> {
                    Box::pin(Self::$name(self $(, $argument)*))
                }
            )*
        });
    };
    (@ [$first:ty $(, $rest:ty)*] { $($methods:tt)* }) => {
        impl Backend for $first {
            $($methods)*

            fn follow(&self) -> Box<dyn Follow> {
                Box::new(Self::follow(self))
            }
        }
        backends!(@ [$($rest),*] { $($methods)* });
    };
    (@ [] $methods:tt) => {};
}

backends! {
    /// Durable state. What each operation guarantees is said at the method of [`Store`](super::Store) that has its name; every one
    /// is atomic by itself, for all processes that share the state.
    for Sqlite, Valkey;

    async fn secret<'a>(&'a self, name: &'a str) -> [u8; 32];
    async fn consume<'a>(&'a self, key: [u8; 32], until: Timestamp, now: Timestamp) -> Consumed;
    async fn use_up<'a>(&'a self, it: OneUse, now: Timestamp) -> UsedUp;
    async fn claim<'a>(&'a self, key: [u8; 32], until: Timestamp, now: Timestamp) -> Consumed;
    async fn note_seen<'a>(&'a self, records: Vec<SeenRecord>) -> usize;
    async fn seen<'a>(&'a self) -> Vec<SeenRecord>;

    async fn put_api_key<'a>(&'a self, record: ApiKeyRecord, now: Timestamp) -> Put;
    async fn rotate_api_key<'a>(
        &'a self, old: String, ends: Timestamp, successor: ApiKeyRecord, now: Timestamp
    ) -> Rotated;
    async fn api_keys<'a>(&'a self) -> StoredKeys;
    async fn revoke_api_key<'a>(&'a self, id: &'a str, at: Timestamp, reason: Option<String>) -> Revoked;
    async fn touch_api_keys<'a>(&'a self, used: Vec<(String, Timestamp)>) -> ();
    async fn version<'a>(&'a self) -> KeysVersion;

    async fn open_approval<'a>(&'a self, new: Approval, limits: OpenLimits, now: Timestamp) -> Opened;
    /// The version of `next` is the one after `expected`: that was looked at.
    async fn change_approval<'a>(&'a self, expected: u64, next: Approval) -> Swapped;
    async fn spend_approval<'a>(
        &'a self, id: &'a ApprovalId, votes: usize, uses: u32, by: &'a DecisionId, now: Timestamp
    ) -> Spent;
    async fn approval<'a>(&'a self, id: &'a ApprovalId) -> Option<Arc<Approval>>;
    /// The filter's limit is no more than [`MAX_LISTED`](super::MAX_LISTED).
    async fn approvals<'a>(&'a self, filter: ApprovalFilter) -> Vec<Arc<Approval>>;

    async fn revoke<'a>(&'a self, entries: Vec<Revocation>) -> Acknowledged;
    async fn revocations<'a>(&'a self) -> Vec<Revocation>;
    async fn set_condition<'a>(&'a self, setting: ConditionSetting) -> Acknowledged;
    async fn advance_condition<'a>(&'a self, setting: ConditionSetting) -> Option<Acknowledged>;

    async fn restore<'a>(&'a self, changes: Vec<Change>) -> ();
    async fn report<'a>(&'a self, replica: ReplicaReport) -> ();
    async fn leave<'a>(&'a self, name: &'a str) -> ();
    async fn replicas<'a>(&'a self) -> Vec<ReplicaReport>;
}

/// One reader of the changes.
pub(super) trait Follow: fmt::Debug + Send {
    /// As [`Follower::next`](super::Follower::next).
    fn next(&mut self) -> Answer<'_, Batch>;
}
