//! Approvals as programs read them. The values of arguments are in [`whole`] alone.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::show::Shown;
use crate::model::approval::{
    Approval, Details, Involved, Requester, Spending, State, Status, Vote, Voter,
};
use crate::model::name::{ProviderName, RuleId};
use crate::model::party::PartyId;
use crate::model::route::Resource;
use crate::model::time::Timestamp;

/// How an approval stands, for whoever asked for it: nothing of what others said.
pub(super) fn standing(approval: &Approval, now: Timestamp) -> Json {
    json!({
        "id": approval.id.as_str(),
        "status": approval.state(now).as_str(),
        "version": approval.version,
        "created": moment(approval.created),
        "pending_until": moment(approval.pending_until),
        "decided": approval.decided.map(moment),
        "valid_until": approval.valid_until.map(moment),
        "uses": approval.uses,
        "uses_left": uses_left(approval, now),
    })
}

/// What a list says of an approval.
pub(super) fn brief(approval: &Approval, now: Timestamp) -> Json {
    let Requester {
        subject,
        actor,
        prior,
        proof: _,
    } = &approval.requester;
    let mut shown = standing(approval, now);
    let more = json!({
        "requester": { "subject": involved(subject), "actor": actor.as_ref().map(involved),
            "prior": prior.iter().map(|it| party(&it.id)).collect::<Vec<_>>() },
        "tenant": approval.tenant.as_deref(),
        "route": approval.route.as_str(),
        "action": approval.action.as_str(),
        "tier": approval.tier.as_str(),
        "resource": approval.resource.as_ref().map(resource),
        "risk": approval.details.risk,
        "from": from(approval),
        "votes": approval.votes.len(),
    });
    merge(&mut shown, more);
    shown
}

/// All of it, and what was decided before for the same requester and action.
pub(super) fn whole(shown: &Shown, now: Timestamp) -> Json {
    let Shown { approval, before } = shown;
    let mut all = brief(approval, now);
    let demand = &approval.demand;
    let rules: Vec<&str> = demand.rules.iter().map(RuleId::as_str).collect();
    let more = json!({
        "proof": approval.requester.proof.as_deref(),
        "call": call(&approval.details),
        "demand": {
            "rules": rules,
            "from": from(approval),
            "ttl_seconds": demand.ttl,
            "bind": demand.bind,
            "reason_required": demand.reason_required,
        },
        "policy_version": &*approval.policy_version,
        "ended_because": approval.ended_because.as_deref(),
        "votes": approval.votes.iter().map(vote).collect::<Vec<_>>(),
        "spent": approval.spent.iter().map(spending).collect::<Vec<_>>(),
        "before": before.iter().map(|it| brief(it, now)).collect::<Vec<_>>(),
    });
    merge(&mut all, more);
    all
}

fn merge(into: &mut Json, more: Json) {
    if let (Json::Object(into), Json::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// What was asked for; what is canonical JSON stays a text, as it was digested.
fn call(details: &Details) -> Json {
    let Details {
        operation,
        arguments,
        rest,
        params,
        query,
        body,
        request,
        workload,
        risk: _,
    } = details;
    json!({
        "operation": operation.as_deref(),
        "request": request.as_deref(),
        "workload": workload.as_deref(),
        "arguments": arguments.as_deref(),
        "rest": rest.as_deref(),
        "params": params.as_deref(),
        "query": query.as_deref(),
        "body_sha256": body.as_ref().map(hex),
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn from(approval: &Approval) -> Vec<String> {
    let from = approval.demand.from.iter();
    from.map(ToString::to_string).collect()
}

fn uses_left(approval: &Approval, now: Timestamp) -> u32 {
    match approval.state(now) {
        State::Is(Status::Approved) => approval.uses_left(),
        State::Is(_) | State::Expired => 0,
    }
}

fn involved(it: &Involved) -> Json {
    let Involved { id, kind, owner } = it;
    let mut shown = party(id);
    merge(
        &mut shown,
        json!({ "kind": kind.as_str(), "owner": owner.as_deref() }),
    );
    shown
}

fn party(id: &PartyId) -> Json {
    let issuer = id.issuer.as_ref().map(ProviderName::as_str);
    json!({ "issuer": issuer, "id": &*id.id })
}

fn resource(resource: &Resource) -> Json {
    let Resource { kind, id } = resource;
    json!({ "type": &**kind, "id": &**id })
}

fn vote(vote: &Vote) -> Json {
    let Vote {
        voter,
        approve,
        at,
        reason,
    } = vote;
    let Voter {
        id,
        kind,
        groups,
        owner,
        actor,
        prior,
        owners: _,
        acr,
        auth_time,
    } = voter;
    let mut shown = party(id);
    let more = json!({
        "kind": kind.as_str(),
        "groups": groups,
        "owner": owner.as_deref(),
        "actor": actor.as_ref().map(party),
        "prior": prior.iter().map(party).collect::<Vec<_>>(),
        "acr": acr.as_deref(),
        "auth_time": auth_time.map(moment),
    });
    merge(&mut shown, more);
    json!({ "voter": shown, "approve": approve, "at": moment(*at), "reason": reason.as_deref() })
}

fn spending(spending: &Spending) -> Json {
    let Spending { decision, at } = spending;
    json!({ "decision": decision.as_str(), "at": moment(*at) })
}

fn moment(at: Timestamp) -> String {
    at.to_string()
}
