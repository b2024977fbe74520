//! What is asked about approvals is decided like anything else: as a request to the built-in route `countersign`.

use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::super::caller::access_request;
use super::super::gate::{Connection, Gate};
use super::super::problem::Problem;
use super::challenge::challenge;
use crate::action::EXTENSION_KEY;
use crate::model::approval::ApprovalId;
use crate::model::decision::Decision;
use crate::model::party::{Kind, Parties};
use crate::model::verdict::{Denial, Remedy, Verdict};
use crate::telemetry::AdminRefusal;

/// The id of the built-in route.
pub(in crate::admin) const ROUTE: &str = "countersign";

/// How long a decision may take: a provider may ask somebody about a credential.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be done, each an action of the built-in route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Act {
    /// `approvals.list`
    List,
    /// `approvals.read`
    Read,
    /// `approvals.approve`
    Approve,
    /// `approvals.deny`
    Deny,
    /// `approvals.revoke`
    Revoke,
}

impl Act {
    /// The action's id.
    pub(in crate::admin) const fn as_str(self) -> &'static str {
        match self {
            Self::List => "approvals.list",
            Self::Read => "approvals.read",
            Self::Approve => "approvals.approve",
            Self::Deny => "approvals.deny",
            Self::Revoke => "approvals.revoke",
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::List | Self::Read => Method::GET,
            Self::Approve | Self::Deny | Self::Revoke => Method::POST,
        }
    }

    /// The path in the route's catalogue.
    fn path(self, id: Option<&ApprovalId>) -> String {
        let id = id.map(ApprovalId::as_str).unwrap_or_default();
        match self {
            Self::List => "/approvals".to_owned(),
            Self::Read => format!("/approvals/{id}"),
            Self::Approve => format!("/approvals/{id}/approve"),
            Self::Deny => format!("/approvals/{id}/deny"),
            Self::Revoke => format!("/approvals/{id}/revoke"),
        }
    }
}

/// Who asks: the headers with the credential, and where they came from.
#[derive(Clone, Copy)]
pub(in crate::admin) struct Caller<'a> {
    pub(in crate::admin) headers: &'a HeaderMap,
    pub(in crate::admin) connection: &'a Connection,
}

/// Why somebody may not.
#[derive(Debug)]
pub(in crate::admin) enum Refused {
    /// There is no built-in route: nobody is asked who could be known.
    NotConfigured,
    /// There are two credentials.
    Ambiguous,
    /// The policy says no, or could not be asked.
    Decision(Box<Decision>),
}

/// Asks whether the caller may `act`, on this approval where it is about one. Who it is comes with a yes.
pub(in crate::admin) async fn permitted(
    gate: &Gate,
    act: Act,
    id: Option<&ApprovalId>,
    caller: Caller<'_>,
) -> Result<Parties, Refused> {
    let known = (gate.state.snapshot)().routes.iter().any(is_built_in);
    if !known {
        return Err(Refused::NotConfigured);
    }
    if is_ambiguous(caller.headers) {
        return Err(Refused::Ambiguous);
    }
    let _turn = gate.turn().await;
    let head = head(act.method(), &act.path(id), caller.headers);
    let now = (gate.state.clock)();
    let mut request = access_request(&head, caller.connection, now, true);
    let extensions = &mut request.context_extensions;
    extensions.insert(EXTENSION_KEY.to_owned(), ROUTE.to_owned());
    let arrival = Instant::now();
    let decision = (gate.state.decide)(request, arrival, arrival + PATIENCE).await;
    match (&decision.verdict, &decision.parties) {
        (Verdict::Allow(_), Some(parties)) if parties.subject.kind != Kind::Anonymous => {
            Ok(parties.clone())
        }
        // Whoever has no name can neither be counted nor be asked: an allow for anybody is not one here.
        (Verdict::Allow(_) | Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_), _) => {
            Err(Refused::Decision(Box::new(decision)))
        }
    }
}

fn is_built_in(route: &crate::model::route::Route) -> bool {
    route.id.as_str() == ROUTE
}

/// Whether there are two credentials in a header that has one.
pub(super) fn is_ambiguous(headers: &HeaderMap) -> bool {
    let twice = |name| headers.get_all(name).iter().nth(1).is_some();
    twice(header::AUTHORIZATION) || headers.get_all("dpop").iter().nth(1).is_some()
}

/// The head of a request for `path`, with somebody's headers.
pub(super) fn head(method: Method, path: &str, headers: &HeaderMap) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = method;
    head.uri = path.parse().unwrap_or_else(|_no_uri| Uri::from_static("/"));
    head.headers.clone_from(headers);
    head
}

impl Refused {
    /// What a program is told, with a challenge where another credential would help.
    pub(in crate::admin) fn answer(&self, gate: &Gate) -> Response {
        let (counted, response) = match self {
            Self::NotConfigured => {
                let detail = "nobody can be known here: set `admin.url`, and list providers in `approvals.providers`";
                let problem =
                    Problem::new(StatusCode::FORBIDDEN, "approvals_not_configured", detail);
                (AdminRefusal::Forbidden, problem.into_response())
            }
            Self::Ambiguous => {
                let detail = "a request has one credential";
                let problem =
                    Problem::new(StatusCode::UNAUTHORIZED, "credential_ambiguous", detail);
                let challenge = [(
                    header::WWW_AUTHENTICATE,
                    "Bearer realm=\"countersign\", error=\"invalid_request\"",
                )];
                (
                    AdminRefusal::Unauthenticated,
                    (challenge, problem).into_response(),
                )
            }
            Self::Decision(decision) => told(decision),
        };
        gate.state.metrics.admin_refused(counted);
        if counted == AdminRefusal::Unauthenticated && self.was_credential() {
            // What is counted makes others wait for their turn, and nobody is turned away for it.
            let _room = gate.limiter.failed(Instant::now());
        }
        response
    }

    /// Whether a credential was presented, and was not good.
    fn was_credential(&self) -> bool {
        match self {
            Self::NotConfigured => false,
            Self::Ambiguous => true,
            Self::Decision(decision) => decision.parties.is_none(),
        }
    }
}

/// The answer to a decision that is no allow for somebody.
fn told(decision: &Decision) -> (AdminRefusal, Response) {
    let code = decision.verdict.reason();
    let problem = |status, detail: &'static str| {
        Problem::new(status, code, detail).of_decision(decision.id.to_string())
    };
    match &decision.verdict {
        Verdict::Fault(_) => {
            let problem = problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "this cannot be decided now: try again",
            );
            let response = ([(header::RETRY_AFTER, "1")], problem).into_response();
            (AdminRefusal::Unavailable, response)
        }
        Verdict::Deny(denial) if is_about_credential(denial, decision) => {
            let detail = match &denial.remedy {
                Some(Remedy::StepUp(_)) => "a stronger or fresher authentication is needed",
                Some(Remedy::Scope { .. } | Remedy::Proof(_) | Remedy::Authenticate) | None => {
                    denial.reason.title()
                }
            };
            let problem = problem(StatusCode::UNAUTHORIZED, detail);
            let response = challenge(decision, denial).attach(problem.into_response());
            (AdminRefusal::Unauthenticated, response)
        }
        Verdict::Deny(denial) => {
            let problem = problem(StatusCode::FORBIDDEN, denial.reason.title());
            let response = match &denial.remedy {
                Some(Remedy::Scope { .. }) => {
                    challenge(decision, denial).attach(problem.into_response())
                }
                Some(Remedy::StepUp(_) | Remedy::Proof(_) | Remedy::Authenticate) | None => {
                    problem.into_response()
                }
            };
            (AdminRefusal::Forbidden, response)
        }
        Verdict::Pending(_) => {
            let detail = "the policy wants an approval for this too";
            (
                AdminRefusal::Forbidden,
                problem(StatusCode::FORBIDDEN, detail).into_response(),
            )
        }
        Verdict::Allow(_) => {
            let detail = "say who you are: what anybody may do is no answer here";
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "authentication_required", detail);
            let bearer = [(header::WWW_AUTHENTICATE, "Bearer realm=\"countersign\"")];
            (
                AdminRefusal::Unauthenticated,
                (bearer, problem).into_response(),
            )
        }
    }
}

/// Whether another credential, or a stronger one, would help: nobody is known, or that is the remedy.
fn is_about_credential(denial: &Denial, decision: &Decision) -> bool {
    match &denial.remedy {
        Some(Remedy::Authenticate | Remedy::StepUp(_) | Remedy::Proof(_)) => true,
        Some(Remedy::Scope { .. }) => false,
        None => decision.parties.is_none(),
    }
}
