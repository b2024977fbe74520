//! One approval: everything that somebody has to know who decides about it, and then the two buttons.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::canonical::{indented, members};
use super::sessions::Session;
use super::shell::{Page, mark};
use super::{list, shown, words};
use crate::model::approval::{Approval, DemandFacts, Details, Requester, State, Status, Vote};
use crate::model::time::Timestamp;

/// An approval and what is said about it.
pub(super) struct View<'a> {
    pub(super) approval: &'a Approval,
    /// What else this requester has asked for with this action.
    pub(super) before: &'a [Arc<Approval>],
    /// What came of what the person just did.
    pub(super) told: Option<Told<'a>>,
    pub(super) now: Timestamp,
}

/// A word to the person who did something.
pub(super) struct Told<'a> {
    pub(super) status: StatusCode,
    pub(super) words: Markup,
    /// What was typed, so that nobody types it twice.
    pub(super) reason: Option<&'a str>,
}

impl View<'_> {
    /// The page.
    pub(super) fn page(&self, session: &Session) -> Response {
        let Self {
            approval,
            before,
            told,
            now,
        } = self;
        let state = approval.state(*now);
        let body = html! {
            @if let Some(told) = told { div.note.warn role="alert" { (told.words) } }
            (words::tier(approval.tier)) " " (words::state(approval, *now))
            h1 { (approval.action.as_str()) }
            (sentence(approval))
            (called(&approval.details))
            (arguments(&approval.details))
            h2 { "All about it" }
            div.card { (facts(approval, *now)) }
            (votes(approval, *now))
            @match state {
                State::Is(Status::Pending) => (self.decide(session)),
                State::Is(Status::Approved) => (self.revoke(session)),
                State::Is(Status::Denied | Status::Cancelled | Status::Revoked | Status::Consumed) | State::Expired => {},
            }
            h2 { "Before" }
            @if before.is_empty() {
                p.soft { "Nothing else was asked for by the same requester with this action." }
            }
            @for earlier in *before { (list::card(earlier, *now)) }
        };
        let page = Page {
            status: told.as_ref().map_or(StatusCode::OK, |told| told.status),
            title: approval.action.as_str(),
            session: Some(session),
            body,
        };
        page.into_response()
    }

    fn decide(&self, session: &Session) -> Markup {
        let id = &self.approval.id;
        let required = self.approval.demand.reason_required;
        let typed = self.told.as_ref().and_then(|told| told.reason);
        html! {
            h2 { "Your decision" }
            form.card method="post" action={ "/approvals/" (id) "/approve" } {
                (mark(session))
                label for="reason" { "Reason" @if !required { span.soft { " (optional)" } } }
                textarea id="reason" name="reason" maxlength=(MAX_REASON) required[required] { (typed.unwrap_or_default()) }
                div.choice {
                    button.no formaction={ "/approvals/" (id) "/deny" } { "Deny" }
                    button.yes { "Approve" }
                }
            }
        }
    }

    fn revoke(&self, session: &Session) -> Markup {
        html! {
            h2 { "Take it back" }
            form.card method="post" action={ "/approvals/" (self.approval.id) "/revoke" } {
                (mark(session))
                label for="reason" { "Reason" span.soft { " (optional)" } }
                textarea id="reason" name="reason" maxlength=(MAX_REASON) {}
                button.no.wide { "Revoke" }
            }
        }
    }
}

/// Longest reason, in characters.
pub(super) const MAX_REASON: usize = 500;

/// Who asks for what, in one sentence.
fn sentence(approval: &Approval) -> Markup {
    let Requester { subject, actor, .. } = &approval.requester;
    html! {
        p {
            @match actor {
                Some(actor) => { (words::party(actor)) " asks for " (words::party(subject)) },
                None => { (words::party(subject)) " asks" },
            }
            @match approval.uses {
                1 => " to do this once.",
                uses => { " to do this up to " (uses) " times." },
            }
        }
    }
}

/// What is called, where an action stands for more than one thing.
fn called(details: &Details) -> Markup {
    html! {
        @if let Some(operation) = &details.operation {
            p { span.soft { "It calls " } span.value { (shown::text(operation)) } }
        }
    }
}

/// What the call says, exactly as it is approved.
fn arguments(details: &Details) -> Markup {
    let Details {
        arguments,
        rest,
        params,
        query,
        body,
        ..
    } = details;
    let texts = [arguments, rest, params, query].into_iter().flatten();
    let odd = texts.clone().any(|it| shown::is_odd(it));
    let parts = [
        ("Arguments", arguments),
        ("Else in the message", rest),
        ("In the path", params),
        ("In the query", query),
    ];
    html! {
        @for (title, text) in parts {
            @if let Some(text) = text {
                h2 { (title) }
                div.card { (values(text)) }
            }
        }
        @if let Some(body) = body {
            h2 { "Body" }
            div.card { span.soft { "SHA-256" } br; span.value { (hexadecimal(body)) } }
        }
        @if odd {
            div.note.odd-note {
                "Some characters can be taken for others, or cannot be seen. Each of them stands beside its code point, "
                "such as U+0430. Make sure that they are meant."
            }
        }
        @if texts.count() == 0 && body.is_none() {
            p.soft { "It is bound to nothing else than who asks, what is called and the resource." }
        }
    }
}

/// Members of an object line by line; anything else as it is.
fn values(text: &str) -> Markup {
    match members(text) {
        Some(members) if members.is_empty() => html! { span.soft { "none" } },
        Some(members) => html! {
            dl {
                @for (name, value) in members {
                    dt.value { (shown::text(bare(&name))) }
                    dd.value { (shown::lines(&indented(&value))) }
                }
            }
        },
        None => html! { div.value { (shown::lines(&indented(text))) } },
    }
}

/// A name without its quotes.
fn bare(name: &str) -> &str {
    let inner = name.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(name)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn facts(approval: &Approval, now: Timestamp) -> Markup {
    let Requester {
        subject,
        actor,
        prior,
        proof,
    } = &approval.requester;
    let DemandFacts {
        rules,
        from,
        ttl,
        bind,
        reason_required: _,
    } = &approval.demand;
    let Details {
        request,
        workload,
        risk,
        ..
    } = &approval.details;
    html! {
        dl {
            dt { "Who asks" } dd { (words::party(actor.as_ref().unwrap_or(subject))) }
            @if actor.is_some() { dt { "For" } dd { (words::party(subject)) } }
            @if !prior.is_empty() { dt { "Through" } dd { @for it in prior { span.value { (shown::text(&it.id.id)) } " " } } }
            @if let Some(workload) = workload { dt { "First asked from" } dd.value { (shown::text(workload)) } }
            @if let Some(proof) = proof { dt { "Proven by" } dd.value { (shown::text(proof)) } }
            dt { "Action" } dd { (approval.action.as_str()) }
            @if let Some(resource) = &approval.resource {
                dt { "Resource" } dd { (shown::text(&resource.kind)) " " span.value { (shown::text(&resource.id)) } }
            }
            dt { "Route" } dd { (approval.route.as_str()) }
            @if let Some(tenant) = &approval.tenant { dt { "Tenant" } dd { (shown::text(tenant)) } }
            @if let Some(request) = request { dt { "First asked as" } dd.value { (shown::text(request)) } }
            dt { "Tier" } dd { (approval.tier.as_str()) }
            @if let Some(risk) = risk { dt { "Risk" } dd { (risk) " of 100" } }
            dt { "Asked" } dd { (words::moment(approval.created, now)) }
            @match approval.valid_until {
                Some(until) => { dt { "Good until" } dd { (words::moment(until, now)) } },
                None => {
                    dt { "Decide until" } dd { (words::moment(approval.pending_until, now)) }
                    dt { "Then good for" } dd { (words::amount(*ttl)) }
                },
            }
            dt { "Uses" } dd { (approval.uses) @if !approval.spent.is_empty() { ", " (approval.uses_left()) " left" } }
            dt { "Needs" } dd { @for from in from { (from) br; } }
            dt { "Bound to" } dd { (bind.join(", ")) }
            dt { "Demanded by" } dd { @for rule in rules { (rule.as_str()) " " } }
            @if let Some(because) = &approval.ended_because { dt { "Ended because" } dd { (shown::text(because)) } }
            dt { "Id" } dd.value { (approval.id) }
        }
    }
}

fn votes(approval: &Approval, now: Timestamp) -> Markup {
    html! {
        @if !approval.votes.is_empty() { h2 { "Votes" } }
        @for Vote { voter, approve, at, reason } in &approval.votes {
            div.card {
                b { (shown::text(&voter.id.id)) }
                @if *approve { " has approved" } @else { " has denied" }
                @if let Some(actor) = &voter.actor { " through " (shown::text(&actor.id)) }
                br; (words::moment(*at, now))
                @if let Some(reason) = reason { p.said { (shown::text(reason)) } }
            }
        }
    }
}
