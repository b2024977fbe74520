//! What changes without a reload, in memory: the same for every snapshot of one process.

use std::time::{Duration, Instant};

use crate::approval::Approvals;
use crate::cache::RulingMemory;
use crate::condition::Conditions;
use crate::identity::Refusal;
use crate::model::change::Change;
use crate::model::reason::FaultCode;
use crate::model::route::Tier;
use crate::model::verdict::Fault;
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
    /// What rules have said before.
    pub rulings: RulingMemory,
}

impl Live {
    /// Nothing is known, and nothing can become known: what is decided without a server.
    pub fn none() -> Self {
        Self {
            revocations: Revocations::default(),
            approvals: Approvals::default(),
            conditions: Conditions::default(),
            freshness: Freshness::exempt(),
            rulings: RulingMemory::default(),
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

    /// Whether what is known is new enough to decide about a tier.
    pub(super) fn fresh_for(&self, tier: Tier, now: Instant) -> Result<(), Refusal> {
        if self.freshness.suffices(tier, now) {
            return Ok(());
        }
        Err(stale(self.freshness.age(now)))
    }
}

/// What is known may be wrong by now, so that nothing can be decided with it.
fn stale(age: Option<Duration>) -> Refusal {
    let cause = match age {
        Some(age) => format!(
            "what is known of revocations, approvals and conditions is {:.1} s old",
            age.as_secs_f64()
        ),
        None => "nothing is known yet of revocations, approvals and conditions".to_owned(),
    };
    Refusal::Fault(Fault::new(FaultCode::StateStale, cause))
}
