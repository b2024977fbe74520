//! Every check, denied, warned about and not made; in the answer, the record, the metadata and the metrics.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{IDENTITIES, deploys, every_check, health, long_lived};
use crate::harness::{Ask, SOON, Server, Setup, eventually, eventually_async};

/// How long an edit takes to be enforced where nothing else keeps the machine busy.
const A_MOMENT: Duration = Duration::from_secs(2);

/// Whether more wants to run than can; then a duration says nothing.
fn is_busy() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().and_then(|load| load.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    load.is_none_or(|load: f64| load > f64::from(u32::try_from(cores).unwrap()) / 2.0)
}

/// A call that each check is about, the reason of its denial, and whom it is about.
fn troubled(server: &Server) -> Vec<(&'static str, &'static str, &'static str, Ask)> {
    let browser = health(server, "deployer").header("sec-fetch-mode", "cors");
    let origin = health(server, "deployer").header("origin", "https://console.example.com");
    vec![
        (
            "nhi1-unregistered",
            "identity_unregistered",
            "stranger",
            health(server, "stranger"),
        ),
        (
            "nhi1-suspended",
            "identity_suspended",
            "resting",
            health(server, "resting"),
        ),
        (
            "nhi1-offboarded",
            "identity_offboarded",
            "nightly-export",
            health(server, "nightly-export"),
        ),
        (
            "nhi4-no-proof",
            "proof_missing",
            "deployer",
            deploys(server),
        ),
        (
            "nhi7-expired",
            "identity_expired",
            "migration",
            health(server, "migration"),
        ),
        (
            "nhi7-rotation-overdue",
            "rotation_overdue",
            "legacy-sync",
            health(server, "legacy-sync"),
        ),
        (
            "nhi7-token-lifetime",
            "token_lifetime",
            "deployer",
            long_lived(server, "deployer"),
        ),
        (
            "nhi8-environment",
            "environment_mismatch",
            "staging-probe",
            health(server, "staging-probe"),
        ),
        (
            "nhi9-workload",
            "identity_workload",
            "log-shipper",
            health(server, "log-shipper"),
        ),
        ("nhi10-browser", "browser_use", "deployer", browser),
        ("nhi10-browser", "browser_use", "deployer", origin),
    ]
}

fn counted(server: &Server, check: &str, level: &str) -> f64 {
    server.metric(&format!(
        "countersign_lifecycle_findings_total{{check=\"{check}\",level=\"{level}\"}}"
    ))
}

/// The record of a decision; it is written after the answer.
fn record(server: &Server, decision: &str) -> Value {
    eventually(SOON, "its record", || {
        let mut records = server.records().into_iter();
        records.find(|record| record["decision_id"] == decision)
    })
}

#[tokio::test]
async fn each_check_denies() {
    let server = every_check("deny").start();
    let client = server.client().await;
    for (check, reason, id, ask) in troubled(&server) {
        let before = counted(&server, check, "deny");
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), format!("deny 403 {reason}"), "{check}");
        assert_eq!(answer.problem().get("remedy"), None, "{check}");
        assert_eq!(answer.metadata().get("warnings"), None, "{check}");
        let record = record(&server, &answer.told("decision_id"));
        assert_eq!(record["cause"], format!("`ci/{id}`: {check}"));
        assert!(
            (counted(&server, check, "deny") - before - 1.0).abs() < 0.5,
            "{check}"
        );
    }
}

#[tokio::test]
async fn each_check_warns() {
    let server = every_check("warn").start();
    let client = server.client().await;
    for (check, _, id, ask) in troubled(&server) {
        let before = counted(&server, check, "warn");
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "allow", "{check}");
        assert_eq!(answer.metadata()["warnings"], json!([check]));
        let record = record(&server, &answer.told("decision_id"));
        assert_eq!(
            record["warnings"],
            json!([{ "check": check, "issuer": "ci", "id": id }])
        );
        assert!(
            (counted(&server, check, "warn") - before - 1.0).abs() < 0.5,
            "{check}"
        );
    }
}

#[tokio::test]
async fn each_check_can_be_turned_off() {
    let server = every_check("off").start();
    let client = server.client().await;
    for (check, _, _, ask) in troubled(&server) {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "allow", "{check}");
        assert_eq!(answer.metadata().get("warnings"), None, "{check}");
        let record = record(&server, &answer.told("decision_id"));
        assert_eq!(record.get("warnings"), None, "{check}");
        assert!(counted(&server, check, "warn") + counted(&server, check, "deny") < 0.5);
    }
}

#[tokio::test]
async fn people_and_callers_without_a_credential_are_not_its_business() {
    let server = every_check("deny").start();
    let client = server.client().await;
    let human = server.setup.corp.token("alice").audience(super::API).sign();
    let health = || {
        let ask = Ask::new("GET", "api.example.com", "/healthz");
        ask.header("origin", "https://console.example.com")
    };
    for ask in [health(), health().bearer(&human)] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "allow");
        assert_eq!(answer.metadata().get("warnings"), None);
    }
}

#[tokio::test]
async fn off_boarding_takes_effect_while_the_server_runs() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = health(&server, "legacy-sync");
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    let edited = Instant::now();
    let rotated = "rotated: 2025-01-15 }";
    server
        .setup
        .edit(IDENTITIES, rotated, "status: offboarded }");
    eventually_async(SOON, "off-boarded", async || {
        let outcome = client.check(&ask).await.outcome();
        (outcome == "deny 403 identity_offboarded").then_some(())
    })
    .await;
    let took = edited.elapsed();
    eprintln!("off-boarded {took:?} after the edit");
    assert!(took < A_MOMENT || is_busy(), "{took:?}");
    server.setup.edit(
        IDENTITIES,
        "status: offboarded }\n\n  # Was",
        "rotated: 2025-01-15 }\n\n  # Was",
    );
    eventually_async(SOON, "back", async || {
        client.check(&ask).await.allows().then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_the_checks_do_is_reloaded_too() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = health(&server, "stranger");
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    let section = ("  unregistered: warn ", "  unregistered: deny ");
    server.setup.edit("countersign.yaml", section.0, section.1);
    eventually_async(SOON, "refused", async || {
        let outcome = client.check(&ask).await.outcome();
        (outcome == "deny 403 identity_unregistered").then_some(())
    })
    .await;
}

#[test]
fn check_warns_of_what_is_loosened_or_never_compared() {
    let setup = every_check("warn");
    let codes = |setup: &Setup| -> Vec<String> {
        let ran = crate::harness::run(
            setup.folder(),
            ["check", "--json", "--config", "countersign.yaml"],
        );
        assert_eq!(ran.exit, 0, "{ran:?}");
        let problems = ran.json()["problems"].as_array().unwrap().clone();
        let codes = problems
            .iter()
            .map(|problem| problem["code"].as_str().unwrap().to_owned());
        codes.collect()
    };
    assert_eq!(codes(&setup), ["lifecycle-loosened", "lifecycle-loosened"]);
    let setup = Setup::new();
    assert_eq!(codes(&setup), [""; 0]);
    setup.edit(
        "policies/platform-api.yaml",
        "    environment: production ",
        "    # ",
    );
    setup.edit(
        "countersign.yaml",
        "rotation: { check: warn",
        "rotation: { check: deny",
    );
    // The policy's own test of the environment has nothing to compare any more; `check` does not run tests.
    assert_eq!(
        codes(&setup),
        ["environment-not-compared", "rotation-unknown"]
    );
}
