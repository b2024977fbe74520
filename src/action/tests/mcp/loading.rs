//! What cannot be loaded on an MCP route, and where it says so.

use serde_json::{Value as Json, json};

use super::{compile, spec};
use crate::model::route::Protocol;

fn findings(spec: &Json, actions: &Json) -> Vec<String> {
    let findings = compile("crm", spec, actions).err().unwrap_or_default();
    let place = |finding: &crate::model::finding::Finding| {
        assert!(finding.help.is_some(), "{finding}");
        let text = finding.to_string();
        text.split(": ").next().unwrap_or_default().to_owned()
    };
    findings
        .into_iter()
        .map(|finding| format!("{} at {}", finding.code, place(&finding)))
        .collect()
}

#[test]
fn mistakes_of_an_action_are_found_at_load() {
    let hash = format!("sha256:{}", "0".repeat(64));
    for (action, expected) in [
        (json!({}), vec!["no-operation at actions.x"]),
        (json!({ "tool": [] }), vec!["no-operation at actions.x"]),
        (
            json!({ "tool": "a", "http": "GET /crm" }),
            vec!["misplaced-key at actions.x.http"],
        ),
        (
            json!({ "tool": "a", "grpc": "a.B/C" }),
            vec!["misplaced-key at actions.x.grpc"],
        ),
        (
            json!({ "tool": "a", "query": { "q": "int" } }),
            vec!["misplaced-key at actions.x.query"],
        ),
        (
            json!({ "tool": "" }),
            vec!["invalid-operation at actions.x.tool"],
        ),
        (
            json!({ "tool": ["a", "b\u{7}"] }),
            vec!["invalid-operation at actions.x.tool[1]"],
        ),
        (
            json!({ "prompt": "x".repeat(129) }),
            vec!["invalid-operation at actions.x.prompt"],
        ),
        (
            json!({ "uri": "reports/*" }),
            vec!["invalid-operation at actions.x.uri"],
        ),
        (
            json!({ "uri": "*" }),
            vec!["invalid-operation at actions.x.uri"],
        ),
        (
            json!({ "uri": "file:///reports/../*" }),
            vec!["invalid-operation at actions.x.uri"],
        ),
        (
            json!({ "uri": "file:///a", "args": { "a": "int" } }),
            vec!["misplaced-key at actions.x.args"],
        ),
        (
            json!({ "prompt": "p", "definition": hash }),
            vec!["misplaced-key at actions.x.definition"],
        ),
        (
            json!({ "tool": ["a", "b"], "definition": hash }),
            vec!["misplaced-key at actions.x.definition"],
        ),
        (
            json!({ "tool": "a", "definition": "sha256:0" }),
            vec!["invalid-definition at actions.x.definition"],
        ),
    ] {
        assert_eq!(
            findings(&spec(), &json!({ "x": action })),
            expected,
            "{action}"
        );
    }
    assert_eq!(
        findings(
            &spec(),
            &json!({ "x": { "tool": "a", "definition": hash } })
        ),
        [""; 0]
    );
    assert_eq!(
        findings(&spec(), &json!({ "mcp.ping": { "tool": "a" } })),
        ["reserved-action at actions.mcp.ping"]
    );
}

#[test]
fn keys_of_mcp_are_for_mcp_routes() {
    let http = json!({ "match": { "host": "a.test" }, "url": "https://a.test" });
    for (action, expected) in [
        (json!({ "tool": "a" }), "misplaced-key at actions.x.tool"),
        (
            json!({ "prompt": "a" }),
            "misplaced-key at actions.x.prompt",
        ),
        (
            json!({ "uri": "file:///a" }),
            "misplaced-key at actions.x.uri",
        ),
        (
            json!({ "http": "GET /", "definition": "sha256:0" }),
            "misplaced-key at actions.x.definition",
        ),
    ] {
        assert_eq!(
            findings(&http, &json!({ "x": action })),
            [expected],
            "{action}"
        );
    }
    assert_eq!(
        findings(&http, &json!({ "mcp.x": { "http": "GET /" } })),
        ["reserved-action at actions.mcp.x"]
    );
}

#[test]
fn two_actions_for_the_same_message_are_an_error() {
    for actions in [
        json!({ "a": { "tool": "t" }, "b": { "tool": "t" } }),
        json!({ "a": { "tool": "t" }, "b": { "tool": ["s", "t"] } }),
        json!({ "a": { "tool": "list" }, "b": { "tool": "List" } }),
        json!({ "a": { "tool": "task" }, "b": { "tool": "ta\u{17f}k" } }),
        json!({ "a": { "prompt": "p" }, "b": { "prompt": "p" } }),
        json!({ "a": { "uri": "file:///x" }, "b": { "uri": "file:///x" } }),
        json!({ "a": { "uri": "file:///x/*" }, "b": { "uri": "file:///*/x" } }),
        json!({ "a": { "uri": "file:///x*" }, "b": { "uri": "file:///*y" } }),
    ] {
        assert_eq!(
            findings(&spec(), &actions),
            ["action-conflict at actions.b"],
            "{actions}"
        );
    }
    for actions in [
        json!({ "a": { "tool": "t" }, "b": { "prompt": "t" } }),
        json!({ "a": { "uri": "file:///a/*" }, "b": { "uri": "file:///b/*" } }),
        json!({ "a": { "uri": "file:///a*b" }, "b": { "uri": "file:///a*c" } }),
        json!({ "a": { "uri": "file:///a/*" }, "b": { "uri": "file:///*/*" } }),
    ] {
        assert_eq!(findings(&spec(), &actions), [""; 0], "{actions}");
    }
}

#[test]
fn people_are_sent_to_a_url_or_not_at_all() {
    let with = |value: Json| {
        let mut spec = spec();
        spec["elicitation"] = value;
        spec
    };
    let elicits = |spec: &Json| {
        let route = compile("crm", spec, &json!({})).unwrap().route;
        matches!(route.protocol, Protocol::Mcp(mcp) if mcp.elicits_url)
    };
    assert!(elicits(&with(json!("url"))));
    assert!(!elicits(&spec()));
    for other in ["form", "URL", ""] {
        let found = findings(&with(json!(other)), &json!({}));
        assert_eq!(found, ["unknown-name at elicitation"], "{other}");
    }
    let mut http = with(json!("url"));
    http["protocol"] = json!("http");
    http.as_object_mut().unwrap().remove("server");
    assert_eq!(
        findings(&http, &json!({})),
        ["misplaced-key at elicitation"]
    );
}
