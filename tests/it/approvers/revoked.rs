//! An approver who is revoked: what they said before does not count any more.

use serde_json::{Value, json};

use super::{ask, call, caller, lead, setup_with, waited_for};
use crate::harness::{Server, Setup};

const OPS: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";

fn with_operator() -> Setup {
    let setup = setup_with(
        "  url: https://ops.example.com\n  access: [{ name: ops, token: { file: ops.token } }]\n",
        "approvals: { providers: [corp], url: https://ops.example.com }",
    );
    setup.write("ops.token", OPS);
    setup
}

fn revoke(server: &Server, target: &Value) {
    let reply = ask(server, "POST /revocations", Some(OPS), &target.to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn approve(server: &Server, id: &str, who: &str) -> String {
    let token = lead(server, who, &["leads"]);
    let line = format!("POST /approvals/{id}/approve");
    let reply = ask(server, &line, Some(&token), r#"{"reason":"seen"}"#);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_approval_of_somebody_who_is_revoked_lets_nobody_pass() {
    let server = with_operator().start();
    let alice = caller(&server, "alice");
    for (number, target) in [
        json!({ "kind": "subject", "issuer": "corp", "value": "ana" }),
        json!({ "kind": "actor", "issuer": "corp", "value": "ben" }),
        json!({ "kind": "subject", "issuer": "corp", "value": "cal", "not_before": "now" }),
    ]
    .iter()
    .enumerate()
    {
        let path = format!("/open/{number}");
        let who = target["value"].as_str().unwrap();
        let id = waited_for(&call(&server, &alice, &path).await);
        assert_eq!(approve(&server, &id, who), "approved");
        let mut target = target.clone();
        target["reason"] = json!("left");
        revoke(&server, &target);
        let next = waited_for(&call(&server, &alice, &path).await);
        assert_ne!(next, id, "{target}");
        let dora = lead(&server, "dora", &["leads"]);
        let shown = ask(&server, &format!("GET /approvals/{id}"), Some(&dora), "").json();
        assert_eq!(shown["status"], json!("revoked"));
        let why = shown["ended_because"].as_str().unwrap();
        assert!(why.starts_with("somebody who approved is revoked"), "{why}");
        assert_eq!(approve(&server, &next, "dora"), "approved");
        assert!(call(&server, &alice, &path).await.allows());
    }
}

#[tokio::test]
async fn a_vote_of_somebody_who_is_revoked_does_not_count_beside_others() {
    let server = with_operator().start();
    let alice = caller(&server, "alice");
    let id = waited_for(&call(&server, &alice, "/melt/7").await);
    assert_eq!(approve(&server, &id, "ana"), "pending");
    revoke(
        &server,
        &json!({ "kind": "subject", "issuer": "corp", "value": "ana", "reason": "left" }),
    );
    assert_eq!(approve(&server, &id, "ben"), "pending", "one of two");
    assert_eq!(waited_for(&call(&server, &alice, "/melt/7").await), id);
    assert_eq!(approve(&server, &id, "cal"), "approved");
    assert!(call(&server, &alice, "/melt/7").await.allows());
}

#[tokio::test]
async fn an_agent_that_approved_is_out_with_its_owner() {
    let setup = with_operator();
    let policy = setup.read("vault.yaml");
    let policy = policy.replacen("group: leads }", "kind: agent, id: steward-bot }", 1);
    let policy = policy.replace(
        "kind: human, group: [leads, guests]",
        "kind: [human, agent]",
    );
    let step_up = policy.find("  - id: leads-step-up").unwrap();
    setup.write("vault.yaml", &policy[..step_up]);
    let server = setup.start();
    let dora = caller(&server, "dora");
    let id = waited_for(&call(&server, &dora, "/open/7").await);
    assert_eq!(approve(&server, &id, "steward-bot"), "approved");
    revoke(
        &server,
        &json!({ "kind": "owner", "value": "alice@example.com", "reason": "left" }),
    );
    assert_ne!(waited_for(&call(&server, &dora, "/open/7").await), id);
}
