//! JSON in and out.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{HEADERS, Problem};

/// Largest body in bytes; what operators send has a few members.
const MAX_BODY: usize = 64 * 1024;
/// How long a body may take: as long as a head.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The body of a request, checked. No body stands for an object without members. What the body holds is never repeated
/// in an answer.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    read_within(request, MAX_BODY).await
}

/// The same for a body of at most so many bytes.
pub(super) async fn read_within<T: DeserializeOwned>(
    request: Request,
    most: usize,
) -> Result<T, Problem> {
    let (head, body) = request.into_parts();
    let bytes = bounded(body, most).await?;
    if bytes.is_empty() {
        return parse(b"{}");
    }
    if is_json(&head.headers) {
        return parse(&bytes);
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_json",
        "send `content-type: application/json`",
    ))
}

/// A body that came whole and in time, of at most so many bytes.
pub(super) async fn bounded(body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, most)).await;
    let read = read.map_err(|_elapsed| {
        let detail = "the body did not come in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_late", detail)
    })?;
    read.map(|bytes| bytes.to_vec()).map_err(|_larger| {
        let detail = format!("the body is larger than {most} bytes, or was cut off");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    })
}

/// Whether the one `content-type` is JSON's, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return false;
    };
    let essence = kind.to_str().ok().and_then(|kind| kind.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// What a body says; nothing of it is repeated where it is not what it should be.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("the body is not what this takes: see line {line}, column {column}");
        Problem::new(StatusCode::BAD_REQUEST, "body_invalid", detail)
    })
}

/// JSON for people and programs: members in a fixed order, indented.
pub(super) fn pretty(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(body) {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (status, HEADERS, kind, text + "\n").into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be encoded");
            Problem::internal("the answer could not be encoded").into_response()
        }
    }
}
