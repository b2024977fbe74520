//! The SDK's client calls the SDK's server, and countersign stands between.

use serde_json::{Value, json};

use super::peers::{Agent, Outcome, Seen};
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
        let listed = agent.calls("list_customers", &json!({ "limit": 5 }));
        assert_eq!(text(&listed), "listed 5");
        let exported = agent.calls(
            "export_customers",
            &json!({ "segment": "eu \"\\", "rows": 1000, "note": "✓ \u{1F600} \u{7f}" }),
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

/// Something that is denied.
struct Denied {
    what: Value,
    reason: &'static str,
    code: i64,
}

fn denied() -> [Denied; 6] {
    let denied = |what, reason, code| Denied { what, reason, code };
    let call = |tool: &str, arguments: Value| json!({ "do": "call", "tool": tool, "arguments": arguments });
    [
        // A tool of others, and one that nobody declared.
        denied(
            call("delete_customer", json!({ "id": 7 })),
            "not_permitted",
            40_301,
        ),
        denied(call("drop_tables", json!({})), "no_action", -32_602),
        // Too many rows, rows as a text, and an argument that nobody declared.
        denied(
            call("export_customers", json!({ "segment": "eu", "rows": 1001 })),
            "guard_unmet",
            40_301,
        ),
        denied(
            call("export_customers", json!({ "segment": "eu", "rows": "1" })),
            "argument_invalid",
            -32_602,
        ),
        denied(
            call("list_customers", json!({ "limit": 5, "all": true })),
            "argument_undeclared",
            -32_602,
        ),
        // Another resource.
        denied(
            json!({ "do": "read", "uri": "file:///salaries/q1" }),
            "not_permitted",
            40_301,
        ),
    ]
}

/// Asserts that what was refused never reached the server, and that the session goes on.
fn goes_on(stage: &McpStage, agent: &mut Agent, refused: &Outcome) {
    // What belongs to the beginning of a session may be sent only now.
    let asked = |sent: &&Seen| ["tools/call", "resources/read"].contains(&sent.message().as_str());
    let call = refused.sent.iter().find(asked).unwrap();
    let next = agent.calls("list_customers", &json!({ "limit": 1 }));
    assert_eq!(text(&next), "listed 1");
    assert!(!stage.has_reached(&call.body), "it has reached the server");
}

#[test]
fn what_is_denied_surfaces_as_the_clients_own_error_and_the_session_survives() {
    for route in ["desk", "rpc"] {
        for (stage, mode, _) in lines() {
            let (mut agent, connected) = stage.agent(route, mode);
            connected.ok();
            for Denied { what, reason, code } in denied() {
                let refused = agent.does(&what);
                let error = refused.error();
                let told = (&error["data"]["reason"], &error["code"]);
                assert_eq!(
                    told,
                    (&json!(reason), &json!(code)),
                    "{route}, {mode}: {what}"
                );
                assert!(error["data"]["decision_id"].is_string(), "{error}");
                goes_on(stage, &mut agent, &refused);
            }
        }
    }
}

#[test]
fn a_denied_tool_can_look_like_one_that_failed() {
    for (stage, mode, _) in lines() {
        let (mut agent, connected) = stage.agent("tool", mode);
        connected.ok();
        for Denied { what, reason, code } in denied() {
            let refused = agent.does(&what);
            if what["do"] == "call" {
                let result = refused.ok();
                assert_eq!(result["isError"], true, "{mode}: {what}");
                assert_eq!(
                    result["structuredContent"]["reason"], reason,
                    "{mode}: {what}"
                );
                assert!(!text(&refused).is_empty());
            } else {
                // Only tools have such results.
                assert_eq!(refused.error()["code"], code, "{mode}: {what}");
            }
            goes_on(stage, &mut agent, &refused);
        }
    }
}

#[test]
fn what_is_forbidden_can_look_like_what_is_not_there() {
    for (stage, mode, _) in lines() {
        let (mut agent, connected) = stage.agent("hidden", mode);
        connected.ok();
        let mut told = ["delete_customer", "no_such_tool"].map(|tool| {
            let refused = agent.calls(tool, &json!({ "id": 1 }));
            let mut error = refused.error().clone();
            assert!(error["data"].get("reason").is_none(), "{error}");
            error["data"]["decision_id"] = Value::Null;
            goes_on(stage, &mut agent, &refused);
            error.to_string().replace(tool, "TOOL")
        });
        told.sort_unstable();
        assert_eq!(told[0], told[1], "{mode}");
    }
}

#[test]
fn whoever_has_no_token_is_told_so_by_the_clients_own_error() {
    for mode in ["legacy", "auto"] {
        let plain = SESSIONS.stage.envoy.plain;
        let (_, connected) = Agent::connect(plain, "/desk", mode, "");
        let error = connected.error();
        assert_eq!(error["code"], 40_101, "{mode}: {error}");
        assert_eq!(error["data"]["reason"], "authentication_required");
    }
}

#[test]
fn a_session_has_its_stream_its_notifications_and_its_end() {
    let (mut agent, connected) = SESSIONS.agent("desk", "legacy");
    connected.ok();
    agent.does(&json!({ "do": "ping" })).ok();
    agent.does(&json!({ "do": "roots_changed" })).ok();
    let listed = agent.does(&json!({ "do": "list_tools" }));
    let own = listed
        .sent
        .iter()
        .find(|sent| sent.message() == "tools/list");
    let session = own.unwrap().header("mcp-session-id").unwrap().to_owned();
    agent.closes().ok();
    let of = |seen: &Seen| seen.header("mcp-session-id") == Some(&session);
    for (what, method, message) in [
        ("the stream", "GET", ""),
        (
            "the first notification",
            "POST",
            "notifications/initialized",
        ),
        ("a notification", "POST", "notifications/roots/list_changed"),
        ("a ping", "POST", "ping"),
        ("the end", "DELETE", ""),
    ] {
        SESSIONS.tools.await_seen(what, |seen| {
            of(seen) && seen.method == method && seen.message() == message
        });
    }
}
