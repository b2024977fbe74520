//! The SDK's client calls the SDK's server, and countersign stands between.

use serde_json::{Value, json};

use super::peers::Outcome;
use super::stage::{BARE, McpStage, SESSIONS, SINGLE};

const LEGACY: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";

/// Every configuration, with a mode of the client's and the revision that comes of it. Between them every pair of filter, server and
/// revision that is different for countersign.
fn lines() -> [(&'static McpStage, &'static str, &'static str); 5] {
    [
        (&SESSIONS, "legacy", LEGACY),
        (&SESSIONS, "auto", STATELESS),
        (&SINGLE, STATELESS, STATELESS),
        (&BARE, "legacy", LEGACY),
        (&BARE, STATELESS, STATELESS),
    ]
}

/// Asserts that what the client sent has reached the server, byte for byte.
fn arrived(stage: &McpStage, outcome: &Outcome) {
    let posted = outcome.sent.iter().filter(|sent| sent.method == "POST");
    for sent in posted {
        stage
            .tools
            .await_seen("what the client sent", |seen| seen.body == sent.body);
    }
}

fn text(outcome: &Outcome) -> String {
    outcome.ok()["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn what_is_permitted_is_listed_called_read_and_got_and_arrives_as_it_was_sent() {
    for (stage, mode, revision) in lines() {
        let (mut agent, connected) = stage.agent("desk", mode);
        assert_eq!(connected.ok()["revision"], revision, "{mode}");
        let tools = agent.does(&json!({ "do": "list_tools" }));
        assert_eq!(tools.ok()["tools"].as_array().unwrap().len(), 3);
        let listed = agent.calls("list_customers", json!({ "limit": 5 }));
        assert_eq!(text(&listed), "listed 5");
        let exported = agent.calls(
            "export_customers",
            json!({ "segment": "eu ✓ \u{1F600} \"\\", "rows": 1000, "note": "" }),
        );
        assert!(text(&exported).starts_with("exported 1000"));
        let read = agent.does(&json!({ "do": "read", "uri": "file:///reports/q1" }));
        assert_eq!(read.ok()["contents"][0]["text"], "the first quarter");
        let got = agent
            .does(&json!({ "do": "prompt", "name": "summarise", "arguments": { "topic": "q1" } }));
        assert_eq!(got.ok()["messages"][0]["content"]["text"], "Summarise q1.");
        for outcome in [&connected, &tools, &listed, &exported, &read, &got] {
            arrived(stage, outcome);
        }
        for list in ["list_resources", "list_prompts", "list_templates"] {
            assert!(!agent.does(&json!({ "do": list })).is_error(), "{list}");
        }
        agent.closes().ok();
    }
}

/// What is denied: something to do, and the reason.
fn denied() -> [(Value, &'static str, &'static str); 6] {
    let call = |tool: &str, arguments: Value| json!({ "do": "call", "tool": tool, "arguments": arguments });
    [
        (
            call("delete_customer", json!({ "id": 7 })),
            "not_permitted",
            "a tool of others",
        ),
        (
            call("drop_tables", json!({})),
            "no_action",
            "a tool that nobody declared",
        ),
        (
            call("export_customers", json!({ "segment": "eu", "rows": 1001 })),
            "rule_forbids",
            "too many rows",
        ),
        (
            call("export_customers", json!({ "segment": "eu", "rows": "1" })),
            "argument_invalid",
            "rows as a text",
        ),
        (
            call("list_customers", json!({ "limit": 5, "all": true })),
            "argument_undeclared",
            "an argument that is not declared",
        ),
        (
            json!({ "do": "read", "uri": "file:///salaries/q1" }),
            "not_permitted",
            "another resource",
        ),
    ]
}

/// Asserts that a session goes on, and that the last thing that was sent never reached the server.
fn goes_on(stage: &McpStage, agent: &mut super::peers::Agent, refused: &Outcome) {
    let next = agent.calls("list_customers", json!({ "limit": 1 }));
    assert_eq!(text(&next), "listed 1");
    let call = refused
        .sent
        .iter()
        .find(|sent| sent.method == "POST")
        .unwrap();
    assert!(!stage.has_reached(&call.body), "it has reached the server");
}

#[test]
fn what_is_denied_surfaces_as_the_clients_own_error_and_the_session_survives() {
    for (route, status) in [("desk", "http"), ("rpc", "jsonrpc")] {
        for (stage, mode, _) in lines() {
            let (mut agent, connected) = stage.agent(route, mode);
            connected.ok();
            for (what, reason, why) in denied() {
                let refused = agent.does(&what);
                let error = refused.error();
                assert_eq!(
                    error["data"]["reason"], reason,
                    "{status}, {mode}: {why}: {error}"
                );
                assert!(error["code"].as_i64().unwrap() > 0, "{error}");
                assert!(error["data"]["decision_id"].is_string(), "{error}");
                goes_on(stage, &mut agent, &refused);
            }
        }
    }
}
