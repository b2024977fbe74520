//! From the first attempt to the use, and every way in which it ends otherwise.

use std::collections::BTreeSet;

use countersign::model::approval::Status;
use serde_json::json;

use super::PENDING;
use super::stage::{Keeper, POLICY, VAULT, ask, until_it_is, vault};
use crate::harness::{Ask, SOON, eventually};

const OPEN: &str = "/v1/vaults/seven/open";

#[tokio::test]
async fn a_call_waits_for_its_approval_and_passes_once() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", OPEN).header("idempotency-key", "mine");
    for _retry in 0..3 {
        assert_eq!(client.check(&ask).await.outcome(), PENDING);
    }
    let waiting = keeper.waiting().await;
    assert_eq!(waiting.action.as_str(), "vault.open");
    assert_eq!(waiting.requester.subject.id.to_string(), "corp/alice");
    keeper.approve().await;
    let allowed = until_it_is(&client, &ask, "allow").await;
    let id = waiting.id.to_string();
    assert_eq!(allowed.sets("idempotency-key"), Some(id.clone()));
    assert!(
        allowed
            .ok()
            .headers_to_remove
            .contains(&"idempotency_key".to_owned())
    );
    assert_eq!(client.check(&ask).await.outcome(), PENDING, "once");
    let next = keeper.waiting().await;
    assert_ne!(next.id, waiting.id, "another one is waited for");
    let records = eventually(SOON, "every record", || {
        let records = server.records();
        (records.last()?["verdict"] == "pending" && records.len() >= 5).then_some(records)
    });
    let used = records.iter().find(|it| it["verdict"] == "allow").unwrap();
    let expected =
        json!({ "id": id, "uses_left": 0, "approvers": [{ "issuer": "corp", "id": "kim" }] });
    assert_eq!(used["approval"], expected);
    let first = &records[0];
    assert_eq!(first["approval"], json!({ "id": id }));
    assert_eq!(first["rule"], "one-keeper");
    assert_eq!(server.count("countersign_approvals_opened_total"), 2);
    assert_eq!(server.count("countersign_approvals_spent_total"), 1);
    let known =
        |status: &str| server.count(&format!("countersign_approvals{{status=\"{status}\"}}"));
    assert_eq!((known("pending"), known("consumed")), (1, 1));
}

#[tokio::test]
async fn an_approval_is_for_one_call_of_one_caller() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let mine = ask(&server, "alice", OPEN);
    assert_eq!(client.check(&mine).await.outcome(), PENDING);
    keeper.approve().await;
    for other in [
        ask(&server, "mallory", OPEN),
        ask(&server, "alice", "/v1/vaults/eight/open"),
        ask(&server, "alice", "/v1/vaults/seven/open?force=1"),
        ask(&server, "alice", OPEN).body("{\"force\":true}"),
    ] {
        assert_eq!(client.check(&other).await.outcome(), PENDING, "{other:?}");
    }
    until_it_is(&client, &mine, "allow").await;
    let ids: BTreeSet<_> = keeper
        .all(Status::Pending)
        .await
        .iter()
        .map(|it| it.key.0)
        .collect();
    assert_eq!(ids.len(), 4, "each waits for its own");
}

#[tokio::test]
async fn an_action_without_approval_opens_nothing_and_keeps_its_idempotency_key() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let token = server.setup.corp.token("alice").audience(VAULT);
    let token = token.groups(&["openers"]).sign();
    let ask = Ask::new("GET", "vault.example.com", "/v1/vaults/seven").bearer(&token);
    let ask = ask.header("idempotency-key", "mine");
    let ask = ask.header("authz-approval-token", "whatever");
    let answer = client.check(&ask).await;
    assert_eq!(answer.outcome(), "allow");
    assert_eq!(answer.sets("idempotency-key"), None);
    let removed = &answer.ok().headers_to_remove;
    assert!(!removed.iter().any(|name| name.starts_with("idempotency")));
    assert!(removed.contains(&"authz-approval-token".to_owned()));
    assert!(keeper.all(Status::Pending).await.is_empty());
}

#[tokio::test]
async fn a_no_is_heard_and_nothing_is_asked_again_for_a_while() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", OPEN);
    client.check(&ask).await;
    let waiting = keeper.waiting().await;
    keeper.vote(&waiting, "kim", false).await;
    until_it_is(&client, &ask, "deny 403 approval_denied").await;
    assert!(keeper.all(Status::Pending).await.is_empty());
    assert_eq!(
        server.count("countersign_approvals_refused_total{reason=\"denied\"}"),
        1
    );
}

#[tokio::test]
async fn one_requester_waits_for_so_many_and_no_more() {
    let more = "\napprovals:\n  pending_per_requester: 2\n";
    let setup = vault().replacing("\napprovals:\n", more);
    let server = setup.start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let outcome = async |who: &str, name: &str| {
        let path = format!("/v1/vaults/{name}/open");
        client.check(&ask(&server, who, &path)).await.outcome()
    };
    assert_eq!(outcome("alice", "one").await, PENDING);
    assert_eq!(outcome("alice", "two").await, PENDING);
    let refused = outcome("alice", "three").await;
    assert!(refused.ends_with("approval_limit"), "{refused}");
    assert_eq!(outcome("alice", "one").await, PENDING, "as before");
    assert_eq!(outcome("bob", "three").await, PENDING, "another requester");
    assert_eq!(keeper.all(Status::Pending).await.len(), 3);
    // Taking them back makes no room before they would have expired.
    keeper.clear().await;
    let refused = outcome("alice", "three").await;
    assert!(refused.ends_with("approval_limit"), "{refused}");
    assert_eq!(outcome("bob", "four").await, PENDING);
}

#[tokio::test]
async fn what_is_larger_than_anybody_is_shown_is_not_asked_for() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let with = |size: usize| {
        let path = format!("{OPEN}?note={}", "x".repeat(size));
        ask(&server, "alice", &path)
    };
    let refused = client.check(&with(16 * 1024)).await.outcome();
    assert_eq!(refused, "deny 403 approval_too_large");
    assert!(keeper.all(Status::Pending).await.is_empty());
    assert_eq!(client.check(&with(15 * 1024)).await.outcome(), PENDING);
    let record = eventually(SOON, "its record", || server.records().into_iter().next());
    let cause = record["cause"].as_str().unwrap_or_default();
    assert!(cause.contains("`bind` what"), "{record}");
}

#[tokio::test]
async fn an_approval_that_is_taken_back_lets_nobody_pass() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let often = ask(&server, "alice", "/v1/vaults/seven/open-often");
    client.check(&often).await;
    let approved = keeper.approve().await;
    let first = until_it_is(&client, &often, "allow").await;
    let key = format!("{}-1", approved.id);
    assert_eq!(first.sets("idempotency-key"), Some(key));
    keeper.end(&approved).await;
    // This replica may not know it yet: the store says so when it is used.
    assert_eq!(client.check(&often).await.outcome(), PENDING);
    assert_ne!(keeper.waiting().await.id, approved.id);
}

#[tokio::test]
async fn what_was_approved_under_other_rules_is_held_against_those_of_today() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", OPEN);
    client.check(&ask).await;
    let approved = keeper.approve().await;
    let stricter = POLICY.replace("quorum: 1", "quorum: 2");
    server.setup.replace("policies/vault.yaml", &stricter);
    let before = server.status()["policy"]["version"].clone();
    eventually(SOON, "reloaded", || {
        (server.status()["policy"]["version"] != before).then_some(())
    });
    assert_eq!(client.check(&ask).await.outcome(), PENDING);
    let next = keeper.waiting().await;
    assert_ne!(next.id, approved.id);
    let revoked = keeper.all(Status::Revoked).await;
    assert_eq!(revoked[0].id, approved.id);
    let why = revoked[0].ended_because.clone().unwrap();
    assert!(why.contains("demand more"), "{why}");
}

#[tokio::test]
async fn a_store_that_is_gone_is_a_fault_and_never_an_allow() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", "/v1/vaults/seven/open-often");
    client.check(&ask).await;
    keeper.approve().await;
    until_it_is(&client, &ask, "allow").await;
    std::fs::rename(
        server.setup.path("state.db"),
        server.setup.path("elsewhere.db"),
    )
    .unwrap();
    let outcome = client.check(&ask).await.outcome();
    assert_eq!(outcome, "fault 503 approval_unavailable");
    let refused = "countersign_approvals_refused_total{reason=\"unavailable\"}";
    assert_eq!(server.count(refused), 1);
}
