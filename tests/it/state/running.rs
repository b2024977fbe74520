//! A server on a store: when it is ready, what it tells, and what it refuses to decide when it cannot know.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use countersign::store::{Store, StoreSettings};
use serde_json::json;

use super::fixtures::{now, revocation, subject};
use crate::harness::{Ask, SOON, Server, Setup, eventually, eventually_async};

const HARNESS: &str = "staleness: { low: 5m, medium: 2m, high: 2m, critical: 2m }";

/// The bounds that hold where nothing is said, and a name.
fn server() -> Server {
    Setup::new()
        .replacing(HARNESS, "replica: gateway-1")
        .start()
}

fn file(server: &Server) -> PathBuf {
    server.setup.path("state.db")
}

/// Something critical.
fn deploys(server: &Server) -> Ask {
    let token = server.setup.ci.token("deployer");
    let token = token.audience("https://api.example.com");
    let token = token.claim("environment", json!("staging")).sign();
    Ask::new("POST", "api.example.com", "/v1/staging/deployments")
        .bearer(&token)
        .principal("spiffe://example.org/ci/runner")
}

/// Something that does no harm.
fn health() -> Ask {
    Ask::new("GET", "api.example.com", "/healthz")
}

#[tokio::test]
async fn a_server_that_cannot_know_decides_only_what_may_be_decided_with_old_knowledge() {
    let server = server();
    let client = server.client().await;
    eventually_async(SOON, "allowed", async || {
        client.check(&deploys(&server)).await.allows().then_some(())
    })
    .await;
    let away = file(&server).with_extension("away");
    fs::rename(file(&server), &away).unwrap();
    let refused = eventually_async(SOON, "refused", async || {
        let answer = client.check(&deploys(&server)).await;
        (!answer.allows()).then_some(answer)
    })
    .await;
    assert_eq!((refused.status(), &*refused.reason()), (503, "state_stale"));
    assert_eq!(refused.header("retry-after").as_deref(), Some("1"));
    let age = server.metric("countersign_state_staleness_seconds");
    assert!((1.0..300.0).contains(&age), "{age}");
    assert!(server.metric("countersign_state_errors_total") > 0.0);
    assert!(client.check(&health()).await.allows());
    // It recovers by itself.
    fs::rename(&away, file(&server)).unwrap();
    eventually_async(SOON, "allowed again", async || {
        client.check(&deploys(&server)).await.allows().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_says_how_far_it_is_and_how_long_that_took() {
    let server = server();
    let position = || server.metric("countersign_state_applied_position");
    assert!(position() < 1.0);
    let store = Store::open(&StoreSettings::in_file(file(&server))).unwrap();
    let entry = revocation(subject("mallory"), now());
    let done = store.revoke(vec![entry]).await.unwrap();
    eventually(SOON, "applied", || (position() >= 1.0).then_some(()));
    assert!(server.metric("countersign_enforcement_seconds_count") >= 1.0);
    let state = &server.status()["state"];
    assert_eq!(state["replica"], "gateway-1");
    assert_eq!(state["position"], done.position.to_string());
    assert!(
        state["staleness_seconds"].as_f64().unwrap() < 60.0,
        "{state}"
    );
    eventually_async(SOON, "told", async || {
        let replicas = store.replicas().await.unwrap();
        let told = replicas.iter().find(|it| &*it.name == "gateway-1")?;
        told.position.has_seen(&done.position).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_ends_is_not_waited_for() {
    let mut server = server();
    let store = Store::open(&StoreSettings::in_file(file(&server))).unwrap();
    eventually_async(SOON, "told", async || {
        (store.replicas().await.unwrap().len() == 1).then_some(())
    })
    .await;
    server.signal("TERM");
    assert!(server.wait(SOON).success());
    assert_eq!(store.replicas().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_server_is_not_ready_before_it_knows_the_state() {
    let setup = Setup::new().replacing(HARNESS, "replica: gateway-1");
    // The state has a record that nobody can read.
    let path = setup.path("state.db");
    let store = Store::open(&StoreSettings::in_file(path.clone())).unwrap();
    store
        .revoke(vec![revocation(subject("mallory"), now())])
        .await
        .unwrap();
    drop(store);
    damage(&path, "not a record");
    let server = setup.start_unready();
    let client = server.client().await;
    eventually(SOON, "an error", || {
        (server.metric("countersign_state_errors_total") > 0.0).then_some(())
    });
    let ready = server.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("state_not_loaded"), "{}", ready.body);
    assert_eq!(client.check(&health()).await.reason(), "state_stale");
    assert!(!server.log().contains("not a record"));
    assert!(server.metric("countersign_state_staleness_seconds") > 0.0);
}

/// Puts `text` where the record of a revocation is.
fn damage(file: &std::path::Path, text: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let changed = connection.execute("UPDATE revocations SET record = ?1", [text]);
    assert_eq!(changed, Ok(1));
}
