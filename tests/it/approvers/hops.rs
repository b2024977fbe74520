//! Whoever stands anywhere in the chain of a call approves nothing of it.

use serde_json::{Value, json};

use super::{AUDIENCE, VAULT, ask, call, lead, setup, waited_for};
use crate::harness::Server;

/// A token of alice for whom these act, the outermost first.
fn chained(server: &Server, hops: &[&str]) -> String {
    let act = hops.iter().rev().fold(Value::Null, |inner, sub| {
        let mut act = json!({ "sub": sub });
        if !inner.is_null() {
            act["act"] = inner;
        }
        act
    });
    let token = server.setup.corp.token("alice").audience(VAULT);
    token.claim("act", act).sign()
}

fn approve(server: &Server, id: &str, token: &str) -> (u16, String) {
    let line = format!("POST /approvals/{id}/approve");
    let reply = ask(server, &line, Some(token), "");
    let said = reply.json();
    let word = said["code"].as_str().or(said["status"].as_str());
    (reply.status, word.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_inner_hop_and_its_owner_do_not_approve() {
    let setup = setup();
    setup.edit(
        "identities.yaml",
        "id: steward-bot, kind: agent, owner: alice@example.com",
        "id: steward-bot, kind: agent, owner: olga",
    );
    let server = setup.start();
    let through = chained(&server, &["crm-bot", "ana", "steward-bot"]);
    let id = waited_for(&call(&server, &through, "/open/7").await);
    for own in ["ana", "ANA", "olga"] {
        let refused = approve(&server, &id, &lead(&server, own, &["leads"]));
        assert_eq!(refused, (403, "own_approval".to_owned()), "{own}");
    }
    // Nor does anybody for whom one of them acts, in whatever place.
    let ben = server.setup.corp.token("ben").audience(AUDIENCE);
    let ben = ben.groups(&["leads"]).claim("acr", json!("phr"));
    let ben = ben.claim("auth_time", json!(crate::harness::now()));
    let act = json!({ "sub": "crm-bot", "act": { "sub": "steward-bot" } });
    let refused = approve(&server, &id, &ben.claim("act", act).sign());
    assert_eq!(refused.0, 403, "{refused:?}");
    let cal = lead(&server, "cal", &["leads"]);
    let shown = ask(&server, &format!("GET /approvals/{id}"), Some(&cal), "").json();
    assert_eq!(shown["requester"]["prior"][0]["id"], json!("ana"));
    assert_eq!(approve(&server, &id, &cal), (200, "approved".to_owned()));
    // The chain is no part of what is approved, and whoever is in it now approves nothing either.
    let other = chained(&server, &["crm-bot", "cal"]);
    assert_ne!(waited_for(&call(&server, &other, "/open/7").await), id);
}

#[tokio::test]
async fn the_same_chain_passes_with_the_approval_of_somebody_outside_it() {
    let server = setup().start();
    let through = chained(&server, &["crm-bot", "ana"]);
    let id = waited_for(&call(&server, &through, "/open/7").await);
    let cal = lead(&server, "cal", &["leads"]);
    assert_eq!(approve(&server, &id, &cal).0, 200);
    assert!(call(&server, &through, "/open/7").await.allows());
}
