//! The inventory of non-human identities: who owns them, what they are, and where they are in their life.
//!
//! For an identity that is listed here, kind, groups, owner and lifecycle come from here alone, whatever a token says. The
//! registry does not know who asks: the authorizer joins it to what a provider states. What the checks of an identity's life
//! find is a function of plain data ([`Lifecycle`]); the authorizer says when they are made and what follows.

mod compile;
mod lifecycle;
mod settings;
mod spec;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;

use crate::model::glob::Glob;
use crate::model::party::{Kind, PartyId};
use crate::model::time::Timestamp;

pub use lifecycle::{Found, Use};
pub use settings::{Lifecycle, LifecycleSpec};
pub use spec::{RegisteredSpec, RegistrySpec, StatusSpec};

/// The registered identities; immutable.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    known: HashMap<PartyId, Registered>,
}

/// What the registry knows about an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// `service` or `agent`, nothing else.
    pub kind: Kind,
    /// Who answers for it; never empty.
    pub owner: Arc<str>,
    /// Its groups.
    pub groups: Arc<[Arc<str>]>,
    /// Where it is in its life.
    pub status: Status,
    /// The first moment at which it is not valid any more.
    pub expires: Option<Timestamp>,
    /// The workloads that may use it; none means any.
    pub workloads: Vec<Glob>,
    /// The environment that it belongs to.
    pub environment: Option<Arc<str>>,
    /// When its secret was rotated, where that is known.
    pub rotation: Option<Rotation>,
}

/// The last rotation of an identity's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// When it was.
    pub at: Timestamp,
    /// How long after it the next one is due, where the identity has a rule of its own.
    pub every: Option<Duration>,
}

/// Where an identity is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may act.
    Active,
    /// It may not act for now.
    Suspended,
    /// It may not act any more.
    Offboarded,
}

impl Status {
    /// The word that the file and the records use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Offboarded => "offboarded",
        }
    }
}

impl Registry {
    /// What is known about an identity; one lookup, without allocation. The anonymous party is never registered.
    pub fn find(&self, id: &PartyId) -> Option<&Registered> {
        self.known.get(id)
    }

    /// All identities, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&PartyId, &Registered)> {
        self.known.iter()
    }

    /// How many identities there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
