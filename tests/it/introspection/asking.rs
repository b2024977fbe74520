//! An endpoint that works: who is asked, how often, and what is remembered.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{SECRET, alice, ask, becomes, keeps, outcome, setup, status};
use crate::harness::{Ask, IntrospectionServer, PAYMENTS, SOON, eventually};

#[tokio::test]
async fn opaque_tokens_are_asked_about_and_nothing_leaks() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("opaque-t0ken", &alice());
    endpoint.activate(
        "other-audience",
        &json!({ "sub": "alice", "aud": "https://x.example" }),
    );
    let server = setup(&endpoint, "").start();
    let client = server.client().await;
    // Anonymous callers may list payments here; a credential that is not good is something else.
    assert_eq!(
        client.check(&Ask::payments("/v1/payments")).await.outcome(),
        "allow"
    );
    for (token, expected) in [
        ("opaque-t0ken", "allow"),
        ("never-issued-t0ken", "deny 401 token_inactive"),
        ("other-audience", "deny 401 token_audience"),
    ] {
        assert_eq!(outcome(&client, token).await, expected, "{token}");
        assert_eq!(outcome(&client, token).await, expected, "{token}");
    }
    let refused = client.check(&ask("never-issued-t0ken")).await;
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
    assert_eq!(endpoint.asked(), 3);
    let head = &endpoint.heads()[0];
    assert!(
        head.contains("Basic Y291bnRlcnNpZ246Y2wxZW50LXMzY3JldA=="),
        "{head}"
    );
    assert_eq!(
        endpoint.bodies()[0],
        "token=opaque-t0ken&token_type_hint=access_token"
    );

    let status = status(&server);
    assert_eq!(
        [
            &status["active"],
            &status["inactive"],
            &status["failures"],
            &status["entries"]
        ],
        [&json!(2), &json!(1), &json!(0), &json!(3)],
        "{status}"
    );
    assert_ne!(status["last_success"], json!(null));
    let counted = |result: &str| {
        let series = "countersign_introspection_requests_total";
        server.metric(&format!(
            r#"{series}{{provider="legacy",result="{result}"}}"#
        ))
    };
    assert_eq!(
        [counted("active"), counted("inactive")].map(|count| count.to_string()),
        ["2", "1"]
    );
    let entries = server.metric(r#"countersign_introspection_entries{provider="legacy"}"#);
    assert_eq!(entries.to_string(), "3");
    let records = eventually(SOON, "records", || {
        Some(server.records()).filter(|it| it.len() >= 8)
    });
    let legacy = records.iter().find(|it| it.to_string().contains("legacy"));
    assert!(legacy.is_some(), "{records:?}");
    keeps(&server, &["t0ken", SECRET, "Y291bnRlcnNpZ246"]);
}

#[tokio::test]
async fn a_token_that_another_provider_verifies_is_sent_nowhere_good_or_bad() {
    let endpoint = IntrospectionServer::start();
    let server = setup(&endpoint, "").start();
    let client = server.client().await;
    let corp = &server.setup.corp;
    let signed = corp.token("alice").audience(PAYMENTS).groups(&["payments"]);
    assert_eq!(outcome(&client, &signed.sign()).await, "allow");
    let expired = corp
        .token("alice")
        .audience(PAYMENTS)
        .claim("exp", json!(1_000_000));
    assert_eq!(
        outcome(&client, &expired.sign()).await,
        "deny 401 token_expired"
    );
    let none = corp.token("alice").header("alg", json!("none"));
    assert_eq!(
        outcome(&client, &none.sign()).await,
        "deny 401 token_algorithm"
    );
    assert_eq!(endpoint.asked(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_checks_at_once_with_one_unknown_token_cost_one_request() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("one", &alice());
    endpoint.behave(crate::harness::Manner::Stall);
    let server = setup(&endpoint, "      timeout: 10s\n").start();
    let mut checks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = server.client().await;
        for _ in 0..100 {
            let client = client.clone();
            checks.spawn(async move { outcome(&client, "one").await });
        }
    }
    eventually(SOON, "all of them waiting", || {
        (server.metric("countersign_checks_in_flight") >= 1000.0).then_some(())
    });
    endpoint.behave(crate::harness::Manner::Answer);
    for outcome in checks.join_all().await {
        assert_eq!(outcome, "allow");
    }
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test]
async fn a_revoked_token_is_refused_within_the_stated_time() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("one", &alice());
    let server = setup(&endpoint, "      cache: { for: 4s }\n").start();
    let client = server.client().await;
    assert_eq!(outcome(&client, "one").await, "allow");
    endpoint.revoke("one");
    let revoked = Instant::now();
    becomes(&client, "one", "deny 401 token_inactive").await;
    assert!(
        revoked.elapsed() < Duration::from_secs(5),
        "{:?}",
        revoked.elapsed()
    );
}

#[tokio::test]
async fn a_reload_keeps_what_is_known_unless_the_provider_changed() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("one", &alice());
    let server = setup(&endpoint, "      cache: { for: 10m }\n").start();
    let client = server.client().await;
    assert_eq!(outcome(&client, "one").await, "allow");
    let reloads = || server.metric(r#"countersign_reloads_total{result="applied"}"#);
    let edit = |from: &str, to: &str, count: f64| {
        server.setup.edit("countersign.yaml", from, to);
        eventually(SOON, "reloaded", || (reloads() >= count).then_some(()));
    };
    edit(
        "unregistered_client: subject\n      map",
        "max_delegation_depth: 2\n      unregistered_client: subject\n      map",
        1.0,
    );
    assert_eq!(outcome(&client, "one").await, "allow");
    assert_eq!(
        endpoint.asked(),
        1,
        "how claims are read changed, and not who is asked"
    );
    edit("for: 10m", "for: 9m", 2.0);
    assert_eq!(outcome(&client, "one").await, "allow");
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_tokens_fill_no_memory_and_push_no_known_token_out() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("known", &alice());
    let server = setup(
        &endpoint,
        "      cache: { for: 10m, entries: 50, refused_for: 1m }\n",
    )
    .start();
    let client = server.client().await;
    assert_eq!(outcome(&client, "known").await, "allow");
    let mut flows = tokio::task::JoinSet::new();
    for flow in 0..4 {
        let client = client.clone();
        flows.spawn(async move {
            for number in 0..250 {
                let outcome = outcome(&client, &format!("random-{flow}-{number}")).await;
                assert_eq!(outcome, "deny 401 token_inactive");
            }
        });
    }
    flows.join_all().await;
    assert_eq!(endpoint.asked(), 1001, "each costs one request");
    let entries = status(&server)["entries"].as_u64().unwrap();
    assert!(entries <= 51, "{entries}");
    assert_eq!(outcome(&client, "known").await, "allow");
    assert_eq!(endpoint.asked(), 1001);
}
