//! `explain`: why a call is decided as it is.

use serde_json::{Value, json};

use super::sample;
use crate::harness::{Ask, PAYMENTS, Ran, Setup, run};

#[test]
fn explain_says_why_for_described_parties() {
    let described = [
        "explain",
        "--route",
        "payments",
        "--issuer",
        "corp",
        "--subject",
        "alice",
        "--group",
        "payments",
        "--scope",
        "payments:read",
    ];
    let with = |http: &'static str| {
        described
            .iter()
            .copied()
            .chain(["--http", http])
            .collect::<Vec<_>>()
    };
    let denied = sample(&with("POST /v1/payments"));
    assert_eq!(denied.exit, 3, "{denied:?}");
    insta::assert_snapshot!("explain-denied", without_version(&denied));
    let allowed = sample(&with("GET /v1/payments"));
    assert_eq!(allowed.exit, 0, "{allowed:?}");
    insta::assert_snapshot!("explain-allowed", without_version(&allowed));
}

#[test]
fn explain_says_how_a_call_would_pass_once_it_is_approved() {
    let call = "explain --route crm-tools --tool export_customers --args {\"segment\":\"eu\",\"rows\":5} --issuer corp \
                --subject alice --group crm --actor crm-bot --actor-group crm-agents --scope crm:export";
    let call: Vec<&str> = call.split_whitespace().collect();
    let waits = sample(&call);
    assert_eq!(waits.exit, 3, "{waits:?}");
    assert!(waits.stdout.contains("verdict     pending"), "{waits:?}");
    let approved: Vec<&str> = call.into_iter().chain(["--approved"]).collect();
    let passes = sample(&approved);
    assert_eq!(passes.exit, 0, "{passes:?}");
    assert!(passes.stdout.contains("verdict     allow"), "{passes:?}");
    let other = [
        "explain",
        "--http",
        "GET /v1/payments",
        "--route",
        "payments",
        "--approved",
    ];
    assert_eq!(sample(&other).exit, 3, "nothing else is made up for");
}

/// The version of the sample changes with every edit of it.
fn without_version(ran: &Ran) -> String {
    let lines = ran
        .stdout
        .lines()
        .filter(|line| !line.starts_with("policy "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn explain_verifies_a_token_from_a_file() {
    let setup = Setup::new();
    let token = |audience: &str| {
        setup
            .corp
            .token("alice")
            .audience(audience)
            .groups(&["payments"])
            .scope("payments:read")
            .sign()
    };
    let explain = |token: &str| {
        setup.write("token.jwt", &format!("{token}\n"));
        let arguments = [
            "explain",
            "--config",
            "countersign.yaml",
            "--http",
            "GET /v1/payments",
            "--host",
            "payments.example.com",
            "--token-file",
            "token.jwt",
            "--json",
        ];
        run(setup.folder(), arguments)
    };
    let allowed = explain(&token(PAYMENTS));
    assert_eq!(allowed.exit, 0, "{allowed:?}");
    let report = allowed.json();
    assert_eq!(
        (&report["verdict"], &report["provider"], &report["rule"]),
        (&json!("allow"), &json!("corp"), &json!("payments-team"))
    );
    assert_eq!(report["subject"]["id"], "alice", "{report}");
    let rules: Vec<&Value> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["rule"])
        .collect();
    assert!(rules.contains(&&json!("payments-team")), "{rules:?}");
    let denied = explain(&token("https://elsewhere.example.com"));
    assert_eq!(denied.exit, 3);
    assert_eq!(denied.json()["reason"], "token_audience");
    assert_eq!(explain("nonsense").json()["reason"], "token_malformed");
    for ran in [allowed, denied] {
        assert!(
            !ran.stdout.contains(&token(PAYMENTS)),
            "the token itself is not shown"
        );
    }
}

#[test]
fn explain_reads_a_captured_check_request() {
    let setup = Setup::new();
    let token = setup
        .corp
        .token("alice")
        .audience(PAYMENTS)
        .groups(&["payments"])
        .scope("payments:read")
        .sign();
    let captured = |path: &str| {
        json!({ "attributes": { "request": { "http": {
        "method": "GET", "host": "payments.example.com", "path": path,
        "headers": { "authorization": format!("Bearer {token}") },
    } } } })
        .to_string()
    };
    let explain = |text: &str| {
        setup.write("captured.json", text);
        run(
            setup.folder(),
            [
                "explain",
                "--config",
                "countersign.yaml",
                "--check-request",
                "captured.json",
                "--json",
            ],
        )
    };
    let allowed = explain(&captured("/v1/payments"));
    assert_eq!(
        (allowed.exit, &allowed.json()["verdict"]),
        (0, &json!("allow")),
        "{allowed:?}"
    );
    let ambiguous = explain(&captured("/v1//payments"));
    assert_eq!(
        (ambiguous.exit, &ambiguous.json()["reason"]),
        (3, &json!("path_empty_segment"))
    );
    let wrong = explain("{}x");
    assert_eq!(wrong.exit, 2, "{wrong:?}");
    let error = wrong.json()["error"].to_string();
    assert!(error.contains("captured.json"), "{error}");
}

#[tokio::test]
async fn explain_and_the_server_decide_alike() {
    let server = Setup::new().start();
    let client = server.client().await;
    let setup = &server.setup;
    let token = setup
        .corp
        .token("alice")
        .audience("https://crm.example.com")
        .groups(&["crm"])
        .scope("crm:read")
        .actor("crm-bot")
        .sign();
    setup.write("token.jwt", &token);
    for request in [
        "GET /v1/customers?limit=5000",
        "POST /v1/customers/export",
        "GET /v1/customers?limit=x",
        "GET /v1/none",
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let answer = client
            .check(&Ask::new(method, "crm.example.com", path).bearer(&token))
            .await;
        let ran = run(
            setup.folder(),
            [
                "explain",
                "--config",
                "countersign.yaml",
                "--http",
                request,
                "--route",
                "crm-api",
                "--token-file",
                "token.jwt",
                "--json",
            ],
        );
        let report = ran.json();
        assert_eq!(
            (report["verdict"].as_str(), report["reason"].as_str()),
            (
                Some(answer.told("verdict").as_str()),
                Some(answer.reason().as_str())
            ),
            "{request}"
        );
        assert_eq!(report["policy_version"], answer.told("policy_version"));
    }
}
