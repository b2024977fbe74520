//! What stands before the answers: hosts that are ours, no pages of others, and operators where something is changed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::gate::{Connection, Gate, Presented, Refused};
use super::origin::{Origin, host_of};
use super::problem::Problem;
use crate::telemetry::AdminRefusal;

/// What a browser says about where a request comes from (Fetch Metadata).
const SITE: &str = "sec-fetch-site";

/// Before everything: the request is meant for this listener, and no page of another site sends it.
pub(super) async fn everybody(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    let local = request.extensions().get::<Connection>().map(|it| it.local);
    if !is_ours(&gate, &request, local) {
        gate.state.metrics.admin_refused(AdminRefusal::Host);
        // A name that anybody can point at a loopback address would make any page's script one of ours.
        let detail =
            "this listener is reached by its address, a loopback name, or the host of `admin.url`";
        let status = StatusCode::MISDIRECTED_REQUEST;
        return Problem::new(status, "host_unknown", detail).into_response();
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && is_cross_site(&gate, request.headers()) {
        gate.state.metrics.admin_refused(AdminRefusal::CrossSite);
        let detail = "a page of another site sent this";
        return Problem::new(StatusCode::FORBIDDEN, "cross_site", detail).into_response();
    }
    next.run(request).await
}

/// Whether the request is for a host of ours: exactly one `host`, and no other one in the request's line.
fn is_ours(gate: &Gate, request: &Request, local: Option<IpAddr>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let other = request.uri().authority().map(|it| it.as_str().as_bytes());
    if other.is_some_and(|other| !other.eq_ignore_ascii_case(host.as_bytes())) {
        return false;
    }
    let host = host.to_str().map(str::to_ascii_lowercase);
    host.is_ok_and(|host| host_of(&host).is_some_and(|host| is_our_host(gate, host, local)))
}

fn is_our_host(gate: &Gate, host: &str, local: Option<IpAddr>) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = match bracketed {
        Some(text) => text.parse().map(IpAddr::V6),
        None => host.parse().map(IpAddr::V4),
    };
    if let Ok(address) = address {
        let address = address.to_canonical();
        return address.is_loopback() || local.is_some_and(|it| it.to_canonical() == address);
    }
    host == "localhost" || origins(gate).any(|origin| origin.host == host)
}

/// What this listener is called: by operators, and by people who approve.
fn origins(gate: &Gate) -> impl Iterator<Item = &Origin> {
    gate.settings.url.iter().chain(&gate.inbox.origin)
}

/// Whether a browser sends this for a page that is not ours. There is no page of ours but behind `admin.url` and `approvals.url`.
fn is_cross_site(gate: &Gate, headers: &HeaderMap) -> bool {
    let ours = |sent: &HeaderValue| {
        let mut origins = origins(gate);
        origins.any(|origin| sent.as_bytes() == origin.as_sent.as_bytes())
    };
    let site = |value: &HeaderValue| *value == "same-origin" || *value == "none";
    !headers.get_all(header::ORIGIN).iter().all(ours) || !headers.get_all(SITE).iter().all(site)
}

/// Before what only reads: whoever reaches the listener, if that is only this machine or nobody is listed. A credential
/// that is presented has to be valid all the same.
pub(super) async fn readers(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    if gate.settings.access.is_empty() {
        return next.run(request).await;
    }
    let open = gate.settings.open_to_readers();
    admit(&gate, request, next, open).await
}

/// Before what changes something, or shows who is known: only who is listed.
pub(super) async fn operators(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    if gate.settings.access.is_empty() {
        gate.state.metrics.admin_refused(AdminRefusal::Forbidden);
        let detail = "nobody may change anything here: list who may in `admin.access`, for example `access: [{ name: ops, token: { file: ops.token } }]`";
        let problem = Problem::new(StatusCode::FORBIDDEN, "access_not_configured", detail);
        return problem.into_response();
    }
    admit(&gate, request, next, false).await
}

async fn admit(gate: &Gate, request: Request, next: Next, open: bool) -> Response {
    let (mut head, body) = request.into_parts();
    let Some(connection) = head.extensions.get::<Connection>().cloned() else {
        return Problem::internal("the connection is not known").into_response();
    };
    match gate.judge(&head, &connection).await {
        Ok(Presented::Operator(operator)) => {
            head.extensions.insert(operator);
        }
        Ok(Presented::Nothing | Presented::Stranger) if open => {}
        Ok(Presented::Nothing) => {
            gate.state
                .metrics
                .admin_refused(AdminRefusal::Unauthenticated);
            return unauthenticated("authentication_required", "Bearer realm=\"countersign\"");
        }
        Ok(Presented::Stranger) => return failed(gate, Refused::Unlisted, &head, &connection),
        Err(refused) => return failed(gate, refused, &head, &connection),
    }
    next.run(Request::from_parts(head, body)).await
}

/// A credential that is not accepted: counted, and logged without anything of it. After too many the answer says no more
/// than that.
fn failed(gate: &Gate, refused: Refused, head: &Parts, connection: &Connection) -> Response {
    let counts = matches!(refused, Refused::Invalid(_) | Refused::Unlisted);
    let refused = if counts && !gate.limiter.failed(Instant::now()) {
        Refused::Limited
    } else {
        refused
    };
    let (counted, code) = match refused {
        Refused::Invalid(code) => (AdminRefusal::Unauthenticated, code),
        Refused::Unlisted => (AdminRefusal::Forbidden, "not_listed"),
        Refused::Limited => (AdminRefusal::Limited, "too_many_failures"),
        Refused::Unavailable(code) => (AdminRefusal::Unavailable, code),
    };
    gate.state.metrics.admin_refused(counted);
    if refused != Refused::Limited {
        // No more of the path than its first name: what follows may be a key.
        let path = head.uri.path().split('/').nth(1).unwrap_or_default();
        let from = connection.remote;
        tracing::warn!(%from, method = %head.method, path, code, "admin request refused");
    }
    match refused {
        Refused::Invalid(_) => {
            let challenge = "Bearer realm=\"countersign\", error=\"invalid_token\"";
            unauthenticated(code, challenge)
        }
        Refused::Unlisted => {
            let detail = "the credential is valid, and `admin.access` does not list whose it is";
            Problem::new(StatusCode::FORBIDDEN, code, detail).into_response()
        }
        Refused::Limited => {
            let detail = "too many attempts have failed: try again in a second";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
            ([(header::RETRY_AFTER, "1")], problem).into_response()
        }
        Refused::Unavailable(_) => {
            let detail = "the credential cannot be judged now";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).into_response()
        }
    }
}

fn unauthenticated(code: &'static str, challenge: &'static str) -> Response {
    let detail = "present a credential that `admin.access` lists";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, code, detail);
    ([(header::WWW_AUTHENTICATE, challenge)], problem).into_response()
}
