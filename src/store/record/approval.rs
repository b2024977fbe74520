//! The record of an approval.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::details::{
    DemandRecord, DetailsRecord, demand_record, details_record, read_demand, read_details,
};
use super::involved::{
    InvolvedRecord, PriorRecord, VoteRecord, involved, prior as prior_record, read_involved,
    read_prior, read_vote, vote_record,
};
use super::{RecordError, Text, VERSION, damaged, hex, read, unhex, write};
use crate::model::approval::{Approval, ApprovalId, ApprovalKey, Requester, Spending, Status};
use crate::model::decision::DecisionId;
use crate::model::name::{ActionId, RouteId};
use crate::model::route::Resource;
use crate::model::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalRecord {
    v: u32,
    id: Text,
    key: String,
    version: u64,
    status: String,
    created: i64,
    pending_until: i64,
    decided: Option<i64>,
    valid_until: Option<i64>,
    uses: u32,
    subject: InvolvedRecord,
    actor: Option<InvolvedRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prior: Vec<PriorRecord>,
    proof: Option<Text>,
    tenant: Option<Text>,
    route: Text,
    action: Text,
    tier: Text,
    resource: Option<(Text, Text)>,
    details: DetailsRecord,
    demand: DemandRecord,
    policy_version: Text,
    ended_because: Option<Text>,
    votes: Vec<VoteRecord>,
    spent: Vec<(Text, i64)>,
}

/// The text of an approval.
pub(in crate::store) fn write_approval(approval: &Approval) -> Result<String, RecordError> {
    let Approval {
        id,
        key,
        version,
        status,
        created,
        pending_until,
        decided,
        valid_until,
        uses,
        requester:
            Requester {
                subject,
                actor,
                prior,
                proof,
            },
        tenant,
        route,
        action,
        tier,
        resource,
        details,
        demand,
        policy_version,
        ended_because,
        votes,
        spent,
    } = approval;
    write(&ApprovalRecord {
        v: VERSION,
        id: id.shared(),
        key: hex(&key.0),
        version: *version,
        status: status.as_str().to_owned(),
        created: created.millis(),
        pending_until: pending_until.millis(),
        decided: decided.map(Timestamp::millis),
        valid_until: valid_until.map(Timestamp::millis),
        uses: *uses,
        subject: involved(subject),
        actor: actor.as_ref().map(involved),
        prior: prior.iter().map(prior_record).collect(),
        proof: proof.clone(),
        tenant: tenant.clone(),
        route: route.shared(),
        action: action.shared(),
        tier: Arc::from(tier.as_str()),
        resource: resource
            .as_ref()
            .map(|Resource { kind, id }| (Arc::clone(kind), Arc::clone(id))),
        details: details_record(details),
        demand: demand_record(demand),
        policy_version: Arc::clone(policy_version),
        ended_because: ended_because.clone(),
        votes: votes.iter().map(vote_record).collect(),
        spent: spent
            .iter()
            .map(|Spending { decision, at }| (Arc::from(decision.as_str()), at.millis()))
            .collect(),
    })
}

/// The approval of a text.
pub(in crate::store) fn read_approval(text: &str) -> Result<Approval, RecordError> {
    let ApprovalRecord {
        v: _,
        id,
        key,
        version,
        status,
        created,
        pending_until,
        decided,
        valid_until,
        uses,
        subject,
        actor,
        prior,
        proof,
        tenant,
        route,
        action,
        tier,
        resource,
        details,
        demand,
        policy_version,
        ended_because,
        votes,
        spent,
    } = read(text)?;
    Ok(Approval {
        id: ApprovalId::parse(&id).map_err(damaged)?,
        key: ApprovalKey(unhex(&key)?),
        version,
        status: Status::parse(&status).ok_or(RecordError::Damaged)?,
        created: Timestamp::from_millis(created),
        pending_until: Timestamp::from_millis(pending_until),
        decided: decided.map(Timestamp::from_millis),
        valid_until: valid_until.map(Timestamp::from_millis),
        uses,
        requester: Requester {
            subject: read_involved(subject)?,
            actor: actor.map(read_involved).transpose()?,
            prior: prior
                .into_iter()
                .map(read_prior)
                .collect::<Result<_, _>>()?,
            proof,
        },
        tenant,
        route: RouteId::new(&route).map_err(damaged)?,
        action: ActionId::new(&action).map_err(damaged)?,
        tier: tier.parse().map_err(damaged)?,
        resource: resource.map(|(kind, id)| Resource { kind, id }),
        details: read_details(details)?,
        demand: read_demand(demand)?,
        policy_version,
        ended_because,
        votes: votes.into_iter().map(read_vote).collect::<Result<_, _>>()?,
        spent: spent
            .into_iter()
            .map(|(decision, at)| Spending {
                decision: DecisionId::new(decision),
                at: Timestamp::from_millis(at),
            })
            .collect(),
    })
}
