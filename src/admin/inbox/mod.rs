//! The page where people approve, on the admin listener: plain documents and forms, with nothing in them that runs.
//!
//! It decides nothing. Whatever a person looks at or does is asked for as the same action, and done by the same functions, as what
//! programs ask for; the person's own access token is presented for it, so that expiry, revocation, rules and step-up are what
//! they are everywhere. A GET changes nothing: whoever only follows a link, or shows a preview of it, approves nothing. A form counts
//! if it comes from this page, in the session that it was written for.

mod begun;
mod canonical;
mod cookie;
mod desk;
mod enter;
mod exchange;
mod form;
mod list;
mod one;
mod posted;
mod sessions;
mod settings;
mod shell;
mod shown;
mod trouble;
mod visit;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use super::AdminError;
use super::gate::Gate;
use super::origin::Origin;
use crate::outbound::HttpClient;
use begun::Notes;
use cookie::{Cookie, Cookies};
use sessions::{Session, Sessions};

pub(super) use settings::{InboxSettings, SignIn};
pub(super) use visit::or_page;

/// Where the issuer sends people back to.
const CALLBACK: &str = "/approvals/callback";

/// What the page remembers.
pub(super) struct Inbox {
    /// Where people reach it.
    pub(super) origin: Option<Origin>,
    /// How they sign in, and where they come back.
    sign_in: Option<(SignIn, String)>,
    sessions: Sessions,
    notes: Notes,
    cookies: Cookies,
    http: HttpClient,
}

impl Inbox {
    /// A page without anybody signed in. `tls` says whether the listener has a certificate of its own.
    pub(super) fn new(settings: &InboxSettings, tls: bool) -> Result<Self, AdminError> {
        let InboxSettings { origin, sign_in } = settings.clone();
        let back = origin
            .as_ref()
            .map(|it| format!("{}{CALLBACK}", it.as_sent));
        let secure = tls || origin.as_ref().is_some_and(Origin::is_https);
        Ok(Self {
            sign_in: sign_in.zip(back),
            origin,
            sessions: Sessions::default(),
            notes: Notes::new()?,
            cookies: Cookies { secure },
            http: HttpClient::new()?,
        })
    }

    /// Where people sign in, and the address that they come back to.
    fn issuer(&self) -> Option<(&SignIn, &str)> {
        let (sign_in, back) = self.sign_in.as_ref()?;
        Some((sign_in, back))
    }

    /// Who is signed in, by the id in the browser's cookie.
    fn session(&self, headers: &HeaderMap) -> Option<(String, Session)> {
        let id = self.cookies.read(headers, Cookie::Session)?;
        let session = self.sessions.find(id, Instant::now())?;
        Some((id.to_owned(), session))
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

/// The paths that only people use.
pub(super) fn router() -> Router<Arc<Gate>> {
    Router::new()
        .route(
            "/approvals/sign-in",
            get(enter::begin).post(enter::with_token),
        )
        .route(CALLBACK, get(enter::back))
        .route("/approvals/sign-out", post(enter::leave))
}
