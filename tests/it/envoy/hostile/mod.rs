//! Requests that two readers could read differently, through an Envoy that neither normalises nor refuses anything: each is
//! denied with a reason of its own, or decided and forwarded like its canonical form.

mod headers;
mod targets;

use std::sync::LazyLock;

use super::client::{Answer, Request};
use super::process::Change;
use super::stage::{Stage, setup};

const ECHO: &str = "echo.example.com";

/// What the shipped configuration does for the sake of honest clients, undone.
fn lenient() -> Vec<Change> {
    [
        ("normalize_path: true", "normalize_path: false"),
        ("merge_slashes: true", "merge_slashes: false"),
        (
            "path_with_escaped_slashes_action: REJECT_REQUEST",
            "path_with_escaped_slashes_action: KEEP_UNCHANGED",
        ),
        ("strip_any_host_port: true", "strip_any_host_port: false"),
        (
            "strip_trailing_host_dot: true",
            "strip_trailing_host_dot: false",
        ),
        (
            "headers_with_underscores_action: REJECT_REQUEST",
            "headers_with_underscores_action: ALLOW",
        ),
        ("max_request_headers_kb: 32", "max_request_headers_kb: 256"),
        ("max_headers_count: 100", "max_headers_count: 1000"),
        ("use_remote_address: true", "use_remote_address: false"),
        ("            - x-http-method-override\n", ""),
    ]
    .map(|(from, to)| (from, to.to_owned()))
    .to_vec()
}

/// Headers and bodies as bytes.
static RAW: LazyLock<Stage> = LazyLock::new(|| Stage::start(&lenient(), setup()));

/// Headers joined and bodies as text, which is how Envoy asks unless it is told otherwise.
static TEXT: LazyLock<Stage> = LazyLock::new(|| {
    let changes = [
        (
            "encode_raw_headers: true",
            "encode_raw_headers: false".to_owned(),
        ),
        ("pack_as_bytes: true", "pack_as_bytes: false".to_owned()),
    ];
    Stage::start(&[&lenient()[..], &changes].concat(), setup())
});

/// What must become of a request.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The upstream sees this target.
    Forwarded(&'static str),
    /// countersign denies it, for this reason.
    Denied(u16, &'static str),
    /// Envoy refuses it without a question.
    Refused(u16),
}
use Fate::{Denied, Forwarded, Refused};

/// Sends the same request through both Envoys and asserts that its fate is this one in both.
fn expect(fate: Fate, request: impl Fn(&Stage) -> Request) {
    for (shape, stage) in [("raw", &*RAW), ("text", &*TEXT)] {
        let request = request(stage);
        let answer = stage.send(&request);
        check(&answer, fate, &format!("{shape}: {request:?}"));
    }
}

fn check(answer: &Answer, fate: Fate, what: &str) {
    let reason = answer.reason();
    let decided = answer.header("x-decision-id").is_some();
    let got = (answer.status, reason.as_str());
    match fate {
        Forwarded(target) => {
            assert!(answer.is_from_upstream(), "{got:?} for {what}");
            assert_eq!(answer.json()["target"], target, "{what}");
        }
        Denied(status, expected) => {
            assert!(!answer.is_from_upstream(), "forwarded: {what}");
            assert_eq!(got, (status, expected), "{what}");
            assert!(decided, "{what}");
        }
        Refused(status) => {
            assert!(!answer.is_from_upstream(), "forwarded: {what}");
            assert_eq!(
                (answer.status, decided),
                (status, false),
                "{reason}: {what}"
            );
        }
    }
}
