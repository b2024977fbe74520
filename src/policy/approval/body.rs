//! The body as a part of what is approved: its digest, or that there is none for certain.

use crate::keys::sha256;
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity};
use crate::model::verdict::Denial;

/// The key in Envoy's `context_extensions` by which who configured Envoy says that it hands on every body.
const HANDED_ON: (&str, &str) = ("body", "sent");

/// A body.
pub(super) struct BodyDigest<'a> {
    /// SHA-256 of its bytes.
    pub(super) digest: [u8; 32],
    /// The type and the encoding that they are said to be of.
    pub(super) of: [&'a str; 2],
}

/// The digest of the body as it came; none if there is none.
pub(super) fn digest_of_body(request: &AccessRequest) -> Result<Option<BodyDigest<'_>>, Denial> {
    let incomplete = |cause: &str| Err(Denial::new(Reason::InputIncomplete).because(cause));
    match &request.body {
        Body::Sent {
            bytes,
            fidelity: Fidelity::Exact,
        } => Ok(Some(BodyDigest {
            digest: sha256(bytes),
            of: [
                request.headers.get(header::CONTENT_TYPE),
                request.headers.get(header::CONTENT_ENCODING),
            ]
            .map(Option::unwrap_or_default),
        })),
        Body::Sent {
            fidelity: Fidelity::Sanitised | Fidelity::Partial | Fidelity::Unmeasured,
            ..
        } => incomplete(
            "an approval is bound to the body, and nothing shows that all of it came unchanged: set Envoy's `with_request_body` \
             with `pack_as_bytes: true`, and put `envoy.filters.http.buffer` before ext_authz",
        ),
        Body::Absent => match presence(request) {
            Presence::None => Ok(None),
            Presence::Some => incomplete(
                "an approval is bound to the body, and Envoy sent none: set `with_request_body`",
            ),
            Presence::Unknown => incomplete(
                "an approval is bound to the body, and over HTTP/2 and HTTP/3 nothing shows that there is none: set Envoy's \
                 `with_request_body` and beside it `context_extensions: { body: sent }`, have callers send `content-length: 0`, or \
                 name in `bind` what else is approved",
            ),
        },
    }
}

/// Whether a request has a body of which nothing came.
enum Presence {
    None,
    Some,
    Unknown,
}

/// A length tells. Without one, a request over HTTP/1 has none unless it says how it is framed (RFC 9112, section 6.3). Over later
/// versions the stream tells Envoy alone: a check (1.40) is the same with `with_request_body` and no body, and without it and some.
fn presence(request: &AccessRequest) -> Presence {
    let (name, sent) = HANDED_ON;
    let handed_on = request.context_extensions.get(name).map(String::as_str) == Some(sent);
    // Envoy says so of what it waited for.
    let waited = || request.headers.get(header::PARTIAL_BODY) == Some("false");
    let length = request.headers.get(header::CONTENT_LENGTH);
    match (length, request.headers.get(header::TRANSFER_ENCODING)) {
        (Some("0"), None) => Presence::None,
        (Some(_), _) | (_, Some(_)) => Presence::Some,
        (None, None) if handed_on || waited() => Presence::None,
        (None, None) => match request.protocol.as_deref() {
            Some("HTTP/1.0" | "HTTP/1.1") => Presence::None,
            _ => Presence::Unknown,
        },
    }
}
