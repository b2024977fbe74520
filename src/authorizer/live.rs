//! What changes without a reload, in memory: the same for every snapshot of one process.

use crate::approval::Approvals;
use crate::condition::Conditions;
use crate::model::change::Change;
use crate::revocation::Revocations;
use crate::store::{Freshness, Store};

/// What this replica knows of revocations, approvals and conditions, and how new that is. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub struct Live {
    /// What is not good any more.
    pub revocations: Revocations,
    /// What somebody has approved.
    pub approvals: Approvals,
    /// What is true at the moment.
    pub conditions: Conditions,
    /// How new all of that is.
    pub freshness: Freshness,
}

impl Live {
    /// Nothing is known, and nothing can become known: what is decided without a server.
    pub fn none() -> Self {
        Self {
            revocations: Revocations::default(),
            approvals: Approvals::default(),
            conditions: Conditions::default(),
            freshness: Freshness::exempt(),
        }
    }

    /// Nothing is known yet of `store`, where what changes is kept. Whoever follows it takes over what changes, and says how new
    /// that is.
    pub fn of(store: &Store) -> Self {
        Self {
            approvals: Approvals::kept_in(store.clone()),
            freshness: store.freshness().clone(),
            ..Self::none()
        }
    }

    /// Takes over what changed.
    pub fn apply(&self, changes: &[Change]) {
        let mut revoked = Vec::new();
        for change in changes {
            match change {
                Change::Approval(approval) => self.approvals.apply(approval),
                Change::Revocation(entry) => revoked.push(std::sync::Arc::clone(entry)),
                Change::Condition(setting) => self.conditions.apply(setting),
            }
        }
        if !revoked.is_empty() {
            self.revocations.apply(&revoked);
        }
    }
}
