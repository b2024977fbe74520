//! Answers that say what is wrong with a request to the operator edge (RFC 9457).

use std::borrow::Cow;

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

/// What is wrong: a problem without a type of its own (RFC 9457, section 4.2.1), and a code that stays the same.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: Cow<'static, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    #[serde(skip)]
    kind: StatusCode,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            problems: Vec::new(),
            decision: None,
            kind: status,
        }
    }

    /// Adds a list of what is wrong in detail.
    pub(super) fn listing(mut self, problems: Vec<String>) -> Self {
        self.problems = problems;
        self
    }

    /// The status of the answer.
    pub(super) const fn status(&self) -> StatusCode {
        self.kind
    }

    /// What is wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Names the decision that it is about.
    pub(super) fn of_decision(mut self, id: String) -> Self {
        self.decision = Some(id);
        self
    }

    pub(super) fn internal(detail: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.kind, HEADERS, kind, Json(self)).into_response()
    }
}
