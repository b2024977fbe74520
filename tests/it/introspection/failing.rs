//! An endpoint that does not work: a fault, in time, and never an anonymous caller.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{SECRET, alice, ask, becomes, keeps, outcome, setup, status};
use crate::harness::{IntrospectionServer, Manner, SOON, check_within, eventually};

const UNAVAILABLE: &str = "fault 503 introspection_unavailable";

#[tokio::test]
async fn whatever_the_endpoint_does_a_fault_lets_nobody_in() {
    let (endpoint, elsewhere) = (IntrospectionServer::start(), IntrospectionServer::start());
    for (token, manner) in [
        ("t0ken-1", Manner::Redirect(elsewhere.url())),
        ("t0ken-2", Manner::Drip),
        ("t0ken-3", Manner::Stall),
        (
            "t0ken-4",
            Manner::Lie(200, "application/json", "{}".to_owned()),
        ),
        (
            "t0ken-5",
            Manner::Lie(200, "text/html", r#"{"active":true}"#.to_owned()),
        ),
        (
            "t0ken-6",
            Manner::Lie(
                401,
                "application/json",
                r#"{"error":"invalid_client"}"#.to_owned(),
            ),
        ),
        (
            "t0ken-7",
            Manner::Lie(500, "application/json", r#"{"active":true}"#.to_owned()),
        ),
    ] {
        // A server each, so that no pause after failures hides what this one leads to.
        let server = setup(&endpoint, "      timeout: 300ms\n").start();
        let client = server.client().await;
        endpoint.activate(token, &alice());
        endpoint.behave(manner.clone());
        let answer = client.check(&ask(token)).await;
        assert_eq!(answer.outcome(), UNAVAILABLE, "{manner:?}");
        assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
        let problem = answer.problem().to_string();
        assert!(!problem.contains("endpoint"), "{problem}");
        eventually(SOON, "a line of the log", || {
            server.log().contains("introspection failed").then_some(())
        });
        let status = status(&server);
        assert_eq!(status["failures"], json!(1), "{status}");
        assert_eq!(
            server.get("/readyz").status,
            200,
            "an endpoint makes nobody unready"
        );
        keeps(&server, &["t0ken", SECRET]);
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_deadline_is_kept_while_the_endpoint_stalls() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("one", &alice());
    endpoint.behave(Manner::Stall);
    let server = setup(&endpoint, "      timeout: 5s\n").start();
    let started = Instant::now();
    let answer = check_within(server.grpc, &ask("one"), "100m").await;
    assert_eq!(answer.outcome(), UNAVAILABLE);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    endpoint.behave(Manner::Answer);
    // The request went on, and brought what later checks need.
    becomes(&server.client().await, "one", "allow").await;
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test]
async fn known_tokens_are_answered_from_memory_until_their_end_and_then_faults() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("known", &alice());
    let server = setup(&endpoint, "      cache: { for: 4s }\n      timeout: 1s\n").start();
    let client = server.client().await;
    let learned = Instant::now();
    assert_eq!(outcome(&client, "known").await, "allow");
    endpoint.behave(Manner::Stall);
    let ended = loop {
        let asked = Instant::now();
        let outcome = outcome(&client, "known").await;
        if outcome != "allow" {
            assert_eq!(outcome, UNAVAILABLE);
            break asked;
        }
        assert!(asked.elapsed() < Duration::from_millis(700), "it waited");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let lasted = ended - learned;
    assert!(
        lasted > Duration::from_secs(3) && lasted < Duration::from_millis(4_500),
        "{lasted:?}"
    );
    endpoint.behave(Manner::Answer);
    becomes(&client, "known", "allow").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unknown_tokens_is_bounded_and_shed() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("known", &alice());
    let server = setup(&endpoint, "      timeout: 10s\n").start();
    let client = server.client().await;
    assert_eq!(outcome(&client, "known").await, "allow");
    endpoint.behave(Manner::Stall);
    let mut checks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let client = client.clone();
        checks.spawn(async move { outcome(&client, &format!("random-{number}")).await });
    }
    eventually(SOON, "what cannot be asked is shed", || {
        (status(&server)["shed"] == json!(436)).then_some(())
    });
    assert_eq!(outcome(&client, "known").await, "allow");
    assert_eq!(endpoint.asked(), 65);
    endpoint.behave(Manner::Answer);
    let outcomes = checks.join_all().await;
    let count = |expected: &str| outcomes.iter().filter(|it| *it == expected).count();
    assert_eq!(
        (count("deny 401 token_inactive"), count(UNAVAILABLE)),
        (64, 436)
    );
}
