//! `CheckRequest` in, one canonical [`AccessRequest`] out; whatever is ambiguous becomes a denial with a reason of its
//! own. Pure: no clock, no I/O, and no request makes it panic.

mod body;
mod headers;
mod host;
mod metadata;
mod path;
mod peer;
mod query;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use prost::Message as _;

use super::wire::{Check, Http, Malformed};
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::{self, AccessRequest, Headers};
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

use peer::non_empty;

/// Longest method in bytes.
const MAX_METHOD: usize = 64;
/// Longest request id in bytes; a longer one is left out.
const MAX_REQUEST_ID: usize = 128;

/// Reads a check that is a message in memory; what [`read_request`] makes of its bytes.
pub fn access_request(check: &CheckRequest, now: Timestamp) -> Result<AccessRequest, Denial> {
    read_request(&check.encode_to_vec(), now)
}

/// Reads the bytes of a check (`envoy.service.auth.v3.CheckRequest`) into the canonical request.
pub fn read_request(message: &[u8], now: Timestamp) -> Result<AccessRequest, Denial> {
    let check = Check::read(message).map_err(|Malformed| no_message())?;
    canonical(&check, now)
}

/// The bytes of a check are none.
pub(super) fn no_message() -> Denial {
    Denial::new(Reason::RequestMalformed).because("the message is no `CheckRequest`")
}

/// Reads a check into the canonical request that is matched, decided, digested and logged.
///
/// Absent stays absent. Both header shapes give the same request, and so do both body shapes unless the text form has
/// replacement marks.
pub(super) fn canonical(check: &Check<'_>, now: Timestamp) -> Result<AccessRequest, Denial> {
    let http = check.http.as_ref();
    let http = http.ok_or_else(|| Denial::new(Reason::NoHttp))?;
    let headers = headers::headers(http)?;
    let (raw_path, query) = path::split(target(http)?)?;
    let path = path::path(raw_path)?;
    let query = query::query(query)?;
    headers::one_credential(&headers, &query)?;
    let extensions = check.context_extensions.iter();
    Ok(AccessRequest {
        now,
        id: request_id_of(http),
        method: method(http)?,
        host: authority(http, &headers)?,
        path,
        raw_path: raw_path.to_owned(),
        query,
        body: body::body(http, &headers)?,
        headers,
        scheme: non_empty(http.scheme),
        protocol: non_empty(http.protocol),
        source: peer::peer(check.source.as_ref())?,
        sni: non_empty(check.sni).map(|name| name.to_ascii_lowercase()),
        context_extensions: extensions
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        metadata: metadata::metadata(check.metadata.as_ref())?,
        route_metadata: metadata::metadata(check.route_metadata.as_ref())?,
        gateway: None,
    })
}

/// The id under which Envoy logs a request, for correlation only: `x-request-id`, else Envoy's stream id. Works for
/// requests that [`canonical`] denies too; an id that is long or not visible ASCII is left out.
pub(super) fn request_id(check: &Check<'_>) -> Option<String> {
    check.http.as_ref().and_then(request_id_of)
}

/// Whether a check is about a gRPC call. Works for requests that [`canonical`] denies too.
pub(super) fn is_grpc(check: &Check<'_>) -> bool {
    let http = check.http.as_ref();
    let content_type = http.and_then(|http| header_of(http, header::CONTENT_TYPE));
    content_type.is_some_and(request::is_grpc)
}

fn request_id_of(http: &Http<'_>) -> Option<String> {
    let sent = header_of(http, header::REQUEST_ID);
    let usable = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let id = sent.filter(usable).or(Some(http.id)).filter(usable)?;
    Some(id.to_owned())
}

/// The first value of a header, whichever of Envoy's shapes has it.
fn header_of<'a>(http: &Http<'a>, name: &str) -> Option<&'a str> {
    let mut raw = http.header_map.iter().filter(|entry| entry.key == name);
    let raw = raw
        .next()
        .and_then(|entry| match std::str::from_utf8(entry.raw_value) {
            Ok("") => Some(entry.value),
            Ok(text) => Some(text),
            Err(_) => None,
        });
    let joined = || http.headers.iter().rfind(|(key, _)| *key == name);
    raw.or_else(|| joined().map(|(_, value)| *value))
}

/// The request target; Envoy documents `query` and `fragment` as always empty, so what fills them is not Envoy.
fn target<'a>(http: &Http<'a>) -> Result<&'a str, Denial> {
    if http.query.is_empty() && http.fragment.is_empty() {
        return Ok(http.path);
    }
    let cause = "`query` or `fragment` is set beside `path`";
    Err(Denial::new(Reason::RequestMalformed).because(cause))
}

/// The method, exactly as sent (RFC 9110, section 9.1).
fn method(http: &Http<'_>) -> Result<String, Denial> {
    let method = http.method;
    if method.len() > MAX_METHOD || !headers::is_token(method) {
        return Err(Denial::new(Reason::RequestMalformed).because("the method is no token"));
    }
    Ok(method.to_owned())
}

/// The canonical `:authority`; a `host` header beside it must name the same host (RFC 9113, section 8.3.1).
fn authority(http: &Http<'_>, headers: &Headers) -> Result<String, Denial> {
    let authority = host::host(http.host)?;
    if let Some(other) = headers.get(header::HOST)
        && host::host(other)? != authority
    {
        let cause = "`:authority` and `host` name different hosts";
        return Err(Denial::new(Reason::HostMalformed).because(cause));
    }
    Ok(authority)
}

#[cfg(test)]
mod tests;
