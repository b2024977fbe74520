//! The path, decoded once. Whatever two readers could read differently is denied.
//!
//! Paths are case-sensitive: `/A` and `/a` are two paths. A `+` is a literal plus; only queries use it for a space.

use std::borrow::Cow;

use memchr::memchr;

use crate::model::reason::Reason;
use crate::model::verdict::Denial;

use crate::ext_authz::percent::{Unit, has_upper_control, is_control, is_unreserved, units};

/// Longest path in bytes, before it is decoded.
const MAX_PATH: usize = 8 * 1024;

/// Splits a request target at its first `?`; any later one belongs to the query. A raw `#` is denied anywhere in it.
pub(super) fn split(target: &str) -> Result<(&str, Option<&str>), Denial> {
    if memchr(b'#', target.as_bytes()).is_some() {
        return Err(Denial::new(Reason::PathDelimiter));
    }
    let mark = memchr(b'?', target.as_bytes());
    Ok(match mark.and_then(|at| target.split_at_checked(at)) {
        Some((path, query)) => (path, query.get(1..)),
        None => (target, None),
    })
}

/// The canonical path: absolute, every segment decoded, and a final `/` only where the request has one.
pub(super) fn path(raw: &str) -> Result<String, Denial> {
    let rest = raw
        .strip_prefix('/')
        .filter(|_| raw.len() <= MAX_PATH)
        .ok_or_else(|| Denial::new(Reason::PathMalformed))?;
    raw.bytes().try_for_each(raw_byte).map_err(Denial::new)?;
    if is_canonical(raw.as_bytes()) {
        return Ok(raw.to_owned());
    }
    let mut decoded = String::with_capacity(raw.len());
    let mut segments = rest.split('/').peekable();
    while let Some(part) = segments.next() {
        if part.is_empty() && segments.peek().is_some() {
            return Err(Denial::new(Reason::PathEmptySegment));
        }
        decoded.push('/');
        decoded.push_str(&segment(part).map_err(Denial::new)?);
    }
    Ok(decoded)
}

/// Whether a path is its own canonical form, as most are: nothing is encoded, and no segment is empty or begins with a dot.
fn is_canonical(raw: &[u8]) -> bool {
    let plain = |pair: &[u8]| !matches!(pair, [b'/', b'/' | b'.']);
    memchr(b'%', raw).is_none() && raw.windows(2).all(plain)
}

const fn raw_byte(byte: u8) -> Result<(), Reason> {
    match byte {
        b'\\' => Err(Reason::PathBackslash),
        b';' => Err(Reason::PathParameter),
        0..=0x20 | 0x7f.. => Err(Reason::PathMalformed),
        _ => Ok(()),
    }
}

fn segment(raw: &str) -> Result<Cow<'_, str>, Reason> {
    if is_dots(raw) {
        return Err(Reason::PathDotSegment);
    }
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    // Number of hexadecimal digits since an encoded `%`: two of them would be a second layer of encoding.
    let mut digits: Option<u8> = None;
    for unit in units(raw) {
        let byte = match unit.map_err(|_broken| Reason::PathMalformed)? {
            Unit::Raw(byte) => byte,
            Unit::Encoded(byte) => encoded_byte(byte)?,
        };
        digits = match (unit, digits) {
            (Ok(Unit::Encoded(b'%')), _) => Some(0),
            (Ok(Unit::Raw(digit)), Some(seen)) if digit.is_ascii_hexdigit() => Some(seen + 1),
            _ => None,
        };
        if digits == Some(2) {
            return Err(Reason::PathDoubleEncoding);
        }
        bytes.push(byte);
    }
    let text = String::from_utf8(bytes).map_err(|_error| Reason::PathNotUtf8)?;
    if has_upper_control(&text) {
        return Err(Reason::PathControl);
    }
    Ok(Cow::Owned(text))
}

/// Whether a segment is `.` or `..`, in any mixture of raw and encoded dots.
fn is_dots(raw: &str) -> bool {
    const LONGEST: usize = "%2e%2e".len();
    raw.starts_with(['.', '%'])
        && raw.len() <= LONGEST
        && matches!(
            raw.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
}

const fn encoded_byte(byte: u8) -> Result<u8, Reason> {
    match byte {
        b'/' => Err(Reason::PathEncodedSlash),
        b'\\' => Err(Reason::PathBackslash),
        b';' => Err(Reason::PathParameter),
        b'#' | b'?' => Err(Reason::PathDelimiter),
        control if is_control(control) => Err(Reason::PathControl),
        plain if is_unreserved(plain) => Err(Reason::PathEncodedUnreserved),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_paths_are_kept_and_decoded() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/A+b/c%20d", "/A+b/c d"),
            ("/caf%C3%A9", "/café"),
            ("/100%25", "/100%"),
            ("/100%252", "/100%2"),
            ("/a%25/20", "/a%/20"),
            ("/v1/x:cancel", "/v1/x:cancel"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(canonical), "{raw}");
        }
    }

    #[test]
    fn every_ambiguity_has_its_reason() {
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for (raw, reason) in [
            ("", Reason::PathMalformed),
            ("*", Reason::PathMalformed),
            ("http://other.example/abs", Reason::PathMalformed),
            ("a/b", Reason::PathMalformed),
            (&long, Reason::PathMalformed),
            ("/a b", Reason::PathMalformed),
            ("/a\tb", Reason::PathMalformed),
            ("/a\u{0}b", Reason::PathMalformed),
            ("/é", Reason::PathMalformed),
            ("/a%", Reason::PathMalformed),
            ("/a%2", Reason::PathMalformed),
            ("/a%zz", Reason::PathMalformed),
            ("//x", Reason::PathEmptySegment),
            ("/a//b", Reason::PathEmptySegment),
            ("/a//", Reason::PathEmptySegment),
            ("/a/./b", Reason::PathDotSegment),
            ("/a/../b", Reason::PathDotSegment),
            ("/..", Reason::PathDotSegment),
            ("/a/%2e%2E/b", Reason::PathDotSegment),
            ("/a/.%2e", Reason::PathDotSegment),
            ("/%2e", Reason::PathDotSegment),
            ("/a%2fb", Reason::PathEncodedSlash),
            ("/a%2Fb", Reason::PathEncodedSlash),
            ("/a\\b", Reason::PathBackslash),
            ("/a%5cb", Reason::PathBackslash),
            ("/a%00b", Reason::PathControl),
            ("/a%0ab", Reason::PathControl),
            ("/a%7f", Reason::PathControl),
            ("/a%C2%85", Reason::PathControl),
            ("/v1/%63ustomers", Reason::PathEncodedUnreserved),
            ("/a%2eb", Reason::PathEncodedUnreserved),
            ("/a%7e", Reason::PathEncodedUnreserved),
            ("/a;x=1", Reason::PathParameter),
            ("/a%3bx=1", Reason::PathParameter),
            ("/a%23b", Reason::PathDelimiter),
            ("/a%3Fb", Reason::PathDelimiter),
            ("/a%252e", Reason::PathDoubleEncoding),
            ("/a%2525", Reason::PathDoubleEncoding),
            ("/a%ff", Reason::PathNotUtf8),
            ("/a%c0%af", Reason::PathNotUtf8),
            ("/a%c3/%a9", Reason::PathNotUtf8),
        ] {
            assert_eq!(path(raw).unwrap_err().reason, reason, "{raw}");
        }
    }

    #[test]
    fn the_target_is_split_once() {
        assert_eq!(split("/a?x=1?y=2"), Ok(("/a", Some("x=1?y=2"))));
        assert_eq!(split("/a?"), Ok(("/a", Some(""))));
        assert_eq!(split("/a"), Ok(("/a", None)));
        for fragment in ["/a#x", "/a?x#y"] {
            assert_eq!(split(fragment).unwrap_err().reason, Reason::PathDelimiter);
        }
    }
}
