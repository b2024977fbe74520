//! Headers, from either shape in which Envoy sends them, to one map in which nothing is ambiguous.
//!
//! Every check reads the joined values, because in the `headers` shape Envoy has joined them already: both shapes of
//! one request end alike.

use std::borrow::Cow;

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;

use crate::model::reason::Reason;
use crate::model::request::{Headers, Query};
use crate::model::verdict::Denial;

/// Most headers of different names; Envoy's own default is 100.
const MAX_HEADERS: usize = 200;
/// Most bytes of names and values together; Envoy's own default is 60 KiB.
const MAX_BYTES: usize = 96 * 1024;

/// Headers whose value is one thing, or whose repetition two readers read differently. A comma in them is denied: it
/// is how two of them look once Envoy has joined them. (`content-type` may hold a quoted comma; it is denied as well.)
const SINGLE: [&str; 5] = [
    "content-encoding",
    "content-length",
    "content-type",
    "dpop",
    "host",
];

/// Headers with which some servers let the caller replace the method that was decided on.
const METHOD_OVERRIDES: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// The headers without pseudo headers, or the reason why they cannot be trusted to mean one thing.
pub(super) fn headers(http: &HttpRequest) -> Result<Headers, Denial> {
    let raw = http.header_map.as_ref().map(|map| map.headers.as_slice());
    let headers = match (raw.unwrap_or_default(), http.headers.is_empty()) {
        ([], _) => merged(http)?,
        (raw, true) => unmerged(raw)?,
        (raw, false) => {
            let headers = unmerged(raw)?;
            if headers != merged(http)? {
                return Err(Denial::new(Reason::HeadersDisagree));
            }
            headers
        }
    };
    bounded(&headers)?;
    unambiguous(&headers)?;
    Ok(headers)
}

/// Refuses a second credential: a token in the query beside the header (RFC 6750, section 2).
pub(super) fn one_credential(headers: &Headers, query: &Query) -> Result<(), Denial> {
    if headers.get("authorization").is_some() && query.get("access_token").is_some() {
        return Err(Denial::new(Reason::CredentialAmbiguous));
    }
    Ok(())
}

/// The `header_map` shape: entries as received, bytes as received.
fn unmerged(raw: &[HeaderValue]) -> Result<Headers, Denial> {
    let mut entries = Vec::with_capacity(raw.len());
    for HeaderValue {
        key,
        value,
        raw_value,
    } in raw
    {
        if let Some(name) = name(key)? {
            let text = if raw_value.is_empty() {
                Cow::Borrowed(value.as_str())
            } else {
                sanitised(raw_value)
            };
            entries.push((name, checked(text.into_owned())?));
        }
    }
    Ok(Headers::new(entries))
}

/// The `headers` shape: one entry a name, joined and sanitised by Envoy.
fn merged(http: &HttpRequest) -> Result<Headers, Denial> {
    let mut entries = Vec::with_capacity(http.headers.len());
    for (key, value) in &http.headers {
        if let Some(name) = name(key)? {
            entries.push((name, checked(value.clone())?));
        }
    }
    let distinct = entries.len();
    let headers = Headers::new(entries);
    // Names that differ in case only would be joined in the order of a hash map; Envoy sends none.
    if headers.iter().count() < distinct {
        return Err(Denial::new(Reason::HeaderRepeated));
    }
    Ok(headers)
}

/// The lower-case name (RFC 9110, section 5.1), or `None` for a pseudo header, which has a field of its own.
fn name(key: &str) -> Result<Option<String>, Denial> {
    if key.starts_with(':') {
        return Ok(None);
    }
    if !is_token(key) {
        return Err(malformed());
    }
    Ok(Some(key.to_ascii_lowercase()))
}

/// Whether a text is a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let special = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

/// Replaces every byte that is not UTF-8 with `!`, one for one, as Envoy does in the `headers` shape.
fn sanitised(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_byte| '!'));
    }
    Cow::Owned(text)
}

/// Refuses what would end a header line in a careless peer (RFC 9110, section 5.5).
fn checked(value: String) -> Result<String, Denial> {
    if value.contains(['\0', '\r', '\n']) {
        return Err(malformed());
    }
    Ok(value)
}

/// One cause for both, because the `headers` shape has no order in which one of them would come first.
fn malformed() -> Denial {
    Denial::new(Reason::RequestMalformed).because("a header name or value is malformed")
}

fn bounded(headers: &Headers) -> Result<(), Denial> {
    let count = headers.iter().count();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if count > MAX_HEADERS || bytes > MAX_BYTES {
        let cause = format!("{count} headers of {bytes} bytes");
        return Err(Denial::new(Reason::HeadersTooLarge).because(cause));
    }
    Ok(())
}

fn unambiguous(headers: &Headers) -> Result<(), Denial> {
    let has_comma = |name: &str| headers.get(name).is_some_and(|value| value.contains(','));
    if has_comma("authorization") {
        return Err(Denial::new(Reason::AuthorizationAmbiguous));
    }
    if let Some(name) = SINGLE.into_iter().find(|name| has_comma(name)) {
        return Err(Denial::new(Reason::HeaderRepeated).because(format!("header `{name}`")));
    }
    let mut overrides = METHOD_OVERRIDES.into_iter();
    if let Some(name) = overrides.find(|name| headers.get(name).is_some()) {
        return Err(Denial::new(Reason::MethodOverride).because(format!("header `{name}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
