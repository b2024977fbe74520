//! When no decision can be made. Envoy is told to let requests pass when countersign fails (which nobody should do), and
//! still none passes, because countersign never fails silently: it answers 503 itself.

use std::process::Command;

use super::client::Request;
use super::process::Change;
use super::stage::{Stage, hasty, setup};
use crate::harness::Setup;

const ECHO: &str = "echo.example.com";

/// An Envoy that would rather let everybody in, and that asks a countersign which says that it is not ready.
pub(super) fn gullible() -> Vec<Change> {
    vec![
        (
            "failure_mode_allow: false",
            "failure_mode_allow: true".to_owned(),
        ),
        (HEALTH_CHECKS, String::new()),
    ]
}

/// The health checks of `envoy.yaml`: without them Envoy asks whoever listens.
const HEALTH_CHECKS: &str = "    health_checks:
    - timeout: 3s
      interval: 1s
      no_traffic_interval: 1s
      unhealthy_threshold: 1
      healthy_threshold: 1
      grpc_health_check: { service_name: envoy.service.auth.v3.Authorization }
";

/// Asserts that the request ends in countersign's own 503.
fn faults(stage: &Stage, request: &Request, reason: &str) {
    let answer = stage.send(request);
    assert!(!answer.is_from_upstream(), "{request:?}");
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (503, reason),
        "{request:?}"
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert!(answer.header("retry-after").is_some());
    let line = stage.envoy.logged(answer.request_id());
    assert_eq!(
        (&line["verdict"], &line["reason"]),
        (&"fault".into(), &reason.into()),
        "{line}"
    );
    assert_eq!(line["decision"], answer.json()["decision_id"]);
}

fn allowed(stage: &Stage, request: &Request) {
    let answer = stage.send(request);
    assert!(
        answer.is_from_upstream(),
        "{} {}",
        answer.status,
        answer.reason()
    );
}

/// Requests that Envoy let pass because it had no answer.
fn let_pass(stage: &Stage) -> u64 {
    stage
        .envoy
        .stat("http.ingress.ext_authz.countersign.failure_mode_allowed")
}

#[test]
fn keys_that_were_never_loaded_let_nobody_in() {
    let setup = setup();
    // Nobody listens on port 1.
    setup.edit(
        "countersign.yaml",
        "file: corp.jwks.json ",
        "url: http://127.0.0.1:1/keys ",
    );
    let stage = Stage::with(&gullible(), setup.start_unready(), 1);
    let token = stage.person("alice", ECHO).groups(&["echo"]).sign();
    faults(
        &stage,
        &Request::get(ECHO, "/known").bearer(&token),
        "keys_unavailable",
    );
    faults(
        &stage,
        &Request::get(ECHO, "/open").bearer(&token),
        "keys_unavailable",
    );
    // Who needs no key is decided as ever.
    allowed(&stage, &Request::get(ECHO, "/open"));
    assert_eq!(let_pass(&stage), 0);
}

#[test]
fn a_decision_that_cannot_be_carried_out_lets_nobody_in() {
    let stage = Stage::start(&gullible(), setup());
    let broken = |id: &str| {
        let token = stage.person(id, ECHO).groups(&["echo"]).sign();
        Request::get(ECHO, "/broken").bearer(&token)
    };
    allowed(&stage, &broken("1"));
    faults(&stage, &broken("0"), "constraint_failed");
    faults(&stage, &broken("alice"), "constraint_failed");
    assert_eq!(let_pass(&stage), 0);
}

#[test]
fn a_decision_that_comes_too_late_lets_nobody_in() {
    // More is kept back than Envoy's 0.25 s: the deadline of every check has passed when it arrives.
    let setup = setup();
    setup.edit(
        "countersign.yaml",
        "deadline_margin: 10ms ",
        "deadline_margin: 250ms ",
    );
    let stage = Stage::start(&[gullible(), vec![hasty()]].concat(), setup);
    faults(&stage, &Request::get(ECHO, "/open"), "deadline_exceeded");
    faults(&stage, &Request::get(ECHO, "/known"), "deadline_exceeded");
    assert_eq!(let_pass(&stage), 0);
}

#[test]
fn decisions_that_cannot_be_recorded_let_nobody_in() {
    let (setup, reader) = unread();
    let stage = Stage::start(&gullible(), setup);
    let open = Request::get(ECHO, "/open").header("x-filler", "a");
    // The pipe holds 64 KiB; nobody reads it, so at some point the queue behind it is full.
    let full = (0..1000).any(|_| stage.send(&open).status == 503);
    assert!(full, "every decision found room");
    faults(&stage, &open, "audit_full");
    faults(&stage, &Request::get(ECHO, "/known"), "audit_full");
    assert_eq!(let_pass(&stage), 0);
    drop(reader);
}

/// A configuration whose records go into a pipe, and the pipe's other end, which nobody reads.
fn unread() -> (Setup, std::fs::File) {
    let setup = setup();
    let made = Command::new("mkfifo")
        .arg(setup.audit_file())
        .status()
        .unwrap();
    assert!(made.success());
    setup.edit(
        "countersign.yaml",
        "sink: { file: audit.jsonl }",
        "sink: { file: audit.jsonl }, queue: 4",
    );
    // Open for both, because a reader alone would wait for a writer.
    let pipe = std::fs::File::options()
        .read(true)
        .write(true)
        .open(setup.audit_file());
    (setup, pipe.unwrap())
}

#[test]
fn without_countersign_nobody_is_let_in() {
    let stage = Stage::start(&[], setup());
    let open = Request::get(ECHO, "/open");
    allowed(&stage, &open);
    let Stage {
        envoy,
        server,
        upstream,
        ..
    } = stage;
    drop(server);
    for _ in 0..3 {
        let answer = super::client::send(envoy.plain, &open);
        assert!(!answer.is_from_upstream());
        assert_eq!(answer.status, 503, "`status_on_error`");
        let line = envoy.logged(answer.request_id());
        assert_eq!(line["details"], "ext_authz_error", "{line}");
        assert!(line["decision"].is_null());
    }
    drop(upstream);
}

#[test]
fn a_countersign_that_hangs_lets_nobody_in() {
    let stage = Stage::start(&[hasty()], setup());
    let open = Request::get(ECHO, "/open");
    allowed(&stage, &open);
    stage.server.signal("STOP");
    let answer = stage.send(&open);
    stage.server.signal("CONT");
    assert_eq!((answer.status, answer.is_from_upstream()), (503, false));
}
