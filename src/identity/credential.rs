//! The credential of a request: at most one, found where providers look for it.

use super::place::Place;
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::verdict::Denial;

/// What a request presents; not verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    /// A token in the `authorization` header (RFC 6750, section 2.1; RFC 9449, section 7.1).
    Token(Scheme, &'a str),
    /// What stands in a place of its own.
    Placed(&'a Place, &'a str),
}

/// How a token stands in the `authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Whoever has the token can use it.
    Bearer,
    /// With a proof of the key that it is bound to.
    Dpop,
}

/// The scheme with which a request presents a token, whatever follows it.
pub(super) fn scheme(request: &AccessRequest) -> Option<Scheme> {
    let header = request.headers.get(header::AUTHORIZATION)?;
    scheme_named(header.split_once(' ').map_or(header, |(scheme, _)| scheme))
}

/// Schemes are read in any case (RFC 9110, section 11.1).
fn scheme_named(name: &str) -> Option<Scheme> {
    match name {
        _ if name.eq_ignore_ascii_case("bearer") => Some(Scheme::Bearer),
        _ if name.eq_ignore_ascii_case("dpop") => Some(Scheme::Dpop),
        _ => None,
    }
}

/// The credential of a request, if it has one. With two of them nobody could say who asks: that is a denial, whatever
/// they are worth. `places` are those that count for the route.
pub(super) fn find<'a>(
    request: &'a AccessRequest,
    places: impl IntoIterator<Item = &'a Place>,
) -> Result<Option<Credential<'a>>, Denial> {
    let header = request.headers.get(header::AUTHORIZATION);
    let mut found = None;
    for place in places {
        let Some(value) = place.read(&request.headers)? else {
            continue;
        };
        if header.is_some() || found.is_some() {
            return Err(Denial::new(Reason::CredentialAmbiguous));
        }
        found = Some(Credential::Placed(place, value));
    }
    // A token in the query is none of ours, but an upstream may read it (RFC 6750, section 2.3).
    if found.is_some() && request.query.get("access_token").is_some() {
        return Err(Denial::new(Reason::CredentialAmbiguous));
    }
    match header {
        Some(header) => token(header).map(Some),
        None => Ok(found),
    }
}

/// The token of a `Bearer` or `DPoP` credential (RFC 6750, section 2.1; RFC 9449, section 7.1): the scheme in any case,
/// exactly one space, one `token68` (RFC 9110, section 11.2) and nothing else.
fn token(header: &str) -> Result<Credential<'_>, Denial> {
    let (scheme, token) = match header.split_once(' ') {
        Some((scheme, token)) => (scheme, token),
        None => (header, ""),
    };
    let Some(scheme) = scheme_named(scheme) else {
        return Err(Denial::new(Reason::CredentialUnsupported)
            .because("the `authorization` header's scheme is neither `Bearer` nor `DPoP`"));
    };
    if !is_token68(token) {
        return Err(Denial::new(Reason::TokenMalformed)
            .because("the scheme is not followed by one space and one token"));
    }
    Ok(Credential::Token(scheme, token))
}

fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    // Every byte is looked at, and nothing is asked in between: a token has a thousand, and nearly all are good.
    !body.is_empty() && body.bytes().fold(0, |any, byte| any | off_token68(byte)) == 0
}

/// 0 for a byte that can stand in a `token68`, but for the `=` at its end: how far it is from the nearest one, in steps that a
/// processor takes for many bytes at once.
fn off_token68(byte: u8) -> u8 {
    let letter = beyond(byte | 0x20, b'a', b'z');
    // `-`, `.` and `/` come right before the digits.
    let digit = beyond(byte, b'-', b'9');
    let others = (byte ^ b'_').min(byte ^ b'~').min(byte ^ b'+');
    letter.min(digit).min(others)
}

/// 0 for a byte from `first` to `last`, something else for every other.
const fn beyond(byte: u8, first: u8, last: u8) -> u8 {
    byte.wrapping_sub(first).saturating_sub(last - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for (header, scheme) in [
            ("Bearer a.b.c", Scheme::Bearer),
            ("bearer a.b.c", Scheme::Bearer),
            ("BEARER a.b.c", Scheme::Bearer),
            ("DPoP a.b.c", Scheme::Dpop),
            ("dpop a.b.c", Scheme::Dpop),
        ] {
            assert!(
                token(header) == Ok(Credential::Token(scheme, "a.b.c")),
                "{header}"
            );
        }
    }

    #[test]
    fn a_token_has_the_bytes_of_a_token68() {
        for byte in 0..=u8::MAX {
            let good = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            let text = char::from(byte).to_string();
            assert_eq!(is_token68(&text), good, "{text:?}");
            assert_eq!(is_token68(&format!("abc{text}def")), good, "{text:?}");
        }
    }

    #[test]
    fn another_scheme_is_unsupported() {
        for header in [
            "",
            " ",
            "Basic YTpi",
            "Bearer\ta.b.c",
            " Bearer a.b.c",
            "Bearerx a.b.c",
            "a.b.c",
        ] {
            let denial = token(header).err().unwrap();
            assert_eq!(denial.reason, Reason::CredentialUnsupported, "{header:?}");
        }
    }

    #[test]
    fn a_scheme_needs_exactly_one_token() {
        for header in [
            "DPoP",
            "DPoP a.b.c d.e.f",
            "Bearer",
            "Bearer ",
            "Bearer  a.b.c",
            "Bearer a.b.c ",
            "Bearer a.b.c, Bearer d.e.f",
            "Bearer a.b.c Bearer d.e.f",
            "Bearer a=b",
            "Bearer ==",
            "Bearer ä",
            "Bearer \"a\"",
        ] {
            let denial = token(header).err().unwrap();
            assert_eq!(denial.reason, Reason::TokenMalformed, "{header:?}");
        }
    }
}
