//! Answers that say what is wrong with a request to the operator edge (RFC 9457).

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Headers of every answer: it is true for this moment only, and it is what it says it is.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
];

#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    detail: &'static str,
}

/// A problem without a type of its own: the status says all (RFC 9457, section 4.2.1).
pub(super) fn problem(status: StatusCode, detail: &'static str) -> Response {
    let body = Json(Problem {
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, HEADERS, kind, body).into_response()
}
