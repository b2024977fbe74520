//! The list: what waits for a decision, then what was decided lately.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::sessions::Session;
use super::shell::Page;
use super::{shown, words};
use crate::model::approval::{Approval, Requester, State, Status};
use crate::model::time::Timestamp;

/// The page, of approvals in any order.
pub(super) fn page(session: &Session, mut all: Vec<Arc<Approval>>, now: Timestamp) -> Response {
    all.sort_by_key(|it| std::cmp::Reverse(it.created));
    let waits = |it: &Arc<Approval>| it.state(now) == State::Is(Status::Pending);
    // Who has waited for longest comes first.
    let (mut waiting, decided): (Vec<_>, Vec<_>) = all.into_iter().partition(waits);
    waiting.reverse();
    let body = html! {
        h1 {
            @match waiting.len() {
                0 => "Nothing waits for a decision",
                1 => "One request waits for a decision",
                n => { (n) " requests wait for a decision" },
            }
        }
        @if waiting.is_empty() {
            p.soft { "What an agent or a service asks for appears here; load the page again to see it." }
        }
        @for approval in &waiting { (card(approval, now)) }
        @if !decided.is_empty() {
            h2 { "Lately" }
            @for approval in &decided { (card(approval, now)) }
        }
    };
    let title = "Approvals";
    let page = Page {
        status: StatusCode::OK,
        title,
        session: Some(session),
        body,
    };
    page.into_response()
}

/// One approval in short, which leads to all of it.
pub(super) fn card(approval: &Approval, now: Timestamp) -> Markup {
    let Requester { subject, actor, .. } = &approval.requester;
    let waits = approval.state(now) == State::Is(Status::Pending);
    html! {
        a.card href={ "/approvals/" (approval.id) } {
            span.top {
                b { (approval.action.as_str()) }
                span.chips { (words::tier(approval.tier)) " " (words::state(approval, now)) }
            }
            @if let Some(resource) = &approval.resource {
                span.line { (shown::text(&resource.kind)) " " span.value { (shown::text(&resource.id)) } }
            }
            span.line {
                (shown::text(&actor.as_ref().unwrap_or(subject).id.id))
                @if actor.is_some() { " for " (shown::text(&subject.id.id)) }
            }
            span.line.soft {
                "asked " (words::distance(approval.created, now))
                @if waits { " · " (until(approval.pending_until, now)) " left to decide" }
            }
        }
    }
}

/// `9 min`.
fn until(at: Timestamp, now: Timestamp) -> String {
    let left = at.seconds().saturating_sub(now.seconds());
    words::amount(left.unsigned_abs())
}
