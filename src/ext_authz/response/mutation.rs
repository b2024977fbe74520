//! What an allow does to the request, in Envoy's terms. Everything here is checked again: a value that could end a
//! header line, or a parameter that Envoy would not find, makes the answer a fault instead of a wrong request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption, QueryParameter};
use envoy_types::pb::envoy::service::auth::v3::OkHttpResponse;

use crate::ext_authz::percent::{encode, is_unreserved};
use crate::model::verdict::Constraints;

/// Most headers and parameters of one list.
const MAX_ENTRIES: usize = 100;
/// Most bytes of one value.
const MAX_VALUE: usize = 16 * 1024;

/// A constraint that cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// The answer to an allowed request.
///
/// Every header is set by overwriting, once, under a lower-case name. Envoy removes after it sets, so the two lists
/// never share a name. A header with an empty value is removed instead: Envoy may ignore an empty set, and the
/// client's own value would survive.
pub(super) fn ok_response(constraints: &Constraints) -> Result<OkHttpResponse, Unfit> {
    let Constraints {
        headers,
        strip,
        query,
        strip_query,
        response_headers,
        metadata: _,
        token: _,
    } = constraints;
    #[expect(deprecated, reason = "every field is named; this one is never set")]
    Ok(OkHttpResponse {
        headers: options(headers)?,
        headers_to_remove: owned(removed(headers, strip)?)?,
        dynamic_metadata: None,
        response_headers_to_add: options(response_headers)?,
        query_parameters_to_set: parameters(query)?,
        query_parameters_to_remove: owned(removed_query(query, strip_query)?)?,
    })
}

/// One header that is set, overwriting whatever was there.
pub(super) fn header(name: &str, value: String) -> HeaderValueOption {
    #[expect(
        deprecated,
        reason = "every field is named; `append` would win over `append_action`"
    )]
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value,
            raw_value: Vec::new(),
        }),
        append: None,
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        keep_empty_value: false,
    }
}

fn options(headers: &BTreeMap<Arc<str>, String>) -> Result<Vec<HeaderValueOption>, Unfit> {
    let option = |set: Result<(&str, &str), Unfit>| {
        let (name, value) = set?;
        Ok(header(name, value.to_owned()))
    };
    set(headers)?.map(option).collect()
}

fn parameters(query: &BTreeMap<Arc<str>, String>) -> Result<Vec<QueryParameter>, Unfit> {
    let parameter = |set: Result<(&str, String), Unfit>| {
        let (key, value) = set?;
        let key = key.to_owned();
        Ok(QueryParameter { key, value })
    };
    set_query(query)?.map(parameter).collect()
}

fn owned<'a>(names: impl Iterator<Item = Result<&'a str, Unfit>>) -> Result<Vec<String>, Unfit> {
    names.map(|name| name.map(ToOwned::to_owned)).collect()
}

/// The headers that are set.
pub(super) fn set(
    headers: &BTreeMap<Arc<str>, String>,
) -> Result<impl Iterator<Item = Result<(&str, &str), Unfit>>, Unfit> {
    bounded(headers.len())?;
    let headers = headers.iter().filter(|(_, value)| !value.is_empty());
    Ok(headers.map(|(name, value)| {
        let fit = is_header_name(name) && is_header_value(value);
        fit.then_some((&**name, &**value)).ok_or(Unfit)
    }))
}

/// The headers that are removed.
pub(super) fn removed<'a>(
    headers: &'a BTreeMap<Arc<str>, String>,
    strip: &'a BTreeSet<Arc<str>>,
) -> Result<impl Iterator<Item = Result<&'a str, Unfit>>, Unfit> {
    bounded(strip.len())?;
    let emptied = headers.iter().filter(|(_, value)| value.is_empty());
    let stripped = strip.iter().filter(|name| !headers.contains_key(*name));
    let names = emptied.map(|(name, _)| name).chain(stripped);
    Ok(names.map(|name| is_header_name(name).then_some(&**name).ok_or(Unfit)))
}

/// The query parameters that are set, with their values as they stand in a query.
pub(super) fn set_query(
    query: &BTreeMap<Arc<str>, String>,
) -> Result<impl Iterator<Item = Result<(&str, String), Unfit>>, Unfit> {
    bounded(query.len())?;
    let query = query.iter();
    Ok(query.map(|(name, value)| Ok((parameter_name(name)?, parameter_value(value)?))))
}

/// The query parameters that are removed.
pub(super) fn removed_query<'a>(
    query: &'a BTreeMap<Arc<str>, String>,
    strip: &'a BTreeSet<Arc<str>>,
) -> Result<impl Iterator<Item = Result<&'a str, Unfit>>, Unfit> {
    bounded(strip.len())?;
    let strip = strip.iter().filter(|name| !query.contains_key(*name));
    Ok(strip.map(|name| parameter_name(name)))
}

const fn bounded(entries: usize) -> Result<(), Unfit> {
    if entries > MAX_ENTRIES {
        Err(Unfit)
    } else {
        Ok(())
    }
}

/// A lower-case token (RFC 9110, section 5.1). Pseudo headers are none, and Envoy neither sets nor removes `host`.
fn is_header_name(name: &str) -> bool {
    let allowed = |byte: u8| {
        matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.')
            || matches!(byte, b'^'..=b'`' | b'|' | b'~')
    };
    !name.is_empty() && name.len() <= MAX_VALUE && name.bytes().all(allowed) && name != "host"
}

/// Visible ASCII and inner spaces: what every reader of a header line reads alike (RFC 9110, section 5.5).
fn is_header_value(value: &str) -> bool {
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let spaced = value.starts_with(' ') || value.ends_with(' ');
    visible && !spaced && value.len() <= MAX_VALUE
}

/// Envoy looks parameters up by their raw name, so only a name with one raw form can be set or removed for certain.
fn parameter_name(name: &str) -> Result<&str, Unfit> {
    if name.is_empty() || name.len() > MAX_VALUE || !name.bytes().all(is_unreserved) {
        return Err(Unfit);
    }
    Ok(name)
}

/// Envoy writes values into the query as they are, so they are encoded here.
fn parameter_value(value: &str) -> Result<String, Unfit> {
    if value.len() > MAX_VALUE {
        return Err(Unfit);
    }
    Ok(encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<Arc<str>, String> {
        let entries = entries.iter();
        entries.map(|(k, v)| (Arc::from(*k), (*v).into())).collect()
    }

    fn names(names: &[&str]) -> BTreeSet<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn headers_overwrite_and_never_append() {
        let constraints = Constraints {
            headers: map(&[("x-user", "corp/alice")]),
            response_headers: map(&[("x-answer", "1")]),
            ..Constraints::default()
        };
        let ok = ok_response(&constraints).unwrap();
        for option in ok.headers.iter().chain(&ok.response_headers_to_add) {
            assert_eq!(
                option.append_action(),
                HeaderAppendAction::OverwriteIfExistsOrAdd
            );
            #[expect(deprecated, reason = "it must stay unset")]
            let append = option.append;
            assert_eq!(append, None);
            assert!(!option.keep_empty_value);
        }
        let header = ok.headers[0].header.clone().unwrap();
        assert_eq!(
            (header.key.as_str(), header.value.as_str()),
            ("x-user", "corp/alice")
        );
        assert!(header.raw_value.is_empty());
    }

    #[test]
    fn set_and_removed_never_share_a_name() {
        let constraints = Constraints {
            headers: map(&[("x-user", "a"), ("x-empty", "")]),
            strip: names(&["authorization", "x-user"]),
            query: map(&[("limit", "100")]),
            strip_query: names(&["limit", "secret"]),
            ..Constraints::default()
        };
        let ok = ok_response(&constraints).unwrap();
        assert_eq!(ok.headers.len(), 1);
        assert_eq!(ok.headers_to_remove, ["x-empty", "authorization"]);
        assert_eq!(ok.query_parameters_to_set.len(), 1);
        assert_eq!(ok.query_parameters_to_remove, ["secret"]);
    }

    #[test]
    fn parameter_values_are_encoded() {
        let constraints = Constraints {
            query: map(&[("q", "a&b=c d#é%")]),
            ..Constraints::default()
        };
        let ok = ok_response(&constraints).unwrap();
        assert_eq!(
            ok.query_parameters_to_set[0].value,
            "a%26b%3Dc%20d%23%C3%A9%25"
        );
    }

    #[test]
    fn what_envoy_would_read_differently_is_unfit() {
        for value in ["a\r\nx: y", "a\0", "é", "\u{7f}", " a", "a ", "a\tb"] {
            for constraints in [
                Constraints {
                    headers: map(&[("x-user", value)]),
                    ..Constraints::default()
                },
                Constraints {
                    response_headers: map(&[("x-user", value)]),
                    ..Constraints::default()
                },
            ] {
                assert_eq!(ok_response(&constraints), Err(Unfit), "{value:?}");
            }
        }
        for name in ["", "X-User", ":path", "host", "a b", "é"] {
            let headers = map(&[(name, "v")]);
            assert_eq!(options(&headers), Err(Unfit), "{name:?}");
            let (none, strip) = (map(&[]), names(&[name]));
            let removed = removed(&none, &strip).and_then(owned);
            assert_eq!(removed, Err(Unfit), "{name:?}");
        }
        for name in ["", "a b", "a[b]", "a&b", "a%62", "é"] {
            assert_eq!(parameters(&map(&[(name, "v")])), Err(Unfit), "{name:?}");
            let (none, strip) = (map(&[]), names(&[name]));
            let removed = removed_query(&none, &strip).and_then(owned);
            assert_eq!(removed, Err(Unfit), "{name:?}");
        }
    }
}
