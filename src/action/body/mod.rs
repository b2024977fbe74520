//! The body of a request, where something is decided on what stands in it: all of it, as the upstream gets it, or the request
//! is refused before anything in it is looked at.
//!
//! A cause holds nothing of the body. Where Envoy is set up so that the body cannot be known, the cause names the setting.

mod media_type;
#[cfg(test)]
mod tests;

use crate::json::{Json, JsonError, Limits, read as read_json};
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity};
use crate::model::verdict::Denial;

pub(super) use media_type::Accepts;

const ABSENT: &str = "no body came: set Envoy's `with_request_body`, unless the request has none";
const PARTIAL: &str = "the body was cut: set `allow_partial_message: false` in Envoy's `with_request_body`, and raise \
                       `max_request_bytes` if it is too small";
const SANITISED: &str = "the body came as text, in which bytes may have been replaced: set `pack_as_bytes: true` in Envoy's \
                         `with_request_body`";
const UNMEASURED: &str = "the body has no `content-length`, so nothing shows whether it was cut: put \
                          `envoy.filters.http.buffer` before ext_authz, which adds one";
const COMPRESSED: &str = "the body has a `content-encoding`: put `envoy.filters.http.decompressor` and then \
                          `envoy.filters.http.buffer` before ext_authz, or have callers not compress";

/// Reads the body of `request` as one JSON document.
pub(super) fn read(request: &AccessRequest, accepts: Accepts) -> Result<Json<'_>, Denial> {
    let bytes = whole(&request.body)?;
    check_declared(request, accepts)?;
    read_json(bytes, &Limits::default()).map_err(refused)
}

/// Whether the body is declared as JSON that its readers take for UTF-8, as it comes: what its upstream decompresses can be
/// another document than the bytes that somebody read before.
pub(super) fn check_declared(request: &AccessRequest, accepts: Accepts) -> Result<(), Denial> {
    let encoding = request.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(incomplete(COMPRESSED));
    }
    let content_type = request.headers.get(header::CONTENT_TYPE);
    if accepts.admits(content_type.unwrap_or_default()) {
        return Ok(());
    }
    Err(Denial::new(Reason::BodyType).because(accepts.wants()))
}

/// The bytes of the body, if they are certainly its own and certainly all.
fn whole(body: &Body) -> Result<&[u8], Denial> {
    match body {
        Body::Absent => Err(incomplete(ABSENT)),
        Body::Sent { bytes, fidelity } => match fidelity {
            Fidelity::Exact => Ok(bytes),
            Fidelity::Sanitised => Err(incomplete(SANITISED)),
            Fidelity::Partial => Err(incomplete(PARTIAL)),
            Fidelity::Unmeasured => Err(incomplete(UNMEASURED)),
        },
    }
}

fn incomplete(cause: &str) -> Denial {
    Denial::new(Reason::InputIncomplete).because(cause)
}

fn refused(error: JsonError) -> Denial {
    let reason = match error {
        JsonError::TooDeep | JsonError::TooManyNodes | JsonError::TextTooLong => {
            Reason::BodyTooComplex
        }
        JsonError::NotUtf8
        | JsonError::ByteOrderMark
        | JsonError::Malformed { .. }
        | JsonError::Trailing { .. }
        | JsonError::Duplicate
        | JsonError::LoneSurrogate
        | JsonError::NumberOutOfRange => Reason::BodyMalformed,
    };
    Denial::new(reason).because(format!("the body: {error}"))
}
