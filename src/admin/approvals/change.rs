//! Votes, revocations, and what a requester takes back. Each is carried out to its end and has a record of its own, beside that of the
//! decision that let it in.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::access::{Method, Operator};
use super::super::change::{Change, End, recorded};
use super::super::gate::{Connection, Gate};
use super::super::json::{pretty, read_within};
use super::super::problem::Problem;
use super::ask::{Act, Caller, permitted};
use super::requester::requester;
use super::shown::standing;
use super::{undone, unknown};
use crate::approval::{Ballot, Ended, MAX_REASON_BYTES, VoteRefusal, Voted};
use crate::model::approval::{Approval, ApprovalId, State as Standing, Status, Voter};
use crate::model::change::Position;
use crate::model::party::Parties;
use crate::revocation::Name;

/// Largest body in bytes: a reason and what is around it.
const MAX_BODY: usize = 16 * 1024;

/// What is said with a change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    reason: Option<String>,
}

/// What became of a change.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Decided {
    /// How the approval is now.
    pub(in crate::admin) approval: Arc<Approval>,
    /// Whoever has seen this has seen the change; none if nothing had to be changed.
    pub(in crate::admin) position: Option<Position>,
}

/// What answers a request to do this.
pub(super) fn doing(act: Act) -> MethodRouter<Arc<Gate>> {
    post(
        move |State(gate): State<Arc<Gate>>,
              Extension(connection): Extension<Connection>,
              Path(id): Path<String>,
              request: Request| async move {
            answered(gate, &connection, act, &id, request).await
        },
    )
}

/// Does what the policy allows.
async fn answered(
    gate: Arc<Gate>,
    connection: &Connection,
    act: Act,
    id: &str,
    request: Request,
) -> Response {
    let Ok(id) = ApprovalId::parse(id) else {
        return unknown().into_response();
    };
    let headers = request.headers().clone();
    let said: Said = match read_within(request, MAX_BODY).await {
        Ok(said) => said,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller {
        headers: &headers,
        connection,
    };
    let parties = match permitted(&gate, act, Some(&id), caller).await {
        Ok(parties) => parties,
        Err(refused) => return refused.answer(&gate),
    };
    let done = vote(&gate, act, id, said.reason, &parties).await;
    answer(&gate, done)
}

/// Takes back what the caller has asked for.
pub(super) async fn cancel(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let Ok(id) = ApprovalId::parse(&id) else {
        return unknown().into_response();
    };
    let headers = request.headers().clone();
    let said: Said = match read_within(request, MAX_BODY).await {
        Ok(said) => said,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller {
        headers: &headers,
        connection: &connection,
    };
    let path = format!("/approvals/{id}/cancel");
    let parties = match requester(&gate, &id, (axum::http::Method::POST, &path), caller).await {
        Ok(asker) => asker.parties,
        Err(stranger) => return stranger.answer(&gate),
    };
    let (change, own) = (change(&parties, "approvals.cancel"), Arc::clone(&gate));
    let act = async move {
        let done = ended(&own, &id, said.reason, "taken back", true).await;
        (End::new(word(&done), Some(id.to_string())), done)
    };
    let done = recorded(Arc::clone(&gate), change, act).await;
    answer(&gate, done.and_then(|done| done))
}

fn answer(gate: &Gate, done: Result<Decided, Problem>) -> Response {
    match done {
        Ok(decided) => pretty(StatusCode::OK, &decided.shown(gate)),
        Err(problem) => problem.into_response(),
    }
}

/// Does what somebody may do: takes a vote, or revokes. `act` is one of these.
pub(in crate::admin) async fn vote(
    gate: &Arc<Gate>,
    act: Act,
    id: ApprovalId,
    reason: Option<String>,
    parties: &Parties,
) -> Result<Decided, Problem> {
    let ballot = Ballot {
        voter: voter(parties),
        approve: act == Act::Approve,
        reason: None,
    };
    let (change, own) = (change(parties, act.as_str()), Arc::clone(gate));
    let carried = async move {
        let done = match act {
            Act::Approve | Act::Deny => counted(&own, &id, ballot, reason).await,
            Act::Revoke => ended(&own, &id, reason, "revoked", false).await,
            Act::List | Act::Read => Err(Problem::internal("nothing is changed by looking")),
        };
        (End::new(word(&done), Some(id.to_string())), done)
    };
    recorded(Arc::clone(gate), change, carried).await?
}

fn change(parties: &Parties, action: &'static str) -> Change {
    let operator = Operator {
        name: None,
        method: Method::Provider,
        id: Some(parties.subject.id.to_string()),
        actor: parties.actor.as_ref().map(|actor| actor.id.to_string()),
    };
    Change { operator, action }
}

/// The word that records use.
fn word(done: &Result<Decided, Problem>) -> &'static str {
    match done {
        Ok(decided) if decided.position.is_none() => "unchanged",
        Ok(decided) => decided.approval.status.as_str(),
        Err(_problem) => "refused",
    }
}

/// The approver that these parties are.
fn voter(parties: &Parties) -> Voter {
    let Parties {
        subject,
        actor,
        depth: _,
        prior,
    } = parties;
    let acting = actor.iter().filter_map(|actor| actor.owner.as_ref());
    let owners = acting.chain(prior.iter().filter_map(|prior| prior.owner.as_ref()));
    Voter {
        id: subject.id.clone(),
        kind: subject.kind,
        groups: subject.groups.to_vec(),
        owner: subject.owner.clone(),
        actor: actor.as_ref().map(|actor| actor.id.clone()),
        prior: prior.iter().map(|prior| prior.id.clone()).collect(),
        owners: owners.cloned().collect(),
        acr: subject.assurance.acr.clone(),
        auth_time: subject.assurance.auth_time,
    }
}

async fn counted(
    gate: &Gate,
    id: &ApprovalId,
    ballot: Ballot,
    reason: Option<String>,
) -> Result<Decided, Problem> {
    let ballot = Ballot {
        reason: reason.map(Arc::from),
        ..ballot
    };
    let now = (gate.state.clock)();
    let snapshot = (gate.state.snapshot)();
    // Whoever revoked it need not have asked what it was waiting for.
    if snapshot.live.revocations.names(&Name::Approval(id)) {
        return Err(over(Standing::Is(Status::Revoked)));
    }
    let (approvals, stand) = (&gate.state.live.approvals, |vote: &_| snapshot.stands(vote));
    let voted = approvals.vote(id, &ballot, &stand, now).await;
    match voted.map_err(|error| undone(&error))? {
        Voted::Done(approval, position) => Ok(Decided {
            approval,
            position: Some(position),
        }),
        Voted::Known(approval) => Ok(Decided {
            approval,
            position: None,
        }),
        Voted::Refused(refusal) => Err(refused(refusal)),
        Voted::Missing => Err(unknown()),
    }
}

fn refused(refusal: VoteRefusal) -> Problem {
    let status = match refusal {
        VoteRefusal::Over(_) | VoteRefusal::Repeated | VoteRefusal::Full => StatusCode::CONFLICT,
        VoteRefusal::NotAsked | VoteRefusal::Own => StatusCode::FORBIDDEN,
        VoteRefusal::ReasonRequired | VoteRefusal::ReasonTooLong => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, refusal.as_str(), refusal.to_string())
}

/// Ends an approval; only one that waits if it is taken back.
async fn ended(
    gate: &Gate,
    id: &ApprovalId,
    reason: Option<String>,
    how: &'static str,
    taken_back: bool,
) -> Result<Decided, Problem> {
    let reason = reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    if reason
        .as_ref()
        .is_some_and(|it| it.len() > MAX_REASON_BYTES)
    {
        return Err(refused(VoteRefusal::ReasonTooLong));
    }
    let because = reason.map_or_else(|| Arc::from(how), Arc::from);
    let (approvals, now) = (&gate.state.live.approvals, (gate.state.clock)());
    let ended = if taken_back {
        approvals.cancel(id, &because, now).await
    } else {
        approvals.end(id, &because, now).await
    };
    match ended.map_err(|error| undone(&error))? {
        Ended::Done(approval, position) => Ok(Decided {
            approval,
            position: Some(position),
        }),
        Ended::Over(state) => Err(over(state)),
        Ended::Missing => Err(unknown()),
    }
}

fn over(state: Standing) -> Problem {
    let detail = format!("it is {} already", state.as_str());
    Problem::new(StatusCode::CONFLICT, "approval_over", detail)
}

impl Decided {
    fn shown(&self, gate: &Gate) -> Json {
        let Self { approval, position } = self;
        let mut shown = standing(approval, (gate.state.clock)());
        if let Json::Object(members) = &mut shown {
            members.insert("votes".to_owned(), json!(approval.votes.len()));
            let position = position.as_ref().map(ToString::to_string);
            members.insert("position".to_owned(), json!(position));
        }
        shown
    }
}
