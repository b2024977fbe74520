//! Who is asked, how often, and who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{LONG, SECRET, World, eventually, members, said};
use crate::identity::testing::changed;
use crate::outbound::testing::{Reply, TestServer};

#[tokio::test]
async fn the_endpoint_is_asked_by_an_authenticated_client_and_for_json() {
    for (auth, head, body) in [
        (
            "basic",
            "Basic Y291bnRlcnNpZ246Y2wxZW50JTJCczNjcmV0\r\n",
            "token=opaque-1&token_type_hint=access_token",
        ),
        (
            "post",
            "",
            "token=opaque-1&token_type_hint=access_token&client_id=countersign&client_secret=cl1ent%2Bs3cret",
        ),
    ] {
        let server = TestServer::answering(move |asked| {
            let authorized = asked.head.to_ascii_lowercase().contains("authorization:");
            let right = asked.head.starts_with("POST /introspect HTTP/1.1\r\n")
                && asked.head.contains(head)
                && authorized != head.is_empty()
                && asked.body == body;
            Reply::json(changed(&members(), json!({ "active": right })).to_string())
        })
        .await;
        let client = json!({ "id": "countersign", "secret": { "file": "secret" }, "auth": auth });
        let world = World::one(&server, json!({ "client": client }));
        assert_eq!(world.ask("opaque-1").await, "legacy/alice", "{auth}");
    }
}

#[tokio::test]
async fn a_secret_that_is_replaced_is_used_at_once() {
    let server = TestServer::answering(|asked| {
        if asked.body.ends_with("client_secret=second") {
            Reply::json(members().to_string())
        } else {
            Reply::status(401)
        }
    })
    .await;
    let client = json!({ "id": "countersign", "secret": { "file": "secret" }, "auth": "post" });
    let world = World::one(&server, json!({ "client": client }));
    let refused = world.ask("t0ken").await;
    assert!(refused.contains("status 401"), "{refused}");
    std::fs::write(world.folder().join("secret"), "second\n").unwrap();
    assert_eq!(world.ask("t0ken").await, "legacy/alice");
    std::fs::remove_file(world.folder().join("secret")).unwrap();
    let refused = world.ask("other-t0ken").await;
    assert!(refused.contains("the secret's file"), "{refused}");
}

#[tokio::test]
async fn a_thousand_checks_with_one_unknown_token_cost_one_request() {
    let server = TestServer::start(|_| Reply {
        delay: Duration::from_millis(100),
        ..Reply::json(members().to_string())
    })
    .await;
    let world = Arc::new(World::one(&server, json!({})));
    let mut checks = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let world = Arc::clone(&world);
        checks.spawn(async move { world.ask("one").await });
    }
    for outcome in checks.join_all().await {
        assert_eq!(outcome, "legacy/alice");
    }
    assert_eq!(server.hits(), 1);
    let status = world.introspector().status();
    assert_eq!((status.active, status.entries), (1, 1));
}

#[tokio::test]
async fn a_bad_token_is_asked_about_once_a_while_too() {
    let server = TestServer::start(|_| Reply::json(r#"{"active":false}"#)).await;
    let world = World::one(&server, json!({ "cache": { "refused_for": "200ms" } }));
    for _ in 0..10 {
        assert_eq!(world.ask("bad").await, "token_inactive");
    }
    assert_eq!(server.hits(), 1);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(world.ask("bad").await, "token_inactive");
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_token_in_use_is_refreshed_in_the_background_and_never_waits() {
    let slow = Arc::new(AtomicBool::new(false));
    let delayed = Arc::clone(&slow);
    let server = TestServer::start(move |_| Reply {
        delay: Duration::from_millis(if delayed.load(Ordering::SeqCst) {
            300
        } else {
            0
        }),
        ..Reply::json(members().to_string())
    })
    .await;
    let world = World::one(&server, json!({ "cache": { "for": "2s" } }));
    assert_eq!(world.ask("known").await, "legacy/alice");
    slow.store(true, Ordering::SeqCst);
    let started = Instant::now();
    // Twice as long as one answer serves.
    while started.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        assert_eq!(world.ask("known").await, "legacy/alice");
        assert!(asked.elapsed() < Duration::from_millis(150), "it waited");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!((3..=6).contains(&server.hits()), "{}", server.hits());
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_as_soon_as_it_is_refreshed() {
    let revoked = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&revoked);
    let server = TestServer::start(move |_| {
        let active = !gone.load(Ordering::SeqCst);
        Reply::json(changed(&members(), json!({ "active": active })).to_string())
    })
    .await;
    let world = World::one(&server, json!({ "cache": { "for": "4s" } }));
    assert_eq!(world.ask("known").await, "legacy/alice");
    revoked.store(true, Ordering::SeqCst);
    let started = Instant::now();
    eventually("refused", async || {
        world.ask("known").await == "token_inactive"
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(server.hits(), 2, "one refresh, at half of its life");
}

#[tokio::test]
async fn a_check_waits_no_longer_than_its_own_deadline_and_the_request_goes_on_for_others() {
    let server = TestServer::start(|_| Reply {
        delay: Duration::from_millis(400),
        ..Reply::json(members().to_string())
    })
    .await;
    let world = World::one(&server, json!({}));
    let started = Instant::now();
    let hasty = said(
        "t0ken",
        world.ask_within("t0ken", Duration::from_millis(50)).await,
    );
    assert!(hasty.contains("before the check's deadline"), "{hasty}");
    assert!(started.elapsed() < Duration::from_millis(300));
    assert_eq!(
        said("t0ken", world.ask_within("t0ken", LONG).await),
        "legacy/alice"
    );
    assert_eq!(server.hits(), 1);
    // What is known does not wait, so no deadline can pass.
    let known = world.ask_within("t0ken", Duration::ZERO).await;
    assert_eq!(said("t0ken", known), "legacy/alice");
}

#[tokio::test]
async fn requests_in_flight_are_bounded_and_more_are_faults() {
    let server = TestServer::start(|_| Reply {
        delay: Duration::from_secs(1),
        ..Reply::json(r#"{"active":false}"#)
    })
    .await;
    let world = Arc::new(World::one(&server, json!({ "timeout": "10s" })));
    let mut checks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let world = Arc::clone(&world);
        checks.spawn(async move { world.ask(&format!("random-{number}")).await });
    }
    let outcomes = checks.join_all().await;
    let inactive = outcomes.iter().filter(|it| *it == "token_inactive").count();
    let busy = outcomes.iter().filter(|it| it.contains("too many")).count();
    assert_eq!((inactive, busy, server.hits()), (64, 436, 64));
    assert_eq!(world.introspector().status().shed, 436);
}

#[tokio::test]
async fn nothing_prints_a_token_or_the_secret() {
    let server = TestServer::start(|_| Reply::json(members().to_string())).await;
    let world = World::one(&server, json!({}));
    world.ask("t0ken").await;
    let printed = format!("{:?} {:?}", world.known, world.introspector().status());
    assert!(
        !printed.contains("t0ken") && !printed.contains(SECRET),
        "{printed}"
    );
    assert!(!printed.contains("alice"), "{printed}");
}
