//! What replicas tell each other: states, never differences, so that one can come twice, late or in another order.

use std::fmt;
use std::sync::Arc;

use super::approval::Approval;
use super::condition::ConditionSetting;
use super::revocation::Revocation;

/// Something that changed, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An approval; the greater version counts.
    Approval(Arc<Approval>),
    /// A revocation; it is merged.
    Revocation(Arc<Revocation>),
    /// A condition; the newer counts.
    Condition(Arc<ConditionSetting>),
}

/// How much of the state somebody has seen. Positions of two generations cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The state's own id: another one means that the state was lost or replaced.
    pub generation: Arc<str>,
    /// Changes since its beginning.
    pub seq: u64,
}

impl Position {
    /// Whether whoever is here has seen what was acknowledged at `other`.
    pub fn has_seen(&self, other: &Self) -> bool {
        self.generation == other.generation && self.seq >= other.seq
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.seq)
    }
}
