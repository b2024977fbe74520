//! The credential of a request: at most one, found where providers look for it.

use super::place::Place;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::verdict::Denial;

/// What a request presents; not verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    /// A token in the `authorization` header (RFC 6750, section 2.1).
    Bearer(&'a str),
    /// What stands in a place of its own.
    Placed(&'a Place, &'a str),
}

/// The credential of a request, if it has one. With two of them nobody could say who asks: that is a denial, whatever
/// they are worth. `places` are those that count for the route.
pub(super) fn find<'a>(
    request: &'a AccessRequest,
    places: impl IntoIterator<Item = &'a Place>,
) -> Result<Option<Credential<'a>>, Denial> {
    let header = request.headers.get("authorization");
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
    match header {
        Some(header) => bearer_token(header).map(|token| Some(Credential::Bearer(token))),
        None => Ok(found),
    }
}

/// The token of a `Bearer` credential (RFC 6750, section 2.1): the scheme in any case, exactly one space, one `token68`
/// (RFC 9110, section 11.2) and nothing else.
fn bearer_token(header: &str) -> Result<&str, Denial> {
    let (scheme, token) = match header.split_once(' ') {
        Some((scheme, token)) => (scheme, token),
        None => (header, ""),
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denial::new(Reason::CredentialUnsupported)
            .because("the `authorization` header's scheme is not `Bearer`"));
    }
    if !is_token68(token) {
        return Err(Denial::new(Reason::TokenMalformed)
            .because("`Bearer` is not followed by one space and one token"));
    }
    Ok(token)
}

fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
            assert_eq!(bearer_token(header), Ok("a.b.c"));
        }
    }

    #[test]
    fn another_scheme_is_unsupported() {
        for header in [
            "",
            " ",
            "Basic YTpi",
            "DPoP a.b.c",
            "Bearer\ta.b.c",
            " Bearer a.b.c",
            "Bearerx a.b.c",
            "a.b.c",
        ] {
            let denial = bearer_token(header).unwrap_err();
            assert_eq!(denial.reason, Reason::CredentialUnsupported, "{header:?}");
        }
    }

    #[test]
    fn bearer_needs_exactly_one_token() {
        for header in [
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
            let denial = bearer_token(header).unwrap_err();
            assert_eq!(denial.reason, Reason::TokenMalformed, "{header:?}");
        }
    }
}
