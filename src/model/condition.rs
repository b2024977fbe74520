//! What somebody says is true at the moment: the value of a condition that a policy declares.

use std::sync::Arc;
use std::time::Duration;

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
    /// Since when: later than every setting before it that anybody knew who took part, whatever the clocks said.
    pub at: Timestamp,
    /// Until when; after that it is as if nobody had said anything.
    pub expires: Option<Timestamp>,
    /// Grows with every change, from 1.
    pub version: u64,
}

impl ConditionSetting {
    /// Its value at `now`, if it still counts.
    pub fn value(&self, now: Timestamp) -> Option<bool> {
        let over = self.expires.is_some_and(|expires| now >= expires);
        (!over).then_some(self.value)
    }

    /// Whether it replaces another one of the same name: the later does. A version says less, as it begins anew in a store that
    /// lost everything.
    pub fn replaces(&self, other: &Self) -> bool {
        let order = |it: &Self| (it.at, it.version, it.value);
        order(self) > order(other)
    }

    /// The same, said after `known`, whatever the clock says.
    #[must_use]
    pub fn after(self, known: Option<&Self>) -> Self {
        let Some(known) = known else {
            let version = self.version.max(1);
            return Self { version, ..self };
        };
        let next = known.at.plus(Duration::from_millis(1));
        Self {
            at: self.at.max(next),
            version: self.version.max(known.version.saturating_add(1)),
            ..self
        }
    }
}
