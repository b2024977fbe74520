//! Revocations through Envoy: what worked a moment ago is refused, in the answer that a client knows how to read.

use std::sync::LazyLock;

use serde_json::json;

use super::certs::{CERTS, SERVER};
use super::client::{Answer, Request};
use super::mesh::client_of;
use super::stage::Stage;
use crate::harness::Token;
use crate::revocation::{lift, revoke, setup};

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
