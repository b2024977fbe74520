//! Headers, from either shape in which Envoy sends them, to one map in which nothing is ambiguous.
//!
//! Every check reads the joined values, because in the `headers` shape Envoy has joined them already: both shapes of
//! one request end alike.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

use crate::ext_authz::wire::{Header, Http};
use crate::model::header;
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
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DPOP,
    header::HOST,
];

/// Headers with which some servers let the caller replace the method that was decided on.
const METHOD_OVERRIDES: [&str; 3] = [
    header::METHOD,
    header::METHOD_OVERRIDE,
    header::OTHER_METHOD_OVERRIDE,
];

/// The headers without pseudo headers, or the reason why they cannot be trusted to mean one thing.
pub(super) fn headers(http: &Http<'_>) -> Result<Headers, Denial> {
    let headers = match (http.header_map.as_slice(), http.headers.as_slice()) {
        ([], joined) => merged(joined)?,
        (raw, []) => unmerged(raw)?,
        (raw, joined) => {
            let headers = unmerged(raw)?;
            if headers != merged(joined)? {
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
    if headers.get(header::AUTHORIZATION).is_some() && query.get("access_token").is_some() {
        return Err(Denial::new(Reason::CredentialAmbiguous));
    }
    Ok(())
}

/// The `header_map` shape: entries as received, bytes as received.
fn unmerged(raw: &[Header<'_>]) -> Result<Headers, Denial> {
    let bytes = raw
        .iter()
        .map(|it| it.key.len() + it.value.len() + it.raw_value.len());
    let mut headers = Headers::with_capacity(raw.len(), bytes.sum());
    for Header {
        key,
        value,
        raw_value,
    } in raw
    {
        if is_header(key)? {
            let text = if raw_value.is_empty() {
                Cow::Borrowed(*value)
            } else {
                sanitised(raw_value)
            };
            headers.push(key, checked(&text)?);
        }
    }
    Ok(headers.finished())
}

/// The `headers` shape: one entry a name, joined and sanitised by Envoy. It is a map: the last entry of a name counts.
fn merged(joined: &[(&str, &str)]) -> Result<Headers, Denial> {
    let mut entries: Vec<&(&str, &str)> = joined.iter().rev().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    let bytes = entries.iter().map(|(key, value)| key.len() + value.len());
    let mut headers = Headers::with_capacity(entries.len(), bytes.sum());
    let mut distinct = 0;
    for (key, value) in entries {
        if is_header(key)? {
            headers.push(key, checked(value)?);
            distinct += 1;
        }
    }
    let headers = headers.finished();
    // Names that differ in case only would be joined in any order; Envoy sends none.
    if headers.count() < distinct {
        return Err(Denial::new(Reason::HeaderRepeated));
    }
    Ok(headers)
}

/// Whether it is the name of a header (RFC 9110, section 5.1), and not a pseudo header, which has a field of its own.
fn is_header(key: &str) -> Result<bool, Denial> {
    if key.starts_with(':') {
        return Ok(false);
    }
    if !is_token(key) {
        return Err(malformed());
    }
    Ok(true)
}

/// Whether a text is a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let fits = |byte: u8| TOKEN.get(usize::from(byte)).is_some_and(|fits| *fits);
    !text.is_empty() && text.bytes().all(fits)
}

/// Which bytes a token may have.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    #[expect(clippy::indexing_slicing, reason = "checked while compiling")]
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// Replaces every byte that is not UTF-8 with `!`, one for one, as Envoy does in the `headers` shape.
fn sanitised(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
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
fn checked(value: &str) -> Result<&str, Denial> {
    if memchr3(0, b'\r', b'\n', value.as_bytes()).is_some() {
        return Err(malformed());
    }
    Ok(value)
}

/// One cause for both, because the `headers` shape has no order in which one of them would come first.
fn malformed() -> Denial {
    Denial::new(Reason::RequestMalformed).because("a header name or value is malformed")
}

fn bounded(headers: &Headers) -> Result<(), Denial> {
    let (count, bytes) = (headers.count(), headers.bytes());
    if count > MAX_HEADERS || bytes > MAX_BYTES {
        let cause = format!("{count} headers of {bytes} bytes");
        return Err(Denial::new(Reason::HeadersTooLarge).because(cause));
    }
    Ok(())
}

fn unambiguous(headers: &Headers) -> Result<(), Denial> {
    let has_comma = |name: &str| {
        headers
            .get(name)
            .is_some_and(|value| memchr(b',', value.as_bytes()).is_some())
    };
    if has_comma(header::AUTHORIZATION) {
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
