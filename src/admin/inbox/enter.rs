//! Coming in and going out: at the issuer where there is one to go to, else with an access token that the person has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;

use super::begun::{Begun, LIFE as SIGN_IN_LIFE, Next};
use super::cookie::Cookie;
use super::desk::{self, Presented};
use super::exchange::{NoToken, Returned, exchange};
use super::form::Fields;
use super::sessions::{AccessToken, LIFE};
use super::settings::SignIn;
use super::{posted, trouble};
use crate::admin::gate::{Connection, Gate};
use crate::admin::problem::Problem;
use crate::keys::{base64url, sha256};

/// Longest `acr_values` that somebody may be sent away with, in bytes.
const MAX_ACR: usize = 256;

/// `GET /approvals/sign-in?next=…`: off to the issuer, with `acr_values` and `max_age` where a rule demands more (RFC 9470).
pub(super) async fn begin(State(gate): State<Arc<Gate>>, RawQuery(query): RawQuery) -> Response {
    let fields = Fields::parse(&query.unwrap_or_default()).unwrap_or_default();
    let next = fields.get("next").and_then(Next::parse);
    let next = next.unwrap_or(Next::List);
    let Some((sign_in, back)) = gate.inbox.issuer() else {
        return trouble::token_form(&next);
    };
    let inbox = &gate.inbox;
    let Ok(begun) = Begun::new(next, (gate.state.clock)()) else {
        return Problem::internal("there is no randomness").into_response();
    };
    let (nonce, verifier) = (inbox.notes.nonce(&begun), inbox.notes.verifier(&begun));
    let challenge = base64url::encode(&sha256(verifier.as_bytes()));
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", &*sign_in.client),
        ("redirect_uri", back),
        ("scope", &*sign_in.scope),
        ("state", &*begun.state),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    if sign_in.expects_id() {
        pairs.push(("nonce", &*nonce));
    }
    pairs.extend(
        fields
            .get("acr")
            .filter(|it| is_acr(it))
            .map(|it| ("acr_values", it)),
    );
    pairs.extend(
        fields
            .get("max_age")
            .filter(|it| is_seconds(it))
            .map(|it| ("max_age", it)),
    );
    let more = sign_in.parameters.iter();
    pairs.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
    let note = inbox.notes.write(&begun);
    let time = Duration::from_secs(SIGN_IN_LIFE.unsigned_abs());
    let kept = inbox.cookies.keep(Cookie::SignIn, &note, time);
    let target = sign_in.authorization.asking(pairs);
    go(&target, kept.into_iter().collect())
}

/// `GET /approvals/callback`: back from the issuer.
pub(super) async fn back(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (inbox, now) = (&gate.inbox, (gate.state.clock)());
    let fields = Fields::parse(&query.unwrap_or_default()).unwrap_or_default();
    let note = inbox.cookies.read(&headers, Cookie::SignIn);
    let begun = note.and_then(|note| inbox.notes.read(note, fields.get("state")?, now));
    let (Some((sign_in, redirect)), Some(begun)) = (inbox.issuer(), begun) else {
        let words = "This sign-in was not begun in this browser, or a while ago.";
        return forgetting(
            &gate,
            trouble::sign_in(StatusCode::BAD_REQUEST, words, &Next::List),
        );
    };
    let Some(code) = fields.get("code") else {
        let words = "The sign-in was not completed.";
        return forgetting(
            &gate,
            trouble::sign_in(StatusCode::FORBIDDEN, words, &begun.next),
        );
    };
    let returned = Returned {
        code,
        redirect,
        verifier: &inbox.notes.verifier(&begun),
        nonce: &inbox.notes.nonce(&begun),
    };
    let response = match exchange(&inbox.http, sign_in, &returned, now).await {
        Ok(token) => {
            let presented = Presented {
                token: &token,
                connection: &connection,
            };
            enter(&gate, presented, &headers, Some(sign_in), &begun.next).await
        }
        Err(NoToken::Refused) => {
            let words = "The issuer did not confirm the sign-in.";
            trouble::sign_in(StatusCode::BAD_GATEWAY, words, &begun.next)
        }
        Err(NoToken::Unfit(words)) => {
            tracing::warn!(error = words, "a sign-in failed");
            trouble::sign_in(StatusCode::BAD_GATEWAY, words, &begun.next)
        }
    };
    forgetting(&gate, response)
}

/// `POST /approvals/sign-in`: with a token, where there is no issuer to go to.
pub(super) async fn with_token(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let (headers, fields) = match posted::read(&gate, request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let next = fields.get("next").and_then(Next::parse);
    let next = next.unwrap_or(Next::List);
    if gate.inbox.issuer().is_some() {
        return trouble::sign_in(
            StatusCode::FORBIDDEN,
            "People sign in at the issuer here.",
            &next,
        );
    }
    let token = fields
        .get("token")
        .map(str::trim)
        .and_then(AccessToken::new);
    let Some(token) = token else {
        return trouble::sign_in(StatusCode::BAD_REQUEST, "That is no access token.", &next);
    };
    let presented = Presented {
        token: &token,
        connection: &connection,
    };
    enter(&gate, presented, &headers, None, &next).await
}

/// `POST /approvals/sign-out`.
pub(super) async fn leave(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (headers, fields) = match posted::read(&gate, request).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let inbox = &gate.inbox;
    if let Some((id, session)) = inbox.session(&headers) {
        if !session.is_marked(fields.get("mark")) {
            return posted::foreign(&gate, Some(&session));
        }
        inbox.sessions.close(&id);
    }
    let body =
        html! { h1 { "You are signed out" } a.button.wide href="/approvals/sign-in" { "Sign in" } };
    let mut response = trouble::page(StatusCode::OK, "Signed out", None, body);
    forget(&gate, &mut response, Cookie::Session);
    response
}

/// Begins a session for whom a token is, and ends the one before it.
async fn enter(
    gate: &Gate,
    presented: Presented<'_>,
    headers: &HeaderMap,
    sign_in: Option<&SignIn>,
    next: &Next,
) -> Response {
    let (inbox, token) = (&gate.inbox, presented.token.clone());
    let person = desk::person(gate, presented, next).await;
    let fits = |issuer| sign_in.is_none_or(|sign_in| Some(&sign_in.provider) == issuer);
    let person = match person {
        Ok(person) if fits(person.issuer.as_ref()) => person,
        Ok(_of_another) => {
            let words = "The issuer's token is not one of the provider that people sign in with.";
            return trouble::sign_in(StatusCode::FORBIDDEN, words, next);
        }
        Err(response) => return response,
    };
    if let Some(before) = inbox.cookies.read(headers, Cookie::Session) {
        inbox.sessions.close(before);
    }
    match inbox.sessions.open(person, token, Instant::now()) {
        Ok(id) => {
            let kept = inbox.cookies.keep(Cookie::Session, &id, LIFE);
            go(&next.path(), kept.into_iter().collect())
        }
        Err(error) => {
            tracing::error!(%error, "nobody can sign in");
            Problem::internal("there is no randomness").into_response()
        }
    }
}

/// Off to another page, got whatever was done before (RFC 9110, section 15.4.4).
pub(super) fn go(target: &str, cookies: Vec<HeaderValue>) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(target) = HeaderValue::from_str(target) {
        headers.insert(header::LOCATION, target);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// A note is good for one return.
fn forgetting(gate: &Gate, mut response: Response) -> Response {
    forget(gate, &mut response, Cookie::SignIn);
    response
}

pub(super) fn forget(gate: &Gate, response: &mut Response, cookie: Cookie) {
    if let Some(forgotten) = gate.inbox.cookies.forget(cookie) {
        response.headers_mut().append(header::SET_COOKIE, forgotten);
    }
}

/// Names of authentication context classes, with spaces between them.
fn is_acr(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b" -._:/".contains(&b);
    text.len() <= MAX_ACR && text.bytes().all(allowed)
}

fn is_seconds(text: &str) -> bool {
    text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit())
}
