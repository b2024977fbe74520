//! The body, and how far what Envoy sent can be trusted to be all of it.

use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;

use crate::model::reason::Reason;
use crate::model::request::{Body, Fidelity, Headers};
use crate::model::verdict::Denial;

/// Envoy's own mark on a body that it cut; Envoy drops a client's header of this name.
const PARTIAL: &str = "x-envoy-auth-partial-body";

/// Reads either shape of the body (`raw_body`, `body`).
///
/// A body is partial if Envoy says so, or if `content-length` or `size` is not its length. One case is not visible
/// here: a chunked body that Envoy cut exactly at `max_request_bytes` and marks `false`. Only Envoy's
/// `allow_partial_message: false` excludes it.
pub(super) fn body(http: &HttpRequest, headers: &Headers) -> Result<Body, Denial> {
    let text = http.body.as_bytes();
    let raw = http.raw_body.as_slice();
    let (bytes, fidelity) = match (raw, text) {
        ([], []) => return Ok(Body::Absent),
        (raw, []) => (raw, Fidelity::Exact),
        ([], text) => (text, of_text(&http.body)),
        (raw, text) if raw == text => (raw, Fidelity::Exact),
        _ => {
            let cause = "`body` and `raw_body` contradict each other";
            return Err(Denial::new(Reason::RequestMalformed).because(cause));
        }
    };
    let whole = is_whole(bytes.len(), http.size, headers);
    Ok(Body::Sent {
        bytes: Arc::from(bytes),
        fidelity: if whole { fidelity } else { Fidelity::Partial },
    })
}

/// Envoy writes `!` for every byte that is not UTF-8, others write U+FFFD: a text without either is the body itself.
fn of_text(text: &str) -> Fidelity {
    if text.contains(['!', '\u{fffd}']) {
        Fidelity::Sanitised
    } else {
        Fidelity::Exact
    }
}

/// `size` is -1 where it is not known.
fn is_whole(length: usize, size: i64, headers: &Headers) -> bool {
    let marked = headers.get(PARTIAL).is_some_and(|value| value != "false");
    let declared = headers.get("content-length");
    let declared_fits = declared.is_none_or(|text| text.parse::<usize>() == Ok(length));
    let size_fits = size < 0 || usize::try_from(size) == Ok(length);
    !marked && declared_fits && size_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext_authz::request::tests::http;

    fn fidelity(edit: impl FnOnce(&mut HttpRequest), headers: &[(&str, &str)]) -> Option<Fidelity> {
        let mut http = http("POST", "example.com", "/");
        edit(&mut http);
        let entries = headers.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        match body(&http, &Headers::new(entries)).unwrap() {
            Body::Absent => None,
            Body::Sent { bytes, fidelity } => {
                assert!(!bytes.is_empty());
                Some(fidelity)
            }
        }
    }

    fn raw(http: &mut HttpRequest) {
        http.raw_body = b"hello!\xff".to_vec();
    }

    #[test]
    fn a_body_that_nothing_contradicts_is_exact() {
        assert_eq!(fidelity(|_| (), &[("content-length", "7")]), None);
        assert_eq!(fidelity(raw, &[]), Some(Fidelity::Exact));
        let fits = [
            ("content-length", "7"),
            ("x-envoy-auth-partial-body", "false"),
        ];
        assert_eq!(fidelity(raw, &fits), Some(Fidelity::Exact));
        let text = |http: &mut HttpRequest| http.body = r#"{"a":1}"#.into();
        assert_eq!(fidelity(text, &[]), Some(Fidelity::Exact));
    }

    #[test]
    fn a_body_that_was_cut_is_partial() {
        for header in [
            ("x-envoy-auth-partial-body", "true"),
            ("x-envoy-auth-partial-body", ""),
            ("content-length", "8"),
            ("content-length", "x"),
        ] {
            assert_eq!(fidelity(raw, &[header]), Some(Fidelity::Partial));
            let text = |http: &mut HttpRequest| http.body = "hello!!".into();
            assert_eq!(fidelity(text, &[header]), Some(Fidelity::Partial));
        }
        for size in [0, 6, 8] {
            let edit = |http: &mut HttpRequest| {
                raw(http);
                http.size = size;
            };
            assert_eq!(fidelity(edit, &[]), Some(Fidelity::Partial), "{size}");
        }
    }

    #[test]
    fn a_text_with_replacement_marks_is_sanitised() {
        for text in ["hello!", "hello\u{fffd}"] {
            let edit = |http: &mut HttpRequest| http.body = text.into();
            assert_eq!(fidelity(edit, &[]), Some(Fidelity::Sanitised));
        }
    }

    #[test]
    fn two_different_bodies_are_malformed() {
        let mut http = http("POST", "example.com", "/");
        http.body = "a".into();
        http.raw_body = b"b".to_vec();
        let headers = Headers::new([]);
        let denial = body(&http, &headers).unwrap_err();
        assert_eq!(denial.reason, Reason::RequestMalformed);
        http.raw_body = b"a".to_vec();
        assert!(body(&http, &headers).is_ok());
    }
}
