use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use proptest::prelude::*;

use super::*;
use crate::ext_authz::request::tests::{http, view};

/// The headers of a request, as its bytes have them.
fn headers_of(http: &HttpRequest) -> Result<Headers, Denial> {
    headers(&view(http))
}

type Entries<'a> = &'a [(&'a str, &'a [u8])];

/// A request with these headers, in the raw shape.
fn raw(entries: Entries<'_>) -> HttpRequest {
    let headers = entries.iter().map(|(key, value)| HeaderValue {
        key: (*key).into(),
        value: String::new(),
        raw_value: value.to_vec(),
    });
    let mut http = http("GET", "example.com", "/");
    http.header_map = Some(HeaderMap {
        headers: headers.collect(),
    });
    http
}

/// The same request as Envoy sends it without `encode_raw_headers`: sanitised byte by byte, then joined.
fn joined(entries: Entries<'_>) -> HttpRequest {
    let mut headers: HashMap<String, String> = HashMap::new();
    for (key, value) in entries {
        let text = envoy_sanitises(value);
        headers
            .entry((*key).to_owned())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&text);
            })
            .or_insert(text);
    }
    let mut http = http("GET", "example.com", "/");
    http.headers = headers;
    http
}

/// Envoy's own loop: keep the longest valid prefix, write `!` for the next byte, go on behind it.
fn envoy_sanitises(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(valid) => return text + valid,
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(valid).unwrap());
                text.push('!');
                bytes = &rest[1..];
            }
        }
    }
}

fn reason(entries: Entries<'_>) -> Option<Reason> {
    let reasons =
        [raw(entries), joined(entries)].map(|http| headers_of(&http).err().map(|it| it.reason));
    assert_eq!(reasons[0], reasons[1], "both shapes end alike");
    reasons[0]
}

#[test]
fn pseudo_headers_are_left_out_and_the_rest_is_joined() {
    let read = headers_of(&raw(&[
        (":path", b"/"),
        ("Accept", b"a"),
        ("accept", b"b"),
        ("x-raw", b"a\xff\xc3b"),
    ]))
    .unwrap();
    let entries: Vec<_> = read.iter().collect();
    assert_eq!(entries, [("accept", "a,b"), ("x-raw", "a!!b")]);
}

#[test]
fn a_header_map_of_texts_is_read_too() {
    let mut http = raw(&[("x-a", b"")]);
    http.header_map.as_mut().unwrap().headers[0].value = "text".into();
    assert_eq!(headers_of(&http).unwrap().get("x-a"), Some("text"));
}

#[test]
fn every_ambiguity_has_its_reason() {
    let cases: &[(Entries<'_>, Reason)] = &[
        (
            &[
                ("authorization", b"Bearer a"),
                ("authorization", b"Bearer b"),
            ],
            Reason::AuthorizationAmbiguous,
        ),
        (
            &[("authorization", b"Bearer a,Bearer b")],
            Reason::AuthorizationAmbiguous,
        ),
        (
            &[("authorization", b"Bearer a,")],
            Reason::AuthorizationAmbiguous,
        ),
        (&[("host", b"a"), ("host", b"a")], Reason::HeaderRepeated),
        (&[("content-length", b"1,1")], Reason::HeaderRepeated),
        (
            &[("content-length", b"1"), ("content-length", b"2")],
            Reason::HeaderRepeated,
        ),
        (
            &[("content-type", b"text/plain,text/html")],
            Reason::HeaderRepeated,
        ),
        (
            &[("content-type", b"multipart/form-data; boundary=\"a,b\"")],
            Reason::HeaderRepeated,
        ),
        (&[("content-encoding", b"gzip, br")], Reason::HeaderRepeated),
        (&[("dpop", b"a"), ("dpop", b"")], Reason::HeaderRepeated),
        (
            &[("x-http-method-override", b"DELETE")],
            Reason::MethodOverride,
        ),
        (&[("x-method-override", b"")], Reason::MethodOverride),
        (&[("x-http-method", b"PUT")], Reason::MethodOverride),
        (&[("x-a", b"a\nb")], Reason::RequestMalformed),
        (&[("x-a", b"a\rb")], Reason::RequestMalformed),
        (&[("x-a", b"a\0b")], Reason::RequestMalformed),
        (&[("x a", b"a")], Reason::RequestMalformed),
        (&[("", b"a")], Reason::RequestMalformed),
        (&[("x-\u{e9}", b"a")], Reason::RequestMalformed),
    ];
    for (entries, expected) in cases {
        assert_eq!(reason(entries), Some(*expected), "{:?}", entries[0].0);
    }
    let large = vec![b'a'; MAX_BYTES];
    assert_eq!(reason(&[("x-a", &large)]), Some(Reason::HeadersTooLarge));
    assert_eq!(reason(&[("accept", b"a, b"), ("accept", b"c")]), None);
}

#[test]
fn more_headers_than_the_bound_are_denied() {
    let names: Vec<String> = (0..=MAX_HEADERS).map(|n| format!("x-{n}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"v"[..])).collect();
    assert_eq!(reason(&entries), Some(Reason::HeadersTooLarge));
    assert_eq!(reason(&entries[1..]), None);
}

#[test]
fn both_shapes_at_once_must_agree() {
    let entries: Entries<'_> = &[("x-a", b"1"), ("x-a", b"\xff"), ("x-b", b"3")];
    let mut http = raw(entries);
    http.headers = joined(entries).headers;
    http.headers.insert(":path".into(), "/".into());
    assert!(headers_of(&http).is_ok());
    http.headers.insert("x-b".into(), "4".into());
    assert_eq!(
        headers_of(&http).unwrap_err().reason,
        Reason::HeadersDisagree
    );
}

#[test]
fn names_that_differ_in_case_only_are_denied_where_their_order_is_lost() {
    let mut http = http("GET", "example.com", "/");
    http.headers = HashMap::from([("x-a".into(), "1".into()), ("X-A".into(), "2".into())]);
    assert_eq!(
        headers_of(&http).unwrap_err().reason,
        Reason::HeaderRepeated
    );
}

#[test]
fn a_token_in_the_query_beside_the_header_is_ambiguous() {
    let query = Query::new(vec![("access_token".into(), "t".into())]);
    let with = headers_of(&raw(&[("authorization", b"Bearer a")])).unwrap();
    let without = headers_of(&raw(&[("x-a", b"1")])).unwrap();
    let reason = |headers| one_credential(headers, &query).map_err(|denial| denial.reason);
    assert_eq!(reason(&with), Err(Reason::CredentialAmbiguous));
    assert_eq!(reason(&without), Ok(()));
}

fn entry() -> impl Strategy<Value = (String, Vec<u8>)> {
    let name = prop_oneof![
        Just("authorization".to_owned()),
        Just("dpop".to_owned()),
        Just(":path".to_owned()),
        "[a-c]{1,2}",
        "[a-z :]{0,3}",
    ];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        "[a-c,é]{0,4}".prop_map(String::into_bytes),
    ];
    (name, value)
}

proptest! {
    #[test]
    fn both_shapes_give_the_same_headers(entries in proptest::collection::vec(entry(), 0..8)) {
        let entries: Vec<(&str, &[u8])> =
            entries.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        prop_assert_eq!(headers_of(&raw(&entries)), headers_of(&joined(&entries)));
    }
}
