//! JSON bodies on their way through Envoy: an argument is decided on only where what was read is what the upstream gets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use std::sync::LazyLock;

use super::client::{Answer, Request};
use super::stage::{SHIPPED, Stage, setup};

const ECHO: &str = "echo.example.com";

/// Envoy's `max_request_bytes` in `envoy.yaml`, and in the variants here.
const LIMIT: usize = 65_536;
const SMALL: usize = 1000;

const SETTING: &str = "max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: true";

/// `{"amount":5,"note":"xx…"}`, compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\xcc\xcd\x2f\xcd\x2b\x51\xb2\x32\xd5\x51\xca\xcb\x2f\x49\x55\xb2\x52\xaa\x18\x26\x40\xa9\x16\x00\xd4\x16\xba\x94\xde\x00\x00\x00";

/// What a variant of `envoy.yaml` reads of a body.
fn reading(setting: &str) -> Stage {
    Stage::start(&[(SETTING, setting.to_owned())], setup())
}

const CUTTING_SETTING: &str =
    "max_request_bytes: 1000, allow_partial_message: true, pack_as_bytes: true";

/// The filter that waits for all of a body, as `envoy.yaml` has it.
const BUFFER: &str = r#"          - name: envoy.filters.http.buffer
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
              max_request_bytes: 65536
"#;

/// Envoy cuts bodies, and does not say so of one that it cut exactly at the limit.
static CUTTING: LazyLock<Stage> = LazyLock::new(|| {
    let changes = [
        (SETTING, CUTTING_SETTING.to_owned()),
        (BUFFER, String::new()),
    ];
    Stage::start(&changes, setup())
});

/// The same, where a filter decompresses before the one that waits for all of a body.
static BUFFERING: LazyLock<Stage> = LazyLock::new(|| {
    let filters = r#"          - name: envoy.filters.http.decompressor
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.decompressor.v3.Decompressor
              decompressor_library:
                name: gzip
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip
"#;
    let changes = [
        (SETTING, CUTTING_SETTING.to_owned()),
        (BUFFER, format!("{filters}{BUFFER}")),
    ];
    Stage::start(&changes, setup())
});

fn post() -> Request {
    Request::post(ECHO, "/typed").header("content-type", "application/json")
}

/// A body of this length that is one JSON document.
fn padded(length: usize) -> Vec<u8> {
    let mut body = br#"{"amount":5}"#.to_vec();
    body.resize(length, b' ');
    body
}

/// `upstream`, or the status and the reason.
fn outcome(answer: &Answer) -> String {
    if answer.is_from_upstream() {
        return "upstream".to_owned();
    }
    format!("{} {}", answer.status, answer.reason())
}

/// What the log says of a decision.
fn cause(stage: &Stage, answer: &Answer) -> String {
    let line = stage.envoy.logged(answer.request_id());
    let record = stage.record(line["decision"].as_str().unwrap());
    record["cause"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_body_with_its_length_is_decided_on_up_to_the_limit() {
    for (length, expected) in [
        (12, "upstream"),
        (LIMIT - 1, "upstream"),
        (LIMIT, "upstream"),
        (LIMIT + 1, "413 "),
    ] {
        let body = padded(length);
        let answer = SHIPPED.send(&post().body(&body));
        assert_eq!(outcome(&answer), expected, "{length}");
        if answer.is_from_upstream() {
            let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
            assert_eq!(answer.json()["sum"].as_u64(), Some(sum), "{length}");
        }
    }
    let over = SHIPPED.send(&post().body(br#"{"amount":101}"#));
    assert_eq!(outcome(&over), "403 guard_unmet");
    let beside = SHIPPED.send(&post().body(br#"{"amount":5,"Amount":101}"#));
    assert_eq!(outcome(&beside), "400 argument_undeclared");
}

#[test]
fn a_body_without_its_length_is_not() {
    let answer = CUTTING.send(&post().chunked(&padded(12), 5));
    assert_eq!(outcome(&answer), "400 input_incomplete");
    let cause = cause(&CUTTING, &answer);
    assert!(cause.contains("`envoy.filters.http.buffer`"), "{cause}");
    let measured = SHIPPED.send(&post().chunked(&padded(12), 5));
    assert_eq!(outcome(&measured), "upstream");
    let spoofed = post().header("x-envoy-auth-partial-body", "false");
    let answer = CUTTING.send(&spoofed.chunked(&padded(SMALL), SMALL));
    assert_eq!(outcome(&answer), "400 input_incomplete");
}

#[test]
fn a_body_that_envoy_cuts_is_never_decided_on() {
    for length in [SMALL - 1, SMALL] {
        let answer = CUTTING.send(&post().body(&padded(length)));
        assert_eq!(outcome(&answer), "upstream", "{length}");
    }
    for length in [SMALL + 1, 2 * SMALL, 20 * SMALL] {
        for request in [
            post().body(&padded(length)),
            post().chunked(&padded(length), 300),
        ] {
            let answer = CUTTING.send(&request);
            assert_eq!(
                outcome(&answer),
                "400 input_incomplete",
                "{length} {request:?}"
            );
        }
    }
    let answer = CUTTING.send(&post().body(&padded(SMALL + 1)));
    let cause = cause(&CUTTING, &answer);
    assert!(cause.contains("`allow_partial_message: false`"), "{cause}");
}

/// Sends bytes and reads what Envoy answers before the rest has come.
fn answered_at_once(stage: &Stage, framing: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(stage.envoy.plain).unwrap();
    let patience = Duration::from_secs(20);
    stream.set_read_timeout(Some(patience)).unwrap();
    let head = format!(
        "POST /typed HTTP/1.1\r\nhost: {ECHO}\r\ncontent-type: application/json\r\n{framing}"
    );
    let mut sent = head.into_bytes();
    sent.extend_from_slice(body);
    stream.write_all(&sent).unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn a_body_that_is_cut_at_the_limit_looks_whole_and_is_refused() {
    // Envoy asks as soon as it has `max_request_bytes`, and marks what it sends as whole.
    for framing in [
        "transfer-encoding: chunked\r\n\r\n3e8\r\n".to_owned(),
        format!("content-length: {}\r\n\r\n", 2 * SMALL),
    ] {
        let answer = answered_at_once(&CUTTING, &framing, &padded(SMALL));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
        assert!(answer.contains("input_incomplete"), "{framing}: {answer}");
    }
}

#[test]
fn a_buffer_before_makes_every_body_measured() {
    for request in [
        post().body(&padded(12)),
        post().chunked(&padded(12), 5),
        post().chunked(&padded(SMALL), SMALL),
        post().header("content-encoding", "gzip").body(GZIP),
        post().header("content-encoding", "gzip").chunked(GZIP, 10),
    ] {
        let answer = BUFFERING.send(&request);
        assert_eq!(outcome(&answer), "upstream", "{request:?}");
    }
    for request in [
        post().chunked(&padded(SMALL + 1), SMALL),
        post().header("content-encoding", "gzip, gzip").body(GZIP),
        post().header("content-encoding", "br").body(GZIP),
    ] {
        let answer = BUFFERING.send(&request);
        assert_eq!(outcome(&answer), "400 input_incomplete", "{request:?}");
    }
}

#[test]
fn a_compressed_body_is_not_looked_into() {
    let answer = SHIPPED.send(&post().header("content-encoding", "gzip").body(GZIP));
    assert_eq!(outcome(&answer), "400 input_incomplete");
    let cause = cause(&SHIPPED, &answer);
    assert!(
        cause.contains("`envoy.filters.http.decompressor`"),
        "{cause}"
    );
}

#[test]
fn a_body_as_text_is_not_decided_on() {
    let text =
        reading("max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: false");
    for note in [&b"hello"[..], b"hello!", b"hell\xff", b"hello\xef\xbf\xbd"] {
        let body = [br#"{"amount":5,"note":""#, note, br#""}"#].concat();
        let answer = text.send(&post().body(&body));
        assert_eq!(outcome(&answer), "400 input_incomplete", "{note:?}");
        let cause = cause(&text, &answer);
        assert!(cause.contains("`pack_as_bytes: true`"), "{cause}");
    }
    let bytes = SHIPPED.send(&post().body(br#"{"amount":5,"note":"hello!"}"#));
    assert_eq!(outcome(&bytes), "upstream");
}
