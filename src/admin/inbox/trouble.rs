//! Pages that say why something cannot be shown or done, and what to do about it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::begun::Next;
use super::sessions::Session;
use super::shell::Page;
use super::shown;
use crate::model::verdict::StepUp;

/// Any page.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    session: Option<&Session>,
    body: Markup,
) -> Response {
    let page = Page {
        status,
        title,
        session,
        body,
    };
    page.into_response()
}

/// One sentence, and the way back.
pub(super) fn plain(status: StatusCode, words: &str, session: Option<&Session>) -> Response {
    let body = html! {
        h1 { (shown::text(words)) }
        a.button.plain.wide href="/approvals" { "All approvals" }
    };
    page(status, "Approvals", session, body)
}

/// One sentence, and the way in.
pub(super) fn sign_in(status: StatusCode, words: &str, next: &Next) -> Response {
    let body = html! {
        h1 { (shown::text(words)) }
        a.button.wide href={ "/approvals/sign-in?next=" (next.path()) } { "Sign in" }
    };
    page(status, "Sign in", None, body)
}

/// A stronger or fresher sign-in is what is missing, and nothing else (RFC 9470).
pub(super) fn step_up(session: &Session, demand: &StepUp, next: &Next) -> Response {
    let StepUp { acr, max_age } = demand;
    let acr = acr.join("+");
    let body = html! {
        h1 { "This needs a fresh sign-in" }
        p {
            "The rules ask that you prove again who you are before you do this"
            @if !acr.is_empty() { ", in a stronger way" }
            ". Nothing was done yet."
        }
        a.button.wide href={
            "/approvals/sign-in?next=" (next.path())
            @if !acr.is_empty() { "&acr=" (acr) }
            @if let Some(seconds) = max_age { "&max_age=" (seconds) }
        } { "Sign in again" }
        a.button.plain.wide href=(next.path()) { "Back" }
    };
    page(
        StatusCode::UNAUTHORIZED,
        "Sign in again",
        Some(session),
        body,
    )
}

/// Where a person shows an access token, because nothing says where they sign in.
pub(super) fn token_form(next: &Next) -> Response {
    let body = html! {
        h1 { "Sign in" }
        p { "Paste an access token that is meant for this server. It stays here until you sign out, or until it expires." }
        form.card method="post" action="/approvals/sign-in" {
            input type="hidden" name="next" value=(next.path());
            label for="token" { "Access token" }
            input id="token" name="token" type="password" autocomplete="off" required;
            button.wide { "Sign in" }
        }
    };
    page(StatusCode::OK, "Sign in", None, body)
}
