//! Whoever asked for an approval, by the credential that the call was made with: it is verified as on the route of the call, and good
//! for looking how the approval stands and for taking it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::caller::access_request;
use super::super::gate::Gate;
use super::super::problem::Problem;
use super::ask::{Caller, Refused, head, is_ambiguous};
use super::{unavailable, unknown};
use crate::authorizer::Described;
use crate::identity::{Clock, Refusal};
use crate::model::approval::{Approval, ApprovalId, Requester};
use crate::model::party::{Kind, Parties};
use crate::model::route::{Protocol, Route};
use crate::telemetry::AdminRefusal;

/// How long a provider may take that asks somebody about a credential.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why somebody is not taken for the requester.
#[derive(Debug)]
pub(super) enum Stranger {
    /// There is no such approval, or it cannot be looked up.
    Problem(Problem),
    /// There is no credential.
    Nobody,
    /// The credential is not good on the route of the call. The text is a code.
    Invalid(&'static str),
    /// It cannot be judged now. The text is a code.
    Unavailable(&'static str),
    /// It is somebody else's.
    Other,
}

/// Somebody who asked for an approval.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) approval: Arc<Approval>,
    pub(super) parties: Parties,
    /// Whether the call itself could be made with this credential: it has every party of the call and no other, and its key. Who
    /// is only one of the parties looks, and gets nothing to call with.
    pub(super) calls: bool,
}

/// The approval, and those who ask, if each of them is a party to it.
pub(super) async fn requester(
    gate: &Gate,
    id: &ApprovalId,
    (method, path): (Method, &str),
    caller: Caller<'_>,
) -> Result<Asker, Stranger> {
    let approval = known(gate, id).await.map_err(Stranger::Problem)?;
    if is_ambiguous(caller.headers) {
        return Err(Stranger::Invalid("credential_ambiguous"));
    }
    let snapshot = (gate.state.snapshot)();
    let asked_on = snapshot.routes.iter().find(|it| it.id == approval.route);
    let Some(route) = asked_on.map(|route| door(gate, route)) else {
        return Err(Stranger::Other);
    };
    let _turn = gate.turn().await;
    let head = head(method, path, caller.headers);
    let request = access_request(&head, caller.connection, (gate.state.clock)(), true);
    let now = Instant::now();
    let clock = Clock {
        now,
        until: now + PATIENCE,
    };
    match snapshot.parties(&request, &route, clock).await {
        Ok(who) if who.parties.subject.kind == Kind::Anonymous => Err(Stranger::Nobody),
        Ok(who) if are_parties(&approval, &who.parties) => Ok(Asker {
            calls: is_of_the_call(&approval.requester, &who),
            approval,
            parties: who.parties,
        }),
        Ok(_others) => Err(Stranger::Other),
        Err(Refusal::Deny(denial)) => Err(Stranger::Invalid(denial.reason.as_str())),
        Err(Refusal::Fault(fault)) => Err(Stranger::Unavailable(fault.code.as_str())),
    }
}

/// An approval from memory, and only if it is not there from the store.
pub(super) async fn known(gate: &Gate, id: &ApprovalId) -> Result<Arc<Approval>, Problem> {
    if let Some(known) = gate.state.live.approvals.get(id) {
        return Ok(known);
    }
    let stored = gate.state.store.approval(id).await;
    let stored = stored.map_err(|error| unavailable(&error))?;
    stored.ok_or_else(unknown)
}

/// The route of the call as far as credentials are concerned, reached where this listener is: a proof of possession is made for the
/// place where it is presented.
fn door(gate: &Gate, called: &Route) -> Route {
    let url = gate.settings.url.as_ref();
    Route {
        id: called.id.clone(),
        matches: called.matches.clone(),
        url: url.map_or_else(|| Arc::clone(&called.url), |url| Arc::clone(&url.text)),
        audience: Arc::clone(&called.audience),
        providers: called.providers.clone(),
        tenant: called.tenant.clone(),
        environment: called.environment.clone(),
        protocol: Protocol::Http,
        actions: Vec::new(),
    }
}

/// Whether each of these is the subject or the actor of the approval: somebody who acts for another person is neither.
fn are_parties(approval: &Approval, parties: &Parties) -> bool {
    let requester = &approval.requester;
    let involved = || std::iter::once(&requester.subject).chain(&requester.actor);
    parties
        .each()
        .all(|party| involved().any(|it| it.id == party.id))
}

/// Whether this is the same subject, the same actor and the same key.
fn is_of_the_call(requester: &Requester, who: &Described) -> bool {
    let Described { parties, token } = who;
    let bound = token.as_ref().and_then(|(_, token)| token.bound.as_ref());
    let actor = parties.actor.as_ref().map(|actor| &actor.id);
    requester.subject.id == parties.subject.id
        && requester.actor.as_ref().map(|actor| &actor.id) == actor
        && requester.proof.as_ref() == bound
}

impl Stranger {
    /// What a program is told.
    pub(super) fn answer(self, gate: &Gate) -> Response {
        let counted = match &self {
            Self::Problem(_) => None,
            Self::Nobody | Self::Invalid(_) => Some(AdminRefusal::Unauthenticated),
            Self::Other => Some(AdminRefusal::Forbidden),
            Self::Unavailable(_) => Some(AdminRefusal::Unavailable),
        };
        if let Some(counted) = counted {
            gate.state.metrics.admin_refused(counted);
        }
        let challenged = |code, challenge| {
            let detail = "present the credential that the call was made with";
            let problem = Problem::new(StatusCode::UNAUTHORIZED, code, detail);
            ([(header::WWW_AUTHENTICATE, challenge)], problem).into_response()
        };
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Nobody => challenged("authentication_required", "Bearer realm=\"countersign\""),
            Self::Invalid(code) => {
                let _room = gate.limiter.failed(Instant::now());
                let challenge = "Bearer realm=\"countersign\", error=\"invalid_token\"";
                challenged(code, challenge)
            }
            Self::Unavailable(code) => {
                let detail = "the credential cannot be judged now";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).into_response()
            }
            Self::Other => {
                let detail = "only those who asked for an approval can take it back";
                Problem::new(StatusCode::FORBIDDEN, "not_the_requester", detail).into_response()
            }
        }
    }

    /// What is told to somebody who is no requester, and may not read the approval either: what would help whoever has no credential
    /// for this listener is the first answer.
    pub(super) fn or(self, refused: &Refused, gate: &Gate) -> Response {
        match self {
            Self::Problem(_) | Self::Unavailable(_) => self.answer(gate),
            Self::Nobody | Self::Invalid(_) | Self::Other => refused.answer(gate),
        }
    }
}
