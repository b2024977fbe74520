//! What is written down about a call with a message, arguments and a risk, seen at the port that Envoy uses.

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, SOON, Server, eventually_async};

const URL: &str = "https://exports.example.com/mcp";
/// Stands in an argument, and nowhere else.
const VALUE: &str = "only-the-caller-knows";

/// A call of a tool by alice.
fn call(server: &Server, tool: &str, arguments: &Value) -> Ask {
    let token = server.setup.corp.token("alice").audience(URL).sign();
    let body = json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    })
    .to_string();
    Ask::new("POST", "exports.example.com", "/mcp")
        .bearer(&token)
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-11-25")
        .header("content-length", body.len().to_string())
        .body(body)
}

/// The record of an answer, of this type, and everything that was written.
async fn record(server: &Server, answer: &Answer, of: &str) -> Value {
    let id = answer.told("decision_id");
    eventually_async(SOON, "record", async || {
        let mut records = server.records().into_iter();
        records.find(|record| record["decision_id"] == json!(id) && record["type"] == json!(of))
    })
    .await
}

#[tokio::test]
async fn the_record_says_what_was_asked_and_what_it_risked_and_no_value() {
    let server = super::setup().start();
    let client = server.client().await;
    let arguments = json!({ "segment": VALUE, "rows": 5000 });
    let answer = client
        .check(&call(&server, "start_export", &arguments))
        .await;
    assert_eq!(answer.outcome(), "deny 403 guard_unmet");
    assert_eq!(answer.metadata()["risk"], json!(50.0));
    let denied = record(&server, &answer, "decision").await;
    assert_eq!(
        denied["risk"],
        json!({ "score": 50, "signals": [{ "id": "many-rows", "add": 50 }] })
    );
    assert_eq!(
        denied["message"],
        json!({ "method": "tools/call", "name": "start_export" })
    );
    assert_eq!(denied["args"], json!(["rows", "segment"]));
    let digest = denied["args_digest"].as_str().unwrap().to_owned();
    assert_eq!(digest.len(), 43, "{digest}");

    let arguments = json!({ "rows": 0, "segment": VALUE });
    let answer = client
        .check(&call(&server, "start_export", &arguments))
        .await;
    assert_eq!(answer.outcome(), "allow");
    assert_eq!(answer.metadata()["risk"], json!(30.0));
    let allowed = record(&server, &answer, "decision").await;
    assert_eq!(
        allowed["risk"],
        json!({ "score": 30, "signals": [{ "id": "few-a-unit", "add": 30, "failed": true }] })
    );
    assert_ne!(allowed["args_digest"], json!(digest));
    assert!(!server.setup.read("audit.jsonl").contains(VALUE));
    assert!(!server.output().contains(VALUE));
}

#[tokio::test]
async fn a_message_that_asks_for_nothing_known_is_named_all_the_same() {
    let server = super::setup().start();
    let client = server.client().await;
    let answer = client
        .check(&call(&server, "drop_tables", &json!({ "sure": VALUE })))
        .await;
    assert_eq!(answer.reason(), "no_action");
    let known = record(&server, &answer, "decision").await;
    assert_eq!(known.get("action"), None);
    assert_eq!(known.get("risk"), None);
    assert_eq!(answer.metadata().get("risk"), None);
    assert_eq!(
        known["message"],
        json!({ "method": "tools/call", "name": "drop_tables" })
    );
    assert_eq!(known.get("args"), None);
    assert!(!server.setup.read("audit.jsonl").contains(VALUE));
}

#[tokio::test]
async fn rules_in_shadow_mode_see_the_same_score() {
    let server = super::setup().start();
    let client = server.client().await;
    let arguments = json!({ "segment": "eu", "rows": 0 });
    let answer = client
        .check(&call(&server, "start_export", &arguments))
        .await;
    assert_eq!(answer.outcome(), "allow");
    let shadow = record(&server, &answer, "shadow").await;
    assert_eq!(shadow["shadow"]["rule"], json!("none-at-all"));
}
