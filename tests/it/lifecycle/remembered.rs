//! `countersign identities`: who was seen, in the registry's light, with and without a running server.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{IDENTITIES, health};
use crate::harness::{Ask, KEPT, Ran, SOON, Server, Setup, eventually, eventually_async, run};

/// Longer than it takes until what was seen is written.
const A_SECOND_AND_MORE: Duration = Duration::from_millis(1500);

fn identities(setup: &Setup, more: &[&str]) -> Ran {
    let arguments = ["identities", "--config", "countersign.yaml"];
    run(setup.folder(), arguments.iter().chain(more))
}

fn rows(setup: &Setup, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["--json"];
    arguments.extend(more);
    let ran = identities(setup, &arguments);
    assert_eq!(ran.exit, 0, "{ran:?}");
    ran.json().as_array().unwrap().clone()
}

fn row(setup: &Setup, issuer: &str, id: &str) -> Option<Value> {
    let mut rows = rows(setup, &[]).into_iter();
    rows.find(|row| row["issuer"] == issuer && row["id"] == id)
}

/// Waits until an identity was seen.
fn used(server: &Server, issuer: &str, id: &str) -> Value {
    eventually(SOON, "written down", || {
        row(&server.setup, issuer, id).filter(|row| !row["last_used"].is_null())
    })
}

fn checks(row: &Value) -> Vec<&str> {
    let warnings = row["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|it| it["check"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn everybody_of_a_call_is_listed_with_owner_last_use_and_warnings() {
    let server = Setup::new().start();
    let client = server.client().await;
    assert!(client.check(&health(&server, "legacy-sync")).await.allows());
    assert!(client.check(&health(&server, "stranger")).await.allows());
    assert!(
        !client
            .check(&health(&server, "nightly-export"))
            .await
            .allows()
    );
    let runner = "spiffe://example.org/ci/runner";
    let shipper = health(&server, "log-shipper").principal(runner);
    assert!(client.check(&shipper).await.allows());
    let corp = server.setup.corp.token("alice").audience(super::API);
    let delegated = corp.actor("crm-bot").claim("client_id", Value::Null).sign();
    let ask = Ask::new("GET", "api.example.com", "/healthz").bearer(&delegated);
    assert!(client.check(&ask).await.allows());

    let setup = &server.setup;
    let sync = used(&server, "ci", "legacy-sync");
    assert_eq!(sync["owner"], "bob@example.com");
    assert_eq!(
        (&sync["status"], &sync["rotation_overdue"]),
        (&"active".into(), &true.into())
    );
    assert_eq!(checks(&sync), ["nhi7-rotation-overdue"]);
    let stranger = used(&server, "ci", "stranger");
    assert_eq!(
        (&stranger["status"], &stranger["owner"]),
        (&"unregistered".into(), &Value::Null)
    );
    assert_eq!(checks(&stranger), ["nhi1-unregistered"]);
    // Refused, and seen all the same.
    let gone = used(&server, "ci", "nightly-export");
    assert_eq!(gone["status"], "offboarded");
    assert_eq!(checks(&gone), ["nhi1-offboarded"]);
    for (issuer, id, kind) in [
        ("corp", "alice", "human"),
        ("corp", "crm-bot", "agent"),
        ("ci", "web", "client"),
        ("spiffe://example.org", runner, "workload"),
    ] {
        assert_eq!(used(&server, issuer, id)["kind"], kind, "{id}");
    }
    let migration = row(setup, "ci", "migration").unwrap();
    assert_eq!(
        (&migration["status"], &migration["last_used"]),
        (&"expired".into(), &Value::Null)
    );

    // Selections.
    let ids = |more: &[&str]| -> Vec<String> {
        let rows = rows(setup, more).into_iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["--kind", "human"]), ["alice"]);
    assert_eq!(
        ids(&["--warned"]),
        ["legacy-sync", "nightly-export", "stranger"]
    );
    let stale = ids(&["--stale", "1h"]);
    assert!(stale.contains(&"migration".to_owned()) && !stale.contains(&"legacy-sync".to_owned()));
    let table = identities(setup, &["--warned"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ISSUER  ID"), "{table}");
    assert!(lines[1].contains("2025-01-15 (overdue)"), "{table}");
    assert!(
        lines[3].contains("unregistered") && lines[3].contains("nhi1-unregistered 20"),
        "{table}"
    );
}

#[tokio::test]
async fn many_are_listed_and_a_terminal_is_told_nothing_by_their_ids() {
    let server = Setup::new().start();
    let client = server.client().await;
    let orders = client.check(&health(&server, "a\u{1b}[2Jb")).await;
    assert!(!orders.allows(), "control characters are no subject");
    let (reordered, long) = ("bot\u{202e}nimda\u{2066}", "x".repeat(1000));
    for id in [reordered, &long, "\u{5bb6}\u{65cf}"] {
        assert!(client.check(&health(&server, id)).await.allows(), "{id}");
    }
    for n in 0..300 {
        let id = format!("many-{n:03}");
        assert!(client.check(&health(&server, &id)).await.allows());
    }
    used(&server, "ci", "many-299");
    let all = rows(&server.setup, &[]);
    let ids: Vec<&str> = all.iter().filter_map(|row| row["id"].as_str()).collect();
    let many = ids.iter().filter(|id| id.starts_with("many-")).count();
    assert_eq!(many, 300);
    for id in [reordered, &long] {
        assert!(ids.contains(&id), "whole in JSON: {id}");
    }
    assert!(!ids.iter().any(|id| id.contains('\u{1b}')));
    let table = identities(&server.setup, &[]).stdout;
    assert_eq!(table.lines().count(), all.len() + 1);
    assert!(table.contains("bot\u{fffd}nimda\u{fffd}"), "{table}");
    let obeyed = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2066}".contains(c);
    assert!(!table.contains(obeyed));
    assert!(table.lines().all(|line| line.chars().count() < 400));
}

#[tokio::test]
async fn one_that_is_taken_out_of_the_registry_and_used_is_an_orphan() {
    let server = Setup::new().start();
    let client = server.client().await;
    assert!(client.check(&health(&server, "legacy-sync")).await.allows());
    used(&server, "ci", "legacy-sync");
    let text = server.setup.read(IDENTITIES);
    let kept = text.lines().filter(|line| !line.contains("legacy-sync"));
    let kept: Vec<&str> = kept.collect();
    server.setup.write(IDENTITIES, &kept.join("\n"));
    eventually_async(SOON, "unregistered", async || {
        let answer = client.check(&health(&server, "legacy-sync")).await;
        let warned = answer.metadata()["warnings"].to_string();
        warned.contains("nhi1-unregistered").then_some(())
    })
    .await;
    let orphan = eventually(SOON, "an orphan", || {
        row(&server.setup, "ci", "legacy-sync").filter(|row| row["status"] == "orphan")
    });
    assert_eq!(orphan["owner"], "bob@example.com");
}

#[tokio::test]
async fn what_was_seen_last_is_written_before_the_end_and_is_there_after_a_restart() {
    let mut server = Setup::new().start();
    let client = server.client().await;
    assert!(client.check(&health(&server, "deployer")).await.allows());
    server.signal("TERM");
    server.wait(SOON);
    let before = row(&server.setup, "ci", "deployer").unwrap();
    assert!(before["last_used"].is_string(), "{before}");
}

#[tokio::test]
async fn a_killed_server_forgets_at_most_a_second() {
    let mut server = Setup::new().start();
    let client = server.client().await;
    assert!(client.check(&health(&server, "deployer")).await.allows());
    let asked = Instant::now();
    tokio::time::sleep(A_SECOND_AND_MORE).await;
    server.signal("KILL");
    server.wait(SOON);
    let row = row(&server.setup, "ci", "deployer").unwrap();
    assert!(
        row["last_used"].is_string(),
        "{row} after {:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn decisions_do_not_depend_on_the_store_and_what_fails_is_counted() {
    let server = Setup::new().start();
    let client = server.client().await;
    assert!(client.check(&health(&server, "deployer")).await.allows());
    used(&server, "ci", "deployer");
    let (there, away) = (server.setup.path("state.db"), server.setup.path("away.db"));
    fs::rename(&there, &away).unwrap();
    let failures = || server.metric("countersign_identities_write_failures_total");
    assert!(client.check(&health(&server, "legacy-sync")).await.allows());
    eventually(SOON, "counted", || (failures() > 0.5).then_some(()));
    assert!(client.check(&health(&server, "stranger")).await.allows());
    fs::rename(&away, &there).unwrap();
    // What was seen meanwhile is not lost.
    used(&server, "ci", "legacy-sync");
    used(&server, "ci", "stranger");
    assert!(server.metric("countersign_identities_dropped_total") < 0.5);
}

#[test]
fn without_a_file_the_registry_is_shown_and_it_is_said_that_nothing_is_remembered() {
    let setup = Setup::new();
    let there = |ran: &Ran| ran.stdout.lines().count();
    let nobody = identities(&setup, &[]);
    assert_eq!(nobody.exit, 0, "{nobody:?}");
    assert!(nobody.stderr.contains("is not there yet"), "{nobody:?}");
    assert!(!setup.path("state.db").exists(), "reading makes no file");
    let setup = setup.replacing(KEPT, "");
    let nothing = identities(&setup, &[]);
    assert_eq!((nothing.exit, there(&nothing)), (0, there(&nobody)));
    assert!(
        nothing.stderr.contains("nothing is remembered"),
        "{nothing:?}"
    );
    assert!(nothing.stdout.contains("migration"), "{nothing:?}");
    setup.edit("countersign.yaml", "version: 1\n", "version: 2\n");
    assert_eq!(identities(&setup, &[]).exit, 5);
}
