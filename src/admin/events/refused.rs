//! Why an event is not taken, in the words of RFC 8935, section 2.4.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::problem::{HEADERS, Problem};
use crate::keys::JwsError;

/// Why an event is not taken. Nothing in it is of the event.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is not what this takes.
    Request(&'static str),
    /// Its body did not come whole.
    Body(Problem),
    /// It is signed with a key, or in a way, that is not accepted.
    Key(&'static str),
    /// It is of somebody else.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// Its signature is wrong.
    Signature,
    /// It speaks of somebody whom the stream has nothing to say about.
    Foreign,
    /// Whoever sends it has not said who they are.
    Sender(&'static str),
    /// It cannot be judged now.
    Unavailable(&'static str),
}

impl Refused {
    /// Whether whoever sent it may be guessing.
    pub(super) const fn is_guess(&self) -> bool {
        match self {
            Self::Key(_) | Self::Signature | Self::Sender(_) => true,
            Self::Request(_)
            | Self::Body(_)
            | Self::Issuer
            | Self::Audience
            | Self::Foreign
            | Self::Unavailable(_) => false,
        }
    }

    /// The code, and what is wrong.
    pub(super) fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Request(detail) => ("invalid_request", detail),
            Self::Body(problem) => ("invalid_request", problem.detail()),
            Self::Key(detail) => ("invalid_key", detail),
            Self::Issuer => ("invalid_issuer", "`iss` is not the `issuer` of the stream"),
            Self::Audience => (
                "invalid_audience",
                "`aud` does not name the `audience` of the stream",
            ),
            Self::Signature => ("authentication_failed", "the signature is wrong"),
            Self::Foreign => (
                "access_denied",
                "`sub_id` names somebody of another issuer than that of the stream's `provider`",
            ),
            Self::Sender(detail) => ("authentication_failed", detail),
            Self::Unavailable(detail) => ("unavailable", detail),
        }
    }
}

impl From<JwsError> for Refused {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::KeysNotLoaded | JwsError::KeysStale => {
                Self::Unavailable("the transmitter's keys are not there")
            }
            JwsError::TooLarge
            | JwsError::Malformed
            | JwsError::TooDeep
            | JwsError::DuplicateMember
            | JwsError::CriticalHeader
            | JwsError::UnencodedPayload => Self::Request("the body is not a JWS in compact form"),
            JwsError::AlgorithmNotAllowed => Self::Key("its algorithm is not accepted"),
            JwsError::UnknownKey | JwsError::UnfitKey | JwsError::AmbiguousKey => {
                Self::Key("its key is not one of the transmitter's")
            }
            JwsError::BadSignature => Self::Signature,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Unavailable(detail) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let problem = Problem::new(status, "event_unavailable", *detail);
                return ([(header::RETRY_AFTER, "5")], problem).into_response();
            }
            Self::Body(problem) => problem.status(),
            Self::Sender(_) => StatusCode::UNAUTHORIZED,
            Self::Request(_)
            | Self::Key(_)
            | Self::Issuer
            | Self::Audience
            | Self::Signature
            | Self::Foreign => StatusCode::BAD_REQUEST,
        };
        let (err, description) = self.told();
        let body = Json(json!({ "err": err, "description": description }));
        let mut response = (status, HEADERS, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer realm=\"countersign\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
