//! Metrics, status, the records of decisions, and what none of them may hold.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Ask, Client, PAYMENTS, SOON, Server, Setup, eventually};

/// Texts that stand for secrets; each travels in another place.
const SECRETS: [(&str, &str); 8] = [
    ("cookie", "s3cr3t-in-a-cookie-0123456789"),
    ("api key", "sk-s3cr3t-in-a-header-0123456789"),
    ("query", "s3cr3t-in-a-query-0123456789"),
    ("body", "s3cr3t-in-a-body-0123456789"),
    ("extension", "s3cr3t-in-an-extension-0123456789"),
    ("metadata", "s3cr3t-in-the-metadata-0123456789"),
    ("claim", "s3cr3t-in-a-claim-0123456789"),
    ("basic", "czNjcjN0LWJhc2ljLWNyZWRlbnRpYWw6eA"),
];

fn secret(name: &str) -> &'static str {
    SECRETS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn with_secrets(ask: Ask) -> Ask {
    ask.header("cookie", format!("session={}", secret("cookie")))
        .header("x-api-key", secret("api key"))
        .body(format!(r#"{{"password":"{}"}}"#, secret("body")))
        .context("hint", secret("extension"))
        .metadata(
            "envoy.filters.http.jwt_authn",
            json!({ "payload": { "x": secret("metadata") } }),
        )
}

fn token(server: &Server, audience: &str) -> String {
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(audience)
        .groups(&["payments"]);
    token
        .scope("payments:read")
        .claim("department", json!(secret("claim")))
        .sign()
}

/// Sends secrets in every place, in requests that end in every way. Returns the number of decisions, and what of the
/// tokens must not be seen either.
async fn send_secrets(server: &Server, client: &Client) -> (usize, Vec<String>) {
    let query = secret("query");
    let (good, wrong) = (
        token(server, PAYMENTS),
        token(server, "https://elsewhere.example.com"),
    );
    let broken = format!("{}x", good.split_once('.').unwrap().1);
    let path = |path: &str| with_secrets(Ask::payments(&format!("{path}?token={query}")));
    let asks = [
        path("/v1/payments").bearer(&good),
        path("/v1/payments").bearer(&wrong),
        path("/v1/payments").bearer(&broken),
        path("/v1/payments").bearer(&good).bearer(&good),
        path("/v1/payments").header("authorization", format!("Basic {}", secret("basic"))),
        path("/v1/payments"),
        path("/v1/./payments").bearer(&good),
        path("/v1/unknown").bearer(&good),
        with_secrets(Ask::payments(&format!("/v1/payments?access_token={query}"))).bearer(&good),
        with_secrets(Ask::new(
            "GET",
            "crm.example.com",
            &format!("/v1/customers?limit={query}"),
        ))
        .bearer(&token(server, "https://crm.example.com")),
    ];
    let sent = asks.len();
    for ask in asks {
        client.check(&ask).await;
    }
    // A signed token's parts: header and payload may be guessed, its signature is what makes it one.
    let parts = [good, wrong]
        .iter()
        .flat_map(|token| token.split('.').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    (sent, parts)
}

fn assert_holds_none(place: &str, text: &str, parts: &[String]) {
    let names = SECRETS.iter().map(|(_, secret)| *secret);
    for secret in names.chain(parts.iter().map(String::as_str)) {
        assert!(!text.contains(secret), "`{secret}` in {place}:\n{text}");
    }
}

#[tokio::test]
async fn nothing_secret_is_in_any_log_metric_record_or_answer_at_the_finest_level() {
    let server = Setup::new().argument("--log=trace").start();
    let client = server.client().await;
    let (sent, parts) = Box::pin(send_secrets(&server, &client)).await;
    eventually(SOON, "records", || {
        (server.records().len() == sent).then_some(())
    });
    let log = eventually(SOON, "every check in the log", || {
        let log = server.log();
        (log.matches("check answered").count() == sent).then_some(log)
    });
    assert_holds_none("the log", &log, &parts);
    let records = std::fs::read_to_string(server.setup.audit_file()).unwrap();
    assert_holds_none("the records", &records, &parts);
    for path in ["/metrics", "/readyz"] {
        assert_holds_none(path, &server.get(path).body, &parts);
    }
    assert_holds_none("/status", &server.status().to_string(), &parts);
    assert_holds_none("standard output", &server.output(), &parts);
}

#[tokio::test]
async fn every_decision_has_one_record_allowed_or_not() {
    let server = Setup::new().start();
    let client = server.client().await;
    let (sent, parts) = Box::pin(send_secrets(&server, &client)).await;
    let answer = client
        .check(&with_secrets(Ask::payments("/v1/payments")).bearer(&token(&server, PAYMENTS)))
        .await;
    let records = eventually(SOON, "records", || {
        let records = server.records();
        (records.len() > sent).then_some(records)
    });
    assert_eq!(records.len(), sent + 1);
    let ids: std::collections::BTreeSet<&str> = records
        .iter()
        .map(|record| record["decision_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.len(),
        records.len(),
        "every decision has an id of its own"
    );
    let record = records.last().unwrap();
    assert_eq!(record["decision_id"], answer.told("decision_id"));
    let fields = [
        "type", "verdict", "reason", "rule", "route", "action", "tier",
    ]
    .map(|name| record[name].as_str().unwrap());
    assert_eq!(
        fields,
        [
            "decision",
            "allow",
            "permitted",
            "payments-team",
            "payments",
            "payments.list",
            "low"
        ]
    );
    assert_eq!(
        record["subject"],
        json!({ "kind": "human", "issuer": "corp", "id": "alice" })
    );
    assert_eq!(record["request"]["path"], "/v1/payments");
    for (verdict, at_least) in [("allow", 2), ("deny", 9)] {
        let count = records
            .iter()
            .filter(|record| record["verdict"] == verdict)
            .count();
        assert!(count >= at_least, "{verdict}: {count}");
    }
    let text = serde_json::to_string(&records).unwrap();
    assert_holds_none("the records", &text, &parts);
}

#[tokio::test]
async fn metrics_have_bounded_labels_only() {
    let server = Setup::new().start();
    let client = server.client().await;
    let before = series(&server);
    for number in 0..50 {
        let ask = Ask::new(
            "GET",
            &format!("host{number}.example.com"),
            &format!("/path{number}"),
        )
        .header("x-header", format!("value{number}"));
        client.check(&ask).await;
        let token = server
            .setup
            .corp
            .token(&format!("subject{number}"))
            .audience(PAYMENTS)
            .sign();
        client
            .check(&Ask::payments(&format!("/v1/payments/{number}")).bearer(&token))
            .await;
    }
    let text = server.get("/metrics").body;
    assert_eq!(series(&server), before, "requests make no series");
    for word in [
        "host1",
        "path1",
        "value1",
        "subject1",
        "x-header",
        "example.com",
        "alice",
        "/v1",
    ] {
        assert!(!text.contains(word), "`{word}` in\n{text}");
    }
    let known = [
        "verdict", "reason", "le", "phase", "result", "version", "provider", "effect", "listener",
        "check", "level", "status", "stream", "cache", "rulings",
    ];
    for label in labels(&text) {
        assert!(known.contains(&label.as_str()), "label `{label}`");
    }
    assert!(
        text.contains(r#"le="0.000025""#) && text.contains(r#"le="1""#),
        "25 µs to 1 s"
    );
    let denied = r#"countersign_decision_duration_seconds_count{reason="no_route",verdict="deny"}"#;
    assert_eq!(server.metric(denied).to_string(), "50");
}

fn series(server: &Server) -> usize {
    let text = server.get("/metrics").body;
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// Every label's name in an exposition.
fn labels(text: &str) -> std::collections::BTreeSet<String> {
    let inner = text
        .lines()
        .filter_map(|line| line.split_once('{')?.1.rsplit_once('}'));
    let pairs =
        inner.flat_map(|(labels, _)| labels.split("\",").map(str::to_owned).collect::<Vec<_>>());
    pairs
        .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()))
        .collect()
}

#[tokio::test]
async fn status_says_what_is_in_force_and_for_how_long() {
    let server = Setup::new().start();
    let status = server.status();
    assert_eq!(
        (status["ready"].clone(), status["draining"].clone()),
        (json!(true), json!(false))
    );
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["policy"]["reload"]["state"], "applied");
    assert!(status["policy"]["rules"].as_u64().unwrap() > 10, "{status}");
    let sets = status["key_sets"].as_array().unwrap();
    let names: Vec<&str> = sets
        .iter()
        .map(|set| set["provider"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ci", "corp"]);
    for set in sets {
        assert_eq!(
            (
                set["loaded"].clone(),
                set["keys"].clone(),
                set["failures"].clone()
            ),
            (json!(true), json!(1), json!(0))
        );
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let reply = server.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(
            reply.head.contains("cache-control: no-store"),
            "{path}: {}",
            reply.head
        );
    }
    assert_eq!(server.get("/nothing").status, 404);
    assert!(
        server.metric(r#"countersign_keyset_keys{provider="corp"}"#) > 0.0,
        "{}",
        server.get("/metrics").body
    );
}

#[tokio::test]
async fn a_full_queue_of_records_lets_nobody_in_and_is_counted() {
    let setup = Setup::new().replacing(
        "sink: { file: audit.jsonl } }",
        "sink: { file: audit.fifo }, queue: 1 }",
    );
    let fifo = setup.path("audit.fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    // Somebody has it open and reads nothing, so that it fills up.
    let reader = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&fifo)
        .unwrap();
    let server = setup.start();
    let client = server.client().await;
    let ask = Ask::payments("/v1/payments").bearer(&token(&server, PAYMENTS));
    let mut full = None;
    // A pipe holds 64 KiB, a record some hundred bytes.
    for _ in 0..2000 {
        let answer = client.check(&ask).await;
        if answer.outcome() != "allow" {
            full = Some(answer);
            break;
        }
    }
    let full = full.expect("a full queue");
    assert_eq!(
        (full.outcome().as_str(), full.code()),
        ("fault 503 audit_full", 14)
    );
    assert!(server.metric("countersign_audit_dropped_total") >= 1.0);
    let series =
        r#"countersign_decision_duration_seconds_count{reason="audit_full",verdict="fault"}"#;
    assert!(server.metric(series) >= 1.0);
    drop(reader);
}

#[tokio::test]
async fn shadow_rules_decide_nothing_and_are_recorded() {
    let setup = Setup::new();
    setup.edit(
        "policies/crm.yaml",
        r#"when: "request.hour < 6 || request.hour > 18", "#,
        "",
    );
    let server = setup.start();
    let token = server
        .setup
        .corp
        .token("alice")
        .audience("https://crm.example.com")
        .groups(&["crm"])
        .scope("crm:export")
        .sign();
    let export = Ask::new("POST", "crm.example.com", "/v1/customers/export").bearer(&token);
    assert_eq!(
        server.client().await.check(&export).await.outcome(),
        "allow"
    );
    let shadow = eventually(SOON, "a shadow record", || {
        server
            .records()
            .into_iter()
            .find(|record| record["type"] == "shadow")
    });
    assert_eq!(shadow["enforced"]["verdict"], "allow");
    assert_eq!(
        (
            shadow["shadow"]["verdict"].clone(),
            shadow["shadow"]["rule"].clone()
        ),
        (json!("deny"), json!("exports-in-office-hours"))
    );
    let differences = r#"countersign_shadow_differences_total{effect="would_deny"}"#;
    eventually(SOON, "counted", || {
        (server.metric(differences).to_string() == "1").then_some(())
    });
}

#[tokio::test]
async fn records_go_to_a_new_file_after_a_rotation() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = Ask::new("GET", "api.example.com", "/healthz");
    client.check(&ask).await;
    eventually(SOON, "a record", || {
        (server.records().len() == 1).then_some(())
    });
    std::fs::rename(server.setup.audit_file(), server.setup.path("audit.1")).unwrap();
    server.signal("HUP");
    eventually(SOON, "a new file", || {
        server.setup.audit_file().exists().then_some(())
    });
    client.check(&ask).await;
    let records: Vec<Value> = eventually(SOON, "a record", || {
        Some(server.records()).filter(|records| !records.is_empty())
    });
    assert_eq!(records.len(), 1);
}
