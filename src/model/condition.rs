//! What somebody says is true at the moment: the value of a condition that a policy declares.

use std::sync::Arc;

use super::name::ConditionName;
use super::time::Timestamp;

/// The value of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionSetting {
    /// Its name.
    pub name: ConditionName,
    /// Its value.
    pub value: bool,
    /// Who says so.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// Since when.
    pub at: Timestamp,
    /// Until when; after that it is as if nobody had said anything.
    pub expires: Option<Timestamp>,
    /// Grows by one with every change, from 1.
    pub version: u64,
}

impl ConditionSetting {
    /// Its value at `now`, if it still counts.
    pub fn value(&self, now: Timestamp) -> Option<bool> {
        let over = self.expires.is_some_and(|expires| now >= expires);
        (!over).then_some(self.value)
    }

    /// Whether it replaces another one of the same name.
    pub fn replaces(&self, other: &Self) -> bool {
        let order = |it: &Self| (it.version, it.at, it.value);
        order(self) > order(other)
    }
}
