//! Opening: the first attempt of a call leaves one record, however often it is retried.

use std::sync::Arc;
use std::time::Duration;

use super::{ApprovalError, Approvals};
use crate::keys::base64url;
use crate::keys::{RandomError, random_bytes};
use crate::model::approval::{Approval, ApprovalId, DemandFacts, Involved, Requester, Status};
use crate::model::name::{ActionId, RouteId};
use crate::model::party::{Parties, Party};
use crate::model::route::{Resource, Tier};
use crate::model::time::Timestamp;
use crate::policy::{Bind, Demand, Matter};
use crate::store::{OpenLimits, Opened};

/// What an approval is sought for: one call, as it was decided about.
#[derive(Clone, Debug)]
pub struct Sought {
    /// What exactly would be approved.
    pub matter: Matter,
    /// Who asks.
    pub requester: Requester,
    /// The route.
    pub route: RouteId,
    /// The action.
    pub action: ActionId,
    /// How much harm it can do.
    pub tier: Tier,
    /// What it touches.
    pub resource: Option<Resource>,
    /// The version of the policy that demands it.
    pub policy_version: Arc<str>,
}

impl Sought {
    /// A new record of it.
    fn record(&self, id: ApprovalId, demand: &Demand, now: Timestamp) -> Approval {
        let sought = self.clone();
        Approval {
            id,
            key: sought.matter.key,
            version: 1,
            status: Status::Pending,
            created: now,
            pending_until: now.plus(demand.pending),
            decided: None,
            valid_until: None,
            uses: demand.uses,
            requester: sought.requester,
            tenant: sought.matter.tenant,
            route: sought.route,
            action: sought.action,
            tier: sought.tier,
            resource: sought.resource,
            details: sought.matter.details,
            demand: remembered(demand),
            policy_version: sought.policy_version,
            ended_because: None,
            votes: Vec::new(),
            spent: Vec::new(),
        }
    }
}

/// What an approval remembers of the demand that opened it.
fn remembered(demand: &Demand) -> DemandFacts {
    let Demand {
        rules,
        from,
        ttl,
        pending: _,
        uses: _,
        bind,
        reason_required,
    } = demand;
    let bind = if bind.everything {
        vec![Arc::from("everything")]
    } else {
        bind.names.clone()
    };
    DemandFacts {
        rules: rules.clone(),
        from: from.clone(),
        ttl: ttl.as_secs(),
        bind,
        reason_required: *reason_required,
    }
}

/// The demand that an approval remembers.
pub(super) fn demand(approval: &Approval) -> Demand {
    let DemandFacts {
        rules,
        from,
        ttl,
        bind: _,
        reason_required,
    } = approval.demand.clone();
    Demand {
        rules,
        from,
        ttl: Duration::from_secs(ttl),
        pending: Duration::ZERO,
        uses: approval.uses,
        // Votes do not depend on it: whatever it is, it is in the key.
        bind: Bind::default(),
        reason_required,
    }
}

impl Requester {
    /// Those who ask with a call.
    pub fn of(parties: &Parties, proof: Option<Arc<str>>) -> Self {
        let Parties {
            subject,
            actor,
            depth: _,
            prior,
        } = parties;
        Self {
            subject: involved(subject),
            actor: actor.as_ref().map(involved),
            prior: prior.clone(),
            proof,
        }
    }
}

fn involved(party: &Party) -> Involved {
    Involved {
        id: party.id.clone(),
        kind: party.kind,
        owner: party.owner.clone(),
    }
}

/// An id that nobody can guess.
fn new_id() -> Result<ApprovalId, RandomError> {
    let random: [u8; 16] = random_bytes()?;
    let text = format!("{}{}", ApprovalId::PREFIX, base64url::encode(&random));
    // Sixteen bytes have 22 characters of base64url.
    ApprovalId::parse(&text).map_err(|_impossible| RandomError)
}

impl Approvals {
    /// Opens a record of what is sought, unless there is a live one, or there was a no, or its requester waits for too many.
    pub async fn open(
        &self,
        sought: &Sought,
        demand: &Demand,
        limits: OpenLimits,
        now: Timestamp,
    ) -> Result<Opened, ApprovalError> {
        let store = self.store()?;
        let record = sought.record(new_id()?, demand, now);
        Ok(match store.open_approval(record, limits, now).await? {
            Opened::New(approval) => Opened::New(self.heard(approval).await?),
            Opened::Known(approval) => Opened::Known(self.heard(approval).await?),
            Opened::Denied(approval) => Opened::Denied(self.heard(approval).await?),
            Opened::TooMany => Opened::TooMany,
        })
    }
}
