//! The body, and how far what Envoy sent can be trusted to be all of it.

use std::sync::Arc;

use crate::ext_authz::wire::Http;
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::{Body, Fidelity, Headers};
use crate::model::verdict::Denial;

/// Reads either shape of the body (`raw_body`, `body`).
///
/// A body is partial if Envoy says so, or if `content-length` is not its length. Envoy (1.40) does not say so of a body
/// that it cut exactly at `max_request_bytes` when the rest had not come: that one looks whole, and the upstream still
/// gets the rest. A `content-length` that is the body's length rules it out, because no codec passes on more than it says.
/// Without one nothing here does, whatever `size` says: it counts what had come.
///
/// A text may be another body than the one that came: Envoy writes `!` for every byte that is not UTF-8, others write U+FFFD.
/// Which marks a proxy writes is its affair, so no text is taken for the body itself.
pub(super) fn body(http: &Http<'_>, headers: &Headers) -> Result<Body, Denial> {
    let text = http.body.as_bytes();
    let raw = http.raw_body;
    let (bytes, fidelity) = match (raw, text) {
        ([], []) => return Ok(Body::Absent),
        (raw, []) => (raw, Fidelity::Exact),
        ([], text) => (text, Fidelity::Sanitised),
        (raw, text) if raw == text => (raw, Fidelity::Exact),
        _ => {
            let cause = "`body` and `raw_body` contradict each other";
            return Err(Denial::new(Reason::RequestMalformed).because(cause));
        }
    };
    Ok(Body::Sent {
        bytes: Arc::from(bytes),
        fidelity: match measure(bytes.len(), http.size, headers) {
            Measure::Unknown if fidelity == Fidelity::Exact => Fidelity::Unmeasured,
            Measure::Whole | Measure::Unknown => fidelity,
            Measure::Cut => Fidelity::Partial,
        },
    })
}

/// What is known of a body's length.
enum Measure {
    Whole,
    Cut,
    Unknown,
}

/// `size` is -1 where it is not known. It counts bytes as they came, so it is another number where a filter has
/// decompressed them, and says nothing beside a `content-length` that fits.
fn measure(length: usize, size: i64, headers: &Headers) -> Measure {
    let marked = headers
        .get(header::PARTIAL_BODY)
        .is_some_and(|value| value != "false");
    let declared = headers.get(header::CONTENT_LENGTH);
    let fits = declared.map(|text| text == length.to_string());
    let size_fits = size < 0 || usize::try_from(size) == Ok(length);
    match fits {
        _ if marked => Measure::Cut,
        Some(true) => Measure::Whole,
        None if size_fits => Measure::Unknown,
        Some(false) | None => Measure::Cut,
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;

    use super::*;
    use crate::ext_authz::request::tests::{http, view};

    fn fidelity(edit: impl FnOnce(&mut HttpRequest), headers: &[(&str, &str)]) -> Option<Fidelity> {
        let mut http = http("POST", "example.com", "/");
        edit(&mut http);
        let entries = headers.iter().copied();
        match body(&view(&http), &Headers::new(entries)).unwrap() {
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
        assert_eq!(
            fidelity(raw, &[("content-length", "7")]),
            Some(Fidelity::Exact)
        );
        let fits = [
            ("content-length", "7"),
            ("x-envoy-auth-partial-body", "false"),
        ];
        assert_eq!(fidelity(raw, &fits), Some(Fidelity::Exact));
        let text = |http: &mut HttpRequest| http.body = r#"{"a":1}"#.into();
        assert_eq!(fidelity(text, &fits), Some(Fidelity::Sanitised));
        let both = |http: &mut HttpRequest| {
            http.body = r#"{"a":1}"#.into();
            http.raw_body = http.body.clone().into_bytes();
        };
        assert_eq!(fidelity(both, &fits), Some(Fidelity::Exact));
        let decompressed = |http: &mut HttpRequest| {
            raw(http);
            http.size = 5;
        };
        assert_eq!(fidelity(decompressed, &fits), Some(Fidelity::Exact));
    }

    #[test]
    fn a_body_without_a_length_may_go_on() {
        let raw_of_size = |size| {
            move |http: &mut HttpRequest| {
                raw(http);
                http.size = size;
            }
        };
        for size in [-1, 7] {
            for headers in [&[][..], &[("x-envoy-auth-partial-body", "false")]] {
                let seen = fidelity(raw_of_size(size), headers);
                assert_eq!(seen, Some(Fidelity::Unmeasured), "{size} {headers:?}");
            }
        }
    }

    #[test]
    fn a_body_that_was_cut_is_partial() {
        for header in [
            ("x-envoy-auth-partial-body", "true"),
            ("x-envoy-auth-partial-body", ""),
            ("content-length", "8"),
            ("content-length", "x"),
            ("content-length", ""),
            ("content-length", "07"),
            ("content-length", "+7"),
            ("content-length", "7,7"),
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
    fn a_text_is_never_taken_for_the_bytes() {
        for text in ["hello", "hello!", "hello\u{fffd}"] {
            let edit = |http: &mut HttpRequest| http.body = text.into();
            assert_eq!(fidelity(edit, &[]), Some(Fidelity::Sanitised));
        }
    }

    #[test]
    fn two_different_bodies_are_malformed() {
        let mut http = http("POST", "example.com", "/");
        http.body = "a".into();
        http.raw_body = b"b".to_vec();
        let headers = Headers::default();
        let denial = body(&view(&http), &headers).unwrap_err();
        assert_eq!(denial.reason, Reason::RequestMalformed);
        http.raw_body = b"a".to_vec();
        assert!(body(&view(&http), &headers).is_ok());
    }
}
