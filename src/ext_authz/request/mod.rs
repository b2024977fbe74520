//! `CheckRequest` in, one canonical [`AccessRequest`] out; whatever is ambiguous becomes a denial with a reason of its
//! own. Pure: no clock, no I/O, and no request makes it panic.

mod body;
mod headers;
mod host;
mod metadata;
mod path;
mod peer;
mod query;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::model::reason::Reason;
use crate::model::request::{self, AccessRequest, Headers};
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

use peer::non_empty;

/// Longest method in bytes.
const MAX_METHOD: usize = 64;
/// Longest request id in bytes; a longer one is left out.
const MAX_REQUEST_ID: usize = 128;

/// Reads a check into the canonical request that is matched, decided, digested and logged.
///
/// Absent stays absent. Both header shapes give the same request, and so do both body shapes unless the text form has
/// replacement marks.
pub fn access_request(check: &CheckRequest, now: Timestamp) -> Result<AccessRequest, Denial> {
    let http = http(check).ok_or_else(|| Denial::new(Reason::NoHttp))?;
    let context = check.attributes.as_ref();
    let headers = headers::headers(http)?;
    let (raw_path, query) = path::split(target(http)?)?;
    let path = path::path(raw_path)?;
    let query = query::query(query)?;
    headers::one_credential(&headers, &query)?;
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
        scheme: non_empty(&http.scheme),
        protocol: non_empty(&http.protocol),
        source: peer::peer(context.and_then(|context| context.source.as_ref()))?,
        sni: context.and_then(sni),
        context_extensions: context.map(extensions).unwrap_or_default(),
        metadata: metadata::metadata(context.and_then(|it| it.metadata_context.as_ref()))?,
        route_metadata: metadata::metadata(
            context.and_then(|it| it.route_metadata_context.as_ref()),
        )?,
        gateway: None,
    })
}

/// The id under which Envoy logs a request, for correlation only: `x-request-id`, else Envoy's stream id. Works for
/// requests that [`access_request`] denies too; an id that is long or not visible ASCII is left out.
pub fn request_id(check: &CheckRequest) -> Option<String> {
    http(check).and_then(request_id_of)
}

/// Whether a check is about a gRPC call. Works for requests that [`access_request`] denies too.
pub(super) fn is_grpc(check: &CheckRequest) -> bool {
    let content_type = http(check).and_then(|http| header_of(http, "content-type"));
    content_type.is_some_and(request::is_grpc)
}

fn http(check: &CheckRequest) -> Option<&HttpRequest> {
    check.attributes.as_ref()?.request.as_ref()?.http.as_ref()
}

fn request_id_of(http: &HttpRequest) -> Option<String> {
    let header = header_of(http, "x-request-id");
    let usable = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let id = header.filter(usable).or(Some(&http.id)).filter(usable)?;
    Some(id.to_owned())
}

/// The first value of a header, whichever of Envoy's shapes has it.
fn header_of<'a>(http: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let raw = http.header_map.as_ref().and_then(|map| {
        let entry = map.headers.iter().find(|entry| entry.key == name)?;
        match std::str::from_utf8(&entry.raw_value) {
            Ok("") => Some(entry.value.as_str()),
            Ok(text) => Some(text),
            Err(_) => None,
        }
    });
    raw.or_else(|| http.headers.get(name).map(String::as_str))
}

/// The request target; Envoy documents `query` and `fragment` as always empty, so what fills them is not Envoy.
fn target(http: &HttpRequest) -> Result<&str, Denial> {
    if http.query.is_empty() && http.fragment.is_empty() {
        return Ok(&http.path);
    }
    let cause = "`query` or `fragment` is set beside `path`";
    Err(Denial::new(Reason::RequestMalformed).because(cause))
}

/// The method, exactly as sent (RFC 9110, section 9.1).
fn method(http: &HttpRequest) -> Result<String, Denial> {
    let method = &http.method;
    if method.len() > MAX_METHOD || !headers::is_token(method) {
        return Err(Denial::new(Reason::RequestMalformed).because("the method is no token"));
    }
    Ok(method.clone())
}

/// The canonical `:authority`; a `host` header beside it must name the same host (RFC 9113, section 8.3.1).
fn authority(http: &HttpRequest, headers: &Headers) -> Result<String, Denial> {
    let authority = host::host(&http.host)?;
    if let Some(other) = headers.get("host")
        && host::host(other)? != authority
    {
        let cause = "`:authority` and `host` name different hosts";
        return Err(Denial::new(Reason::HostMalformed).because(cause));
    }
    Ok(authority)
}

fn sni(context: &AttributeContext) -> Option<String> {
    let session = context.tls_session.as_ref()?;
    non_empty(&session.sni).map(|name| name.to_ascii_lowercase())
}

fn extensions(context: &AttributeContext) -> std::collections::BTreeMap<String, String> {
    let entries = context.context_extensions.iter();
    entries
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
