//! Revocations through Envoy: what worked a moment ago is refused, in the answer that a client knows how to read.

use std::sync::LazyLock;

use serde_json::json;

use super::certs::{CERTS, SERVER};
use super::client::{Answer, Request};
use super::mesh::client_of;
use super::stage::Stage;
use crate::events::{event, push, session, setup};
use crate::harness::Token;
use crate::revocation::{lift, revoke};

const HOST: &str = "api.example.com";

static STAGE: LazyLock<Stage> = LazyLock::new(|| Stage::start(&[], setup()));

fn health(token: &str) -> Answer {
    STAGE.send(&Request::get(HOST, "/healthz").bearer(token))
}

fn person(id: &str) -> Token<'static> {
    STAGE.person(id, HOST)
}

#[test]
fn a_session_ends_and_the_client_is_told_to_get_a_new_token() {
    let session = |sid: &str| person("sara").claim("sid", json!(sid)).sign();
    let (old, new) = (session("e-1"), session("e-2"));
    assert!(health(&old).is_from_upstream());
    revoke(
        &STAGE.server,
        &json!({ "kind": "session", "issuer": "corp", "value": "e-1" }),
    );
    let refused = health(&old);
    assert_eq!(
        (refused.status, refused.reason()),
        (401, "credential_revoked".to_owned())
    );
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(health(&new).is_from_upstream());
}

#[test]
fn a_session_that_the_identity_provider_ends_is_over_here_too() {
    let of = |sid: &str| person("tess").claim("sid", json!(sid)).sign();
    let (ended, other) = (of("e-3"), of("e-4"));
    assert!(health(&ended).is_from_upstream());
    let subject = session("tess", "e-3");
    push(
        &STAGE.server,
        event("envoy-1", "caep session-revoked", &json!({}), &subject),
    );
    let refused = health(&ended);
    assert_eq!(
        (refused.status, refused.reason()),
        (401, "credential_revoked".to_owned())
    );
    assert!(health(&other).is_from_upstream());
}

#[test]
fn an_agent_is_stopped_in_every_chain_and_comes_back_when_it_is_lifted() {
    let act = json!({ "sub": "steward-bot", "act": { "sub": "planner" } });
    let token = person("stan").claim("act", act).sign();
    assert!(health(&token).is_from_upstream());
    for value in ["steward-bot", "planner"] {
        let target = json!({ "kind": "actor", "issuer": "corp", "value": value });
        revoke(&STAGE.server, &target);
        let refused = health(&token);
        assert_eq!(
            (refused.status, refused.reason()),
            (403, "identity_revoked".to_owned())
        );
        lift(&STAGE.server, &target);
        assert!(health(&token).is_from_upstream());
    }
}

#[tokio::test]
async fn a_workload_is_refused_on_the_listener_that_verified_its_certificate() {
    let get = async |id: &str| {
        let client = client_of(STAGE.envoy.mesh, Some(CERTS.workload(&[id])));
        let answer = client.get(format!("https://{SERVER}/healthz")).send().await;
        answer.unwrap().status().as_u16()
    };
    let (one, other) = (
        "spiffe://example.org/jobs/one",
        "spiffe://example.org/jobsite/one",
    );
    assert_eq!((get(one).await, get(other).await), (200, 200));
    let target = json!({ "kind": "spiffe_prefix", "value": "spiffe://example.org/jobs" });
    revoke(&STAGE.server, &target);
    assert_eq!((get(one).await, get(other).await), (403, 200));
    lift(&STAGE.server, &target);
    assert_eq!(get(one).await, 200);
}
