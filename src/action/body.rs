//! The body of a request, where something is decided on what stands in it.

use crate::json::{Json, JsonError, Limits, read as read_json};
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity};
use crate::model::verdict::Denial;

/// Which media types are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepts {
    /// `application/json` alone.
    Json,
    /// And those that end in `+json` (RFC 6839, section 3.1).
    JsonAndSuffix,
}

/// Reads the body of `request` as one JSON document. What is not certainly the whole body, byte for byte, is refused
/// before anything in it is looked at; causes hold nothing of it.
pub(super) fn read(request: &AccessRequest, accepts: Accepts) -> Result<Json<'_>, Denial> {
    let bytes = whole(&request.body)?;
    check_encoding(request.headers.get("content-encoding"))?;
    check_type(request.headers.get("content-type"), accepts)?;
    read_json(bytes, &Limits::default()).map_err(refused)
}

/// All bytes of the body.
fn whole(body: &Body) -> Result<&[u8], Denial> {
    let incomplete = |cause| Err(Denial::new(Reason::InputIncomplete).because(cause));
    match body {
        Body::Absent => incomplete("no body came; Envoy sends it with `with_request_body`"),
        Body::Sent { bytes, fidelity } => match fidelity {
            Fidelity::Exact => Ok(bytes),
            Fidelity::Partial => {
                incomplete("Envoy cut the body; set `allow_partial_message: false`")
            }
            Fidelity::Sanitised => {
                incomplete("not the body's own bytes; set `pack_as_bytes: true`")
            }
        },
    }
}

/// What is compressed is not what the upstream reads.
fn check_encoding(encoding: Option<&str>) -> Result<(), Denial> {
    match encoding {
        None => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("identity") => Ok(()),
        Some(_) => Err(Denial::new(Reason::InputIncomplete).because("the body is compressed")),
    }
}

/// Whether the body is said to be JSON.
pub(super) fn check_type(value: Option<&str>, accepts: Accepts) -> Result<(), Denial> {
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let suffixed = || essence.starts_with("application/") && essence.ends_with("+json");
    if essence == "application/json" || (accepts == Accepts::JsonAndSuffix && suffixed()) {
        Ok(())
    } else {
        Err(Denial::new(Reason::BodyType))
    }
}

fn refused(error: JsonError) -> Denial {
    let reason = match error {
        JsonError::TooDeep | JsonError::TooManyNodes | JsonError::TextTooLong => {
            Reason::BodyTooComplex
        }
        _ => Reason::BodyMalformed,
    };
    Denial::new(reason).because(error.to_string())
}
