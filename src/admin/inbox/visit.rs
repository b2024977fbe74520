//! What browsers ask for on the paths that programs use, too: a page instead of JSON, and forms instead of objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next as Rest;
use axum::response::Response;
use maud::html;

use super::begun::Next;
use super::cookie::Cookie;
use super::desk::{self, Presented};
use super::one::{Told, View};
use super::sessions::Session;
use super::{enter, list, posted, trouble};
use crate::admin::approvals::{Act, Listing, Refused, Shown, find, page, vote, waiting};
use crate::admin::gate::{Connection, Gate};
use crate::admin::problem::Problem;
use crate::model::approval::{Approval, ApprovalId};

/// Approvals on the page that wait, and those beside them.
const LISTED: usize = 100;

/// Whoever asks.
struct Visitor<'a> {
    gate: &'a Arc<Gate>,
    connection: &'a Connection,
    /// The id in the browser, and what stands behind it.
    id: String,
    session: Session,
}

/// Answers browsers, and leaves everything else to whoever answers programs.
pub(in crate::admin) async fn or_page(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    request: Request,
    rest: Rest,
) -> Response {
    let path = request.uri().path().to_owned();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    let looks = *request.method() == Method::GET && wants_page(request.headers());
    let sends = *request.method() == Method::POST && posted::is_form(request.headers());
    match *steps {
        ["approvals"] if looks => look(&gate, &connection, request.headers(), &Next::List).await,
        ["approvals", id] if looks => match ApprovalId::parse(id) {
            Ok(id) => look(&gate, &connection, request.headers(), &Next::One(id)).await,
            Err(_no_id) => unknown(None),
        },
        ["approvals", id, word] if sends => match (ApprovalId::parse(id), act(word)) {
            (Ok(id), Some(act)) => carry_out(&gate, &connection, request, (act, id)).await,
            (Err(_no_id), Some(_)) => unknown(None),
            (_, None) => rest.run(request).await,
        },
        _ => rest.run(request).await,
    }
}

fn act(word: &str) -> Option<Act> {
    match word {
        "approve" => Some(Act::Approve),
        "deny" => Some(Act::Deny),
        "revoke" => Some(Act::Revoke),
        _ => None,
    }
}

/// Whether a browser asks: it says so before anything else (RFC 9110, section 12.5.1).
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    accept.is_some_and(|accept| {
        let kinds = accept.split(',').filter_map(|kind| kind.split(';').next());
        let mut kinds = kinds.map(str::trim);
        kinds.any(|kind| kind.eq_ignore_ascii_case("text/html"))
    })
}

/// A page to look at.
async fn look(
    gate: &Arc<Gate>,
    connection: &Connection,
    headers: &HeaderMap,
    at: &Next,
) -> Response {
    let Some((id, session)) = gate.inbox.session(headers) else {
        return trouble::sign_in(
            StatusCode::UNAUTHORIZED,
            "Sign in to see what waits for you.",
            at,
        );
    };
    let visitor = Visitor {
        gate,
        connection,
        id,
        session,
    };
    match at {
        Next::List => visitor.list().await,
        Next::One(id) => visitor.one(id, None).await,
    }
}

/// A form that does something.
async fn carry_out(
    gate: &Arc<Gate>,
    connection: &Connection,
    request: Request,
    (act, approval): (Act, ApprovalId),
) -> Response {
    let (headers, fields) = match posted::read(gate, request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let next = Next::One(approval.clone());
    let Some((id, session)) = gate.inbox.session(&headers) else {
        let words = "Nothing was done: your sign-in has ended.";
        return trouble::sign_in(StatusCode::UNAUTHORIZED, words, &next);
    };
    if !session.is_marked(fields.get("mark")) {
        return posted::foreign(gate, Some(&session));
    }
    let visitor = Visitor {
        gate,
        connection,
        id,
        session,
    };
    let reason = fields.get("reason").map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty());
    visitor.change(act, approval, reason).await
}

impl Visitor<'_> {
    fn presented(&self) -> Presented<'_> {
        Presented {
            token: &self.session.token,
            connection: self.connection,
        }
    }

    async fn list(&self) -> Response {
        let allowed = desk::permitted(self.gate, Act::List, None, self.presented()).await;
        if let Err(refused) = allowed {
            return self.refused(&refused, &Next::List);
        }
        match self.listed().await {
            Ok(listed) => list::page(&self.session, listed, (self.gate.state.clock)()),
            Err(problem) => self.failed(&problem),
        }
    }

    /// What waits, and what was asked for lately: however much of that there is, it hides nothing that waits.
    async fn listed(&self) -> Result<Vec<Arc<Approval>>, Problem> {
        let mut listed = waiting(self.gate, LISTED).await?;
        let lately = Listing {
            state: None,
            requester: None,
            before: None,
            limit: LISTED,
        };
        let lately = page(self.gate, lately).await?.approvals;
        let known: BTreeSet<&ApprovalId> = listed.iter().map(|it| &it.id).collect();
        let others: Vec<_> = lately
            .into_iter()
            .filter(|it| !known.contains(&it.id))
            .collect();
        listed.extend(others);
        Ok(listed)
    }

    /// One approval, and what came of what was just done about it.
    async fn one(&self, id: &ApprovalId, told: Option<Told<'_>>) -> Response {
        let allowed = desk::permitted(self.gate, Act::Read, Some(id), self.presented()).await;
        if let Err(refused) = allowed {
            return self.refused(&refused, &Next::One(id.clone()));
        }
        match find(self.gate, id).await {
            Ok(Shown { approval, before }) => {
                let view = View {
                    approval: &approval,
                    before: &before,
                    told,
                    now: (self.gate.state.clock)(),
                };
                view.page(&self.session)
            }
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => {
                unknown(Some(&self.session))
            }
            Err(problem) => self.failed(&problem),
        }
    }

    async fn change(&self, act: Act, id: ApprovalId, reason: Option<&str>) -> Response {
        let next = Next::One(id.clone());
        let parties = desk::permitted(self.gate, act, Some(&id), self.presented()).await;
        let parties = match parties {
            Ok(parties) => parties,
            Err(refused) => return self.refused(&refused, &next),
        };
        let said = reason.map(str::to_owned);
        match vote(self.gate, act, id.clone(), said, &parties).await {
            // What answers a form is got, so that loading it again does nothing again.
            Ok(_decided) => enter::go(&next.path(), Vec::new()),
            Err(problem) => {
                let told = Told {
                    status: problem.status(),
                    words: html! { b { "Nothing was done: " } (problem.detail()) "." },
                    reason,
                };
                self.one(&id, Some(told)).await
            }
        }
    }

    fn refused(&self, refused: &Refused, next: &Next) -> Response {
        let (mut response, over) = desk::refused(&self.session, refused, next);
        if over {
            self.gate.inbox.sessions.close(&self.id);
            enter::forget(self.gate, &mut response, Cookie::Session);
        }
        response
    }

    fn failed(&self, problem: &Problem) -> Response {
        trouble::plain(problem.status(), problem.detail(), Some(&self.session))
    }
}

fn unknown(session: Option<&Session>) -> Response {
    let words = "There is no such approval, or not any more.";
    trouble::plain(StatusCode::NOT_FOUND, words, session)
}
