//! One approval, with all that whoever decides about it has to know.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::gate::{Connection, Gate};
use super::super::json::pretty;
use super::super::problem::Problem;
use super::ask::{Act, Caller, permitted};
use super::shown::whole;
use super::{unavailable, unknown};
use crate::model::approval::{Approval, ApprovalId};
use crate::store::ApprovalFilter;

/// How far back earlier approvals of the same requester are looked for, and how many are shown.
const LOOKED_AT: usize = 100;
const BEFORE: usize = 5;

/// An approval, and what was approved before it.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Shown {
    pub(in crate::admin) approval: Arc<Approval>,
    /// Those of the same requester for the same action that were decided, newest first.
    pub(in crate::admin) before: Vec<Arc<Approval>>,
}

pub(super) async fn show(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = ApprovalId::parse(&id) else {
        return unknown().into_response();
    };
    let caller = Caller {
        headers: &headers,
        connection: &connection,
    };
    if let Err(refused) = permitted(&gate, Act::Read, Some(&id), caller).await {
        return refused.answer(&gate);
    }
    match find(&gate, &id).await {
        Ok(shown) => pretty(StatusCode::OK, &whole(&shown, (gate.state.clock)())),
        Err(problem) => problem.into_response(),
    }
}

/// Finds an approval; whoever asks may read it.
pub(in crate::admin) async fn find(gate: &Gate, id: &ApprovalId) -> Result<Shown, Problem> {
    let store = &gate.state.store;
    let approval = store.approval(id).await;
    let approval = approval.map_err(|error| unavailable(&error))?;
    let approval = approval.ok_or_else(unknown)?;
    let requester = &approval.requester;
    let acting = requester.actor.as_ref().unwrap_or(&requester.subject);
    let filter = ApprovalFilter {
        status: None,
        requester: Some(acting.id.clone()),
        before: Some(approval.place()),
        limit: LOOKED_AT,
    };
    let earlier = store.approvals(filter).await;
    let earlier = earlier.map_err(|error| unavailable(&error))?;
    let before = earlier.into_iter().filter(|it| is_alike(it, &approval));
    Ok(Shown {
        before: before.take(BEFORE).collect(),
        approval,
    })
}

/// Whether the same parties asked for the same action, and somebody said something about it.
fn is_alike(earlier: &Approval, approval: &Approval) -> bool {
    let who = |it: &Approval| {
        let actor = it.requester.actor.as_ref().map(|actor| actor.id.clone());
        (it.requester.subject.id.clone(), actor)
    };
    earlier.decided.is_some()
        && earlier.action == approval.action
        && earlier.route == approval.route
        && who(earlier) == who(approval)
}
