//! What an approval remembers of the call, and of what was demanded.

use serde::{Deserialize, Serialize};

use super::approvers::{ApproversRecord, approvers_record, read_approvers};
use super::{RecordError, Text, damaged, hex, unhex};
use crate::model::approval::{DemandFacts, Details};
use crate::model::name::RuleId;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsRecord {
    /// Older records have none.
    operation: Option<Text>,
    arguments: Option<Text>,
    rest: Option<Text>,
    params: Option<Text>,
    query: Option<Text>,
    body: Option<String>,
    request: Option<Text>,
    workload: Option<Text>,
    risk: Option<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemandRecord {
    rules: Vec<Text>,
    from: Vec<ApproversRecord>,
    ttl: u64,
    bind: Vec<Text>,
    reason_required: bool,
}

pub(super) fn details_record(details: &Details) -> DetailsRecord {
    let Details {
        operation,
        arguments,
        rest,
        params,
        query,
        body,
        request,
        workload,
        risk,
    } = details;
    DetailsRecord {
        operation: operation.clone(),
        arguments: arguments.clone(),
        rest: rest.clone(),
        params: params.clone(),
        query: query.clone(),
        body: body.as_ref().map(hex),
        request: request.clone(),
        workload: workload.clone(),
        risk: *risk,
    }
}

pub(super) fn read_details(record: DetailsRecord) -> Result<Details, RecordError> {
    let DetailsRecord {
        operation,
        arguments,
        rest,
        params,
        query,
        body,
        request,
        workload,
        risk,
    } = record;
    Ok(Details {
        operation,
        arguments,
        rest,
        params,
        query,
        body: body.as_deref().map(unhex).transpose()?,
        request,
        workload,
        risk,
    })
}

pub(super) fn demand_record(demand: &DemandFacts) -> DemandRecord {
    let DemandFacts {
        rules,
        from,
        ttl,
        bind,
        reason_required,
    } = demand;
    DemandRecord {
        rules: rules.iter().map(RuleId::shared).collect(),
        from: from.iter().map(approvers_record).collect(),
        ttl: *ttl,
        bind: bind.clone(),
        reason_required: *reason_required,
    }
}

pub(super) fn read_demand(record: DemandRecord) -> Result<DemandFacts, RecordError> {
    let DemandRecord {
        rules,
        from,
        ttl,
        bind,
        reason_required,
    } = record;
    let from: Result<_, _> = from.into_iter().map(read_approvers).collect();
    let rules: Result<_, _> = rules.iter().map(|rule| RuleId::new(rule)).collect();
    Ok(DemandFacts {
        rules: rules.map_err(damaged)?,
        from: from?,
        ttl,
        bind,
        reason_required,
    })
}
