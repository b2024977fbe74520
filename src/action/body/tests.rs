//! Which bodies are read, and what the log says of the others.

use std::sync::Arc;

use super::{Accepts, read};
use crate::action::tests::request;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity, Headers};

/// A request with these headers and this body.
fn with(headers: &[(&str, &str)], bytes: &[u8], fidelity: Fidelity) -> AccessRequest {
    let mut request = request("POST", "api.test", "/");
    let headers = headers.iter().map(|(name, value)| (*name, *value));
    request.headers = Headers::new(headers);
    request.body = Body::Sent {
        bytes: Arc::from(bytes),
        fidelity,
    };
    request
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// Why a request is refused, and what the log is told.
fn refusal(request: &AccessRequest, accepts: Accepts) -> Option<(Reason, String)> {
    let denial = read(request, accepts).err()?;
    Some((denial.reason, denial.cause.unwrap_or_default()))
}

#[test]
fn a_body_that_is_not_certainly_whole_names_the_setting() {
    let mut absent = with(&[JSON], b"", Fidelity::Exact);
    absent.body = Body::Absent;
    for (request, setting) in [
        (absent, "`with_request_body`"),
        (
            with(&[JSON], b"{}", Fidelity::Partial),
            "`allow_partial_message: false`",
        ),
        (
            with(&[JSON], b"{}", Fidelity::Partial),
            "`max_request_bytes`",
        ),
        (
            with(&[JSON], b"{}", Fidelity::Sanitised),
            "`pack_as_bytes: true`",
        ),
        (
            with(&[JSON], b"{}", Fidelity::Unmeasured),
            "`envoy.filters.http.buffer`",
        ),
    ] {
        let (reason, cause) = refusal(&request, Accepts::Json).unwrap();
        assert_eq!(reason, Reason::InputIncomplete, "{cause}");
        assert!(cause.contains(setting), "{cause}");
    }
    assert_eq!(
        refusal(&with(&[JSON], b"{}", Fidelity::Exact), Accepts::Json),
        None
    );
}

#[test]
fn a_compressed_body_is_not_what_the_upstream_reads() {
    for encoding in [
        "gzip",
        "zstd",
        "br",
        "",
        "identity, gzip",
        "identity,identity",
        "none",
        " ",
    ] {
        let request = with(
            &[JSON, ("content-encoding", encoding)],
            b"{}",
            Fidelity::Exact,
        );
        let (reason, cause) = refusal(&request, Accepts::Json).unwrap();
        assert_eq!(reason, Reason::InputIncomplete, "{encoding:?}");
        assert!(
            cause.contains("`envoy.filters.http.decompressor`"),
            "{cause}"
        );
    }
    for encoding in ["identity", "Identity"] {
        let request = with(
            &[JSON, ("content-encoding", encoding)],
            b"{}",
            Fidelity::Exact,
        );
        assert_eq!(refusal(&request, Accepts::Json), None);
    }
}

#[test]
fn only_json_in_utf_8_is_read() {
    use Accepts::{Json, JsonAndSuffix};
    let admitted = |text: &str, accepts| {
        let headers: &[_] = &[("content-type", text)];
        let refused = refusal(&with(headers, b"{}", Fidelity::Exact), accepts);
        assert!(
            refused
                .as_ref()
                .is_none_or(|(reason, _)| *reason == Reason::BodyType)
        );
        refused.is_none()
    };
    for text in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ;\t charset=\"Utf-8\" ",
    ] {
        assert!(
            admitted(text, Json) && admitted(text, JsonAndSuffix),
            "{text:?}"
        );
    }
    for text in [
        "application/merge-patch+json",
        "application/vnd.api+json",
        "Application/A+B+JSON; charset=utf-8",
    ] {
        assert!(
            !admitted(text, Json) && admitted(text, JsonAndSuffix),
            "{text:?}"
        );
    }
    for text in [
        "",
        "json",
        "text/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json-seq",
        "application/x-ndjson",
        "application/json;",
        "application/json; charset=utf-16",
        "application/json; charset=utf8",
        "application/json; charset='utf-8'",
        "application/json; charset = utf-8",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=utf-8; x=y",
        "application/json; x=y",
        "application/json, text/plain",
        "application/json,application/json",
        "application/+json",
        "application/a b+json",
        "application/a/b+json",
        "application/a,b+json",
        "text/a+json",
        "multipart/form-data; boundary=application/json",
    ] {
        assert!(
            !admitted(text, Json) && !admitted(text, JsonAndSuffix),
            "{text:?}"
        );
    }
    let missing = with(&[], b"{}", Fidelity::Exact);
    assert_eq!(refusal(&missing, Json).unwrap().0, Reason::BodyType);
}

#[test]
fn a_document_that_readers_could_read_differently_is_malformed() {
    let deep = "[".repeat(100) + &"]".repeat(100);
    let long = format!("\"{}\"", "s3cret ".repeat(200_000));
    let many = format!("[{}0]", "0,".repeat(100_000));
    for (body, reason) in [
        (&b""[..], Reason::BodyMalformed),
        (b"{", Reason::BodyMalformed),
        (b"{} {}", Reason::BodyMalformed),
        (b"s3cret", Reason::BodyMalformed),
        (b"\xef\xbb\xbf{}", Reason::BodyMalformed),
        (b"\"\xff\"", Reason::BodyMalformed),
        (br#"{"s3cret":1,"s3\u0063ret":2}"#, Reason::BodyMalformed),
        (br#""\ud800""#, Reason::BodyMalformed),
        (b"1e400", Reason::BodyMalformed),
        (b"NaN", Reason::BodyMalformed),
        (deep.as_bytes(), Reason::BodyTooComplex),
        (long.as_bytes(), Reason::BodyTooComplex),
        (many.as_bytes(), Reason::BodyTooComplex),
    ] {
        let (seen, cause) = refusal(&with(&[JSON], body, Fidelity::Exact), Accepts::Json).unwrap();
        assert_eq!(seen, reason, "{cause}");
        assert!(
            cause.starts_with("the body: ") && !cause.contains("s3cret"),
            "{cause}"
        );
    }
}

#[test]
fn the_whole_is_looked_at_before_its_parts() {
    let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    let reason = |request: &AccessRequest| refusal(request, Accepts::Json).unwrap().0;
    assert_eq!(
        reason(&with(&headers, b"{", Fidelity::Partial)),
        Reason::InputIncomplete
    );
    assert_eq!(
        reason(&with(&headers, b"{", Fidelity::Exact)),
        Reason::InputIncomplete
    );
    assert_eq!(
        reason(&with(&headers[..1], b"{", Fidelity::Exact)),
        Reason::BodyType
    );
}
