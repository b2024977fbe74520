//! Deadlines, floods, and what Envoy alone can say.

use serde_json::json;

use super::payer;
use crate::harness::{Ask, SOON, Setup, check_within, eventually};

#[tokio::test]
async fn a_deadline_that_has_passed_is_an_explicit_503() {
    let server = Setup::new().start();
    let ask = Ask::payments("/v1/payments").bearer(&payer(&server));
    for timeout in ["1u", "1n", "5m"] {
        let answer = check_within(server.grpc, &ask, timeout).await;
        assert_eq!(
            (answer.code(), answer.outcome().as_str()),
            (14, "fault 503 deadline_exceeded"),
            "{timeout}"
        );
        assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    }
    // Less than the margin leaves no time either; more does.
    assert_eq!(
        check_within(server.grpc, &ask, "2S").await.outcome(),
        "allow"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_shed_with_explicit_answers() {
    let setup = Setup::new().replacing("concurrency: 1024", "concurrency: 1");
    let server = setup.start();
    // Much to read, so that two checks meet.
    let ask = Ask::payments("/v1/payments").bearer(&payer(&server));
    let ask = (0..100).fold(ask, |ask, number| {
        ask.header(&format!("x-{number}"), "x".repeat(500))
    });
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(server.client().await);
    }
    let (mut shed, mut allowed) = (0_u32, 0_u32);
    let started = std::time::Instant::now();
    while shed == 0 {
        assert!(
            started.elapsed() < SOON,
            "{allowed} checks, and none was shed"
        );
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..100 {
            let (client, ask) = (clients[number % clients.len()].clone(), ask.clone());
            tasks.spawn(async move { client.check(&ask).await.outcome() });
        }
        for outcome in tasks.join_all().await {
            match outcome.as_str() {
                "allow" => allowed += 1,
                "fault 503 overloaded" => shed += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert!(allowed > 0);
    assert_eq!(
        server.metric("countersign_checks_shed_total").to_string(),
        shed.to_string()
    );
    let decided = usize::try_from(shed + allowed).unwrap();
    eventually(SOON, "a record for each", || {
        (server.records().len() == decided).then_some(())
    });
}

#[tokio::test]
async fn what_envoy_says_about_a_request_can_decide_it() {
    let setup = Setup::new();
    setup.edit(
        "countersign.yaml",
        "\nproviders:\n",
        "\ntrusted_metadata: [example.filter]\nproviders:\n",
    );
    let rules = concat!(
        "rules:\n",
        "  - { id: tenant, guard: payments.list, must: 'has(context.extensions.tenant) && context.extensions.tenant == \"a\"' }\n",
        "  - { id: level, guard: payments.list, must: 'has(context.metadata[\"example.filter\"].level) && context.metadata[\"example.filter\"].level == \"high\"' }\n",
    );
    let text = setup
        .read("policies/payments.yaml")
        .replacen("rules:\n", rules, 1);
    setup.write("policies/payments.yaml", &text);
    let server = setup.start();
    let client = server.client().await;
    let bare = Ask::payments("/v1/payments")
        .bearer(&payer(&server))
        .sni("payments.example.com");
    let tenant = bare.clone().context("tenant", "a");
    let level = |level: &str| {
        tenant
            .clone()
            .metadata("example.filter", json!({ "level": level }))
    };
    assert_eq!(client.check(&level("high")).await.outcome(), "allow");
    for ask in [
        bare,
        tenant.clone(),
        level("low"),
        tenant
            .clone()
            .metadata("other.filter", json!({ "level": "high" })),
    ] {
        assert_eq!(
            client.check(&ask).await.outcome(),
            "deny 403 guard_unmet",
            "{ask:?}"
        );
    }
    // The route that Envoy names decides alone: the host does not.
    let elsewhere =
        Ask::new("GET", "elsewhere.example.com", "/v1/payments").bearer(&payer(&server));
    assert_eq!(
        client.check(&elsewhere).await.outcome(),
        "deny 403 no_route"
    );
    let named = elsewhere
        .context("route", "payments")
        .context("tenant", "a")
        .metadata("example.filter", json!({ "level": "high" }));
    assert_eq!(client.check(&named).await.outcome(), "allow");
}
