//! Endpoints that are down, stall, drip, redirect and lie: always a fault, and never longer than stated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{World, members, spec};
use crate::outbound::testing::{Reply, TestServer};

fn json_of(body: impl Into<Vec<u8>>) -> Reply {
    Reply::json(body)
}

#[tokio::test]
async fn an_endpoint_that_lies_is_a_fault() {
    let good = || members().to_string();
    let large = format!(r#"{{"active":true,"a":"{}"}}"#, "x".repeat(70_000));
    let deep = format!(
        r#"{{"active":true,"a":{}1{}}}"#,
        "[".repeat(20),
        "]".repeat(20)
    );
    let moved = |status| Reply {
        headers: vec![("location".to_owned(), "/elsewhere".to_owned())],
        ..Reply::status(status)
    };
    for (reply, expected) in [
        (Reply::ok(good()), "content-type"),
        (json_of("active: true"), "cannot be read"),
        (json_of("[]"), "cannot be read"),
        (json_of("{}"), "`active` is missing"),
        (json_of(r#"{"active":"true"}"#), "`active` is missing"),
        (
            json_of(r#"{"active":false,"active":true}"#),
            "two members with one name",
        ),
        (json_of(large), "larger than"),
        (json_of(deep), "nested deeper"),
        (
            Reply {
                length: Some(9_999),
                ..json_of(good())
            },
            "broke off",
        ),
        (Reply::status(401), "status 401"),
        (Reply::status(500), "status 500"),
        (Reply::status(204), "status 204"),
        (moved(302), "redirect"),
        (moved(307), "redirect"),
    ] {
        let server = TestServer::start(move |_| reply.clone()).await;
        let world = World::one(&server, json!({}));
        let fault = world.ask("opaque").await;
        assert!(
            fault.starts_with("fault: ") && fault.contains(expected),
            "{fault}"
        );
        let status = world.introspector().status();
        assert_eq!((status.failed, status.entries), (1, 0), "{expected}");
        assert!(status.last_error.is_some());
        assert_eq!(server.hits(), 1);
    }
}

#[tokio::test]
async fn an_endpoint_that_drips_or_stalls_is_a_fault_within_its_time_limit() {
    let drip = Reply {
        drip: Some(Duration::from_millis(50)),
        ..json_of(members().to_string())
    };
    let stall = Reply {
        delay: Duration::from_secs(30),
        ..json_of(members().to_string())
    };
    for reply in [drip, stall] {
        let server = TestServer::start(move |_| reply.clone()).await;
        let world = World::one(&server, json!({ "timeout": "300ms" }));
        let started = Instant::now();
        let fault = world.ask("opaque").await;
        assert!(fault.contains("no complete answer within 300ms"), "{fault}");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_a_fault_and_is_left_alone_for_a_moment() {
    let server = TestServer::start(|_| Reply::status(503)).await;
    let world = World::one(&server, json!({}));
    for number in 0..5 {
        let fault = world.ask(&format!("t-{number}")).await;
        assert!(fault.contains("status 503"), "{fault}");
    }
    for number in 5..50 {
        let fault = world.ask(&format!("t-{number}")).await;
        assert!(fault.contains("given a pause"), "{fault}");
    }
    assert_eq!(server.hits(), 5);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let fault = world.ask("probe").await;
    assert!(fault.contains("status 503"), "{fault}");
    assert_eq!(server.hits(), 6);
}

#[tokio::test]
async fn an_answer_that_is_odd_for_one_token_does_not_pause_the_others() {
    let server = TestServer::answering(|asked| {
        if asked.body.contains("odd") {
            Reply::status(400)
        } else {
            Reply::json(members().to_string())
        }
    })
    .await;
    let world = World::one(&server, json!({}));
    for number in 0..20 {
        let fault = world.ask(&format!("odd-{number}")).await;
        assert!(fault.contains("status 400"), "{fault}");
    }
    assert_eq!(world.ask("fine").await, "legacy/alice");
}

#[tokio::test]
async fn what_is_known_serves_until_its_own_end_while_the_endpoint_is_down() {
    let down = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&down);
    let server = TestServer::start(move |_| {
        if failing.load(Ordering::SeqCst) {
            Reply::status(500)
        } else {
            Reply::json(members().to_string())
        }
    })
    .await;
    let world = World::one(&server, json!({ "cache": { "for": "2s" } }));
    let started = Instant::now();
    assert_eq!(world.ask("known").await, "legacy/alice");
    down.store(true, Ordering::SeqCst);
    let mut lasted = Duration::ZERO;
    let fault = loop {
        let asked = Instant::now();
        let outcome = world.ask("known").await;
        if outcome != "legacy/alice" {
            break outcome;
        }
        lasted = started.elapsed();
        assert!(asked.elapsed() < Duration::from_millis(200), "it waited");
        assert!(lasted < Duration::from_millis(2_200), "longer than stated");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(fault.contains("status 500"), "{fault}");
    assert!(lasted > Duration::from_millis(1_500), "{lasted:?}");
    down.store(false, Ordering::SeqCst);
    assert_eq!(world.ask("known").await, "legacy/alice");
}

#[tokio::test]
async fn nobody_listening_is_a_fault() {
    let gone = TestServer::start(|_| Reply::status(500)).await;
    let endpoint = gone.url("/introspect");
    drop(gone);
    tokio::task::yield_now().await;
    let one = json!({ "introspection": spec(&endpoint, json!({})) });
    let fault = World::new(&[("legacy", one)]).ask("opaque").await;
    assert!(fault.contains("the request failed"), "{fault}");
}
