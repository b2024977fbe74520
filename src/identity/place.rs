//! Where a request carries a credential that is not in the `authorization` header.

use crate::model::finding::Finding;
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::Headers;
use crate::model::verdict::Denial;

/// A place that a provider reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A cookie, by its exact name (RFC 6265, section 4.2).
    Cookie(Box<str>),
    /// A header of its own, by its lower-case name.
    Header(Box<str>),
}

impl Place {
    /// The cookie `name`, which is a token (RFC 6265, section 4.1.1).
    pub(super) fn cookie(name: String) -> Result<Self, Finding> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            let message = format!("`{name}` is not the name of a cookie");
            return Err(Finding::error("invalid-cookie", message));
        }
        Ok(Self::Cookie(name.into()))
    }

    /// The request header that it is, or is part of.
    pub(super) fn header_name(&self) -> &str {
        match self {
            Self::Cookie(_) => header::COOKIE,
            Self::Header(name) => name,
        }
    }

    /// The header `name`, a token (RFC 9110, section 5.1) in any case, that no other part of a request is read from.
    pub(super) fn header(name: &str) -> Result<Self, Finding> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            let message = format!("`{name}` is not the name of a header");
            return Err(Finding::error("invalid-header", message));
        }
        let name = name.to_ascii_lowercase();
        if TAKEN.contains(&name.as_str()) {
            let message =
                format!("`{name}` means something else already: name a header of its own");
            return Err(Finding::error("invalid-header", message));
        }
        Ok(Self::Header(name.into()))
    }

    /// What stands there; a denial if it stands there twice, because two readers could take two of them.
    pub(super) fn read<'a>(&self, headers: &'a Headers) -> Result<Option<&'a str>, Denial> {
        match self {
            Self::Cookie(name) => cookie(headers.get(header::COOKIE).unwrap_or_default(), name),
            Self::Header(name) => of_its_own(headers, name),
        }
    }
}

/// Headers that credentials of other kinds come in, or that proxies and servers act on themselves.
const TAKEN: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "dpop",
    "content-length",
    "transfer-encoding",
    "x-forwarded-client-cert",
];

/// A header that occurs twice arrives joined with a comma.
fn of_its_own<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a str>, Denial> {
    let value = headers.get(name);
    if value.is_some_and(|value| value.contains(',')) {
        let denial = Denial::new(Reason::CredentialAmbiguous);
        return Err(denial.because("the header that holds the credential has a comma"));
    }
    Ok(value)
}

fn cookie<'a>(header: &'a str, name: &str) -> Result<Option<&'a str>, Denial> {
    let pairs = header.split(';').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((
            key.trim_matches([' ', '\t']),
            value.trim_matches([' ', '\t']),
        ))
    });
    let mut values = pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() {
        let denial = Denial::new(Reason::CredentialAmbiguous);
        return Err(denial.because("the cookie that holds the credential occurs twice"));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(place: &Place, headers: &[(&str, &str)]) -> Result<Option<String>, Reason> {
        let entries = headers.iter().map(|(name, value)| (*name, *value));
        let headers = Headers::new(entries);
        let read = place.read(&headers).map_err(|denial| denial.reason);
        read.map(|value| value.map(str::to_owned))
    }

    #[test]
    fn a_cookie_is_found_by_its_exact_name() {
        let place = Place::Cookie("key".into());
        for (header, value) in [
            ("key=a", Some("a")),
            ("other=x; key=a;more=y", Some("a")),
            ("key = a ", Some("a")),
            ("key=a=b", Some("a=b")),
            ("Key=a", None),
            ("keys=a", None),
            ("key", None),
            ("", None),
        ] {
            let found = read(&place, &[("cookie", header)]);
            assert_eq!(found, Ok(value.map(str::to_owned)), "{header:?}");
        }
    }

    #[test]
    fn a_cookie_that_occurs_twice_is_ambiguous() {
        let place = Place::Cookie("key".into());
        let twice = Err(Reason::CredentialAmbiguous);
        assert_eq!(read(&place, &[("cookie", "key=a; key=a")]), twice);
        assert_eq!(
            read(&place, &[("cookie", "key=a"), ("cookie", "key=b")]),
            twice
        );
    }
}
