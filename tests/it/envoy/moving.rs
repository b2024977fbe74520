//! Changes under traffic: policies that are edited, and replicas that go. No request fails because of either.

use std::time::Duration;

use super::client::Request;
use super::process::Guard;
use super::stage::{Stage, port, setup};
use super::traffic::{Outcomes, Traffic};
use crate::harness::{SOON, eventually};

const ECHO: &str = "echo.example.com";
const POLICY: &str = "policies/echo.yaml";

/// What `echo.yaml` says about everybody, and what it says when it is closed.
const OPEN: &str = "kind: [anonymous, human, service, agent]";
const CLOSED: &str = "kind: [human, service, agent]";

fn outcomes(seen: &Outcomes) -> Vec<&str> {
    seen.keys().map(String::as_str).collect()
}

#[test]
fn policies_change_under_traffic_without_a_failed_request() {
    let stage = Stage::start(&[], setup());
    let open = Request::get(ECHO, "/open");
    let traffic = Traffic::start(stage.envoy.plain, std::slice::from_ref(&open));
    let (permits, denies) = {
        let text = stage.server.setup.read(POLICY);
        let closed = text.replace(OPEN, CLOSED);
        assert_ne!(text, closed);
        (text, closed)
    };
    let replaced = |text: &str, status: u16| {
        stage.server.setup.replace(POLICY, text);
        eventually(SOON, "the edit to be in force", || {
            (stage.send(&open).status == status).then_some(())
        });
        traffic.flow(50);
    };
    for _ in 0..4 {
        replaced(&denies, 401);
        // A mistake changes nothing.
        let before = stage.server.metric(REFUSED);
        stage
            .server
            .setup
            .replace(POLICY, "version: 1\nrules: [{ permit: everything }]\n");
        eventually(SOON, "the mistake to be noticed", || {
            (stage.server.metric(REFUSED) > before).then_some(())
        });
        assert_eq!(stage.send(&open).status, 401);
        traffic.flow(50);
        replaced(&permits, 200);
    }
    let seen = traffic.stop();
    assert_eq!(
        outcomes(&seen),
        ["200", "401 authentication_required"],
        "{seen:?}"
    );
    assert_eq!(
        stage.envoy.stat("http.ingress.ext_authz.countersign.error"),
        0
    );
}

/// The counter of reloads that changed nothing because of a mistake.
const REFUSED: &str = r#"countersign_reloads_total{result="refused"}"#;

#[test]
fn a_replica_that_is_told_to_stop_leaves_without_a_failed_request() {
    leaves("TERM");
}

#[test]
fn a_replica_that_is_interrupted_leaves_without_a_failed_request() {
    leaves("INT");
}

/// Two replicas with the drain settings that are shipped; one is sent a signal.
fn leaves(signal: &str) {
    let replica = || {
        let setup = setup();
        // The harness hurries; here the shipped delay and Envoy's health checks have to fit together.
        setup.edit(
            "countersign.yaml",
            "delay: 50ms, grace: 5s",
            "delay: 3s, grace: 10s",
        );
        setup
    };
    let stays = replica().start();
    let leaving = replica();
    leaving.write("corp.jwks.json", &stays.setup.corp.jwks());
    let mut leaving = leaving.start();
    let _guard = Guard::over(leaving.pid());

    let endpoint =
        "- endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9191 } } }";
    let both = [stays.grpc, leaving.grpc]
        .map(|address| endpoint.replace("port_value: 9191", &port(address)));
    let stage = Stage::led(&[(endpoint, both.join("\n        "))], stays, 2);
    let token = stage.person("alice", ECHO).groups(&["echo"]).sign();
    let requests = [
        Request::get(ECHO, "/open"),
        Request::get(ECHO, "/known").bearer(&token),
        Request::post(ECHO, "/known")
            .bearer(&token)
            .body(&[7; 2000]),
    ];
    let traffic = Traffic::start(stage.envoy.plain, &requests);
    traffic.flow(300);
    assert!(leaving.records().len() > 30, "the replica has its share");
    leaving.signal(signal);
    let ended = leaving.wait(Duration::from_secs(15));
    assert_eq!(ended.code(), Some(0), "{}", leaving.log());
    assert!(
        leaving.log().contains("every check in flight was answered"),
        "{}",
        leaving.log()
    );
    traffic.flow(300);
    let seen = traffic.stop();
    assert_eq!(outcomes(&seen), ["200"], "{seen:?}");
    assert_eq!(
        stage.envoy.stat("http.ingress.ext_authz.countersign.error"),
        0
    );
}
