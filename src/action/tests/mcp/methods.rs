//! Which revision has which method, and which action each is.

use serde_json::{Value as Json, json};

use super::{META_VERSION, SESSION, STATELESS, action, asked, call, headed, message, posted, shop};
use crate::model::reason::Reason;
use crate::model::request::Body;

/// Method, params, action, whether session revisions and whether the one without sessions have it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<(&'static str, Json, &'static str, bool, bool)> {
    let uri = json!({ "uri": "file:///other/x" });
    let task = json!({ "taskId": "t1" });
    vec![
        (
            "tools/call",
            json!({ "name": "search" }),
            "search",
            true,
            true,
        ),
        ("tools/list", json!({}), "mcp.list_tools", true, true),
        (
            "tools/list",
            json!({ "cursor": "c" }),
            "mcp.list_tools",
            true,
            true,
        ),
        (
            "resources/list",
            json!({}),
            "mcp.list_resources",
            true,
            true,
        ),
        (
            "resources/templates/list",
            json!({}),
            "mcp.list_resource_templates",
            true,
            true,
        ),
        ("prompts/list", json!({}), "mcp.list_prompts", true, true),
        (
            "resources/read",
            uri.clone(),
            "mcp.resources.read",
            true,
            true,
        ),
        (
            "resources/read",
            json!({ "uri": "file:///reports/q1" }),
            "reports",
            true,
            true,
        ),
        (
            "resources/subscribe",
            uri.clone(),
            "mcp.resources.subscribe",
            true,
            true,
        ),
        (
            "resources/unsubscribe",
            uri,
            "mcp.resources.unsubscribe",
            true,
            true,
        ),
        (
            "prompts/get",
            json!({ "name": "other" }),
            "mcp.prompts.get",
            true,
            true,
        ),
        (
            "prompts/get",
            json!({ "name": "summarise", "arguments": { "topic": "x" } }),
            "summary",
            true,
            true,
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "a", "value": "b" } }),
            "mcp.completions.complete",
            true,
            true,
        ),
        ("tasks/get", task.clone(), "mcp.tasks.get", true, true),
        (
            "tasks/update",
            json!({ "taskId": "t1", "inputResponses": {} }),
            "mcp.tasks.update",
            true,
            true,
        ),
        ("tasks/cancel", task, "mcp.tasks.cancel", true, true),
        ("ping", json!({}), "mcp.ping", true, true),
        (
            "logging/setLevel",
            json!({ "level": "info" }),
            "mcp.set_log_level",
            true,
            true,
        ),
        (
            "initialize",
            json!({ "protocolVersion": SESSION, "capabilities": {}, "clientInfo": { "name": "x" } }),
            "mcp.initialize",
            true,
            false,
        ),
        ("server/discover", json!({}), "mcp.discover", false, true),
        (
            "subscriptions/listen",
            json!({ "notifications": {} }),
            "mcp.listen",
            false,
            true,
        ),
    ]
}

fn expected(action: &str, has: bool) -> Result<String, Reason> {
    has.then(|| action.to_owned()).ok_or(Reason::NoAction)
}

#[test]
fn every_method_is_an_action_in_the_revisions_that_have_it() {
    for (method, params, id, sessions, stateless) in table() {
        let body = call(method, &params);
        for revision in ["", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let found = action(&shop(), &posted(&body.to_string(), revision, &[]));
            assert_eq!(found, expected(id, sessions), "{method} in `{revision}`");
        }
        let mut body = body;
        body["params"]["_meta"] = json!({ META_VERSION: STATELESS });
        let name = params
            .get("name")
            .or(params.get("uri"))
            .or(params.get("taskId"));
        let name = name.and_then(Json::as_str);
        let mut headers = vec![("mcp-method", method)];
        headers.extend(name.map(|name| ("mcp-name", name)));
        let found = action(&shop(), &posted(&body.to_string(), STATELESS, &headers));
        assert_eq!(found, expected(id, stateless), "{method} without sessions");
    }
    for method in [
        "sampling/createMessage",
        "roots/list",
        "elicitation/create",
        "tasks/list",
        "nobody/knows",
    ] {
        let found = action(&shop(), &message(&call(method, &json!({}))));
        assert_eq!(found, Err(Reason::NoAction), "{method}");
    }
}

#[test]
fn what_a_call_is_about_is_its_resource() {
    for (method, params, kind, id) in [
        (
            "resources/read",
            json!({ "uri": "db://x/1" }),
            "mcp_resource",
            "db://x/1",
        ),
        (
            "resources/read",
            json!({ "uri": "file:///reports/q1" }),
            "mcp_resource",
            "file:///reports/q1",
        ),
        (
            "resources/subscribe",
            json!({ "uri": "db://x/1" }),
            "mcp_resource",
            "db://x/1",
        ),
        (
            "prompts/get",
            json!({ "name": "other" }),
            "mcp_prompt",
            "other",
        ),
        ("tasks/cancel", json!({ "taskId": "t" }), "mcp_task", "t"),
    ] {
        let resource = asked(&shop(), &message(&call(method, &params)))
            .unwrap()
            .resource;
        let resource = resource.unwrap();
        assert_eq!((resource.kind.as_ref(), resource.id.as_ref()), (kind, id));
    }
    assert_eq!(
        asked(&shop(), &message(&call("ping", &json!({}))))
            .unwrap()
            .resource,
        None
    );
}

#[test]
fn notifications_and_answers_are_actions_of_their_own() {
    let notification = |method: &str| json!({ "jsonrpc": "2.0", "method": method }).to_string();
    for method in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/roots/list_changed",
    ] {
        let found = action(&shop(), &posted(&notification(method), SESSION, &[]));
        assert_eq!(found.as_deref(), Ok("mcp.notify"), "{method}");
        let headers = [("mcp-method", method)];
        let found = action(&shop(), &posted(&notification(method), STATELESS, &headers));
        assert_eq!(found.as_deref(), Ok("mcp.notify"), "{method}");
    }
    let response = json!({ "jsonrpc": "2.0", "id": "s1", "result": {} }).to_string();
    let found = |revision, headers| action(&shop(), &posted(&response, revision, headers));
    assert_eq!(found("", &[]).as_deref(), Ok("mcp.respond"));
    assert_eq!(
        found(SESSION, &[("mcp-method", "tools/list")]),
        Err(Reason::MessageDisagrees)
    );
    assert_eq!(found(STATELESS, &[]), Err(Reason::MessageDisagrees));
    assert_eq!(
        found(STATELESS, &[("mcp-method", "tools/list")]),
        Err(Reason::MessageDisagrees)
    );
}

#[test]
fn a_session_is_listened_to_and_ended() {
    let id = ("mcp-session-id", "1868a90c-7f5e");
    let find = |method: &str, revision, headers: &[(&str, &str)]| {
        action(&shop(), &headed(method, revision, headers))
    };
    assert_eq!(find("GET", "", &[]).as_deref(), Ok("mcp.listen"));
    assert_eq!(find("GET", SESSION, &[id]).as_deref(), Ok("mcp.listen"));
    assert_eq!(
        find("DELETE", SESSION, &[id]).as_deref(),
        Ok("mcp.end_session")
    );
    assert_eq!(find("DELETE", SESSION, &[]), Err(Reason::MessageMalformed));
    assert_eq!(find("GET", STATELESS, &[]), Err(Reason::NoAction));
    assert_eq!(find("DELETE", STATELESS, &[id]), Err(Reason::NoAction));
    assert_eq!(find("GET", "2030-01-01", &[]), Err(Reason::ProtocolVersion));
    assert_eq!(
        find("GET", "2025-06-18,2025-06-18", &[]),
        Err(Reason::ProtocolVersion)
    );
    assert_eq!(
        find("GET", SESSION, &[("mcp-method", "tools/call")]),
        Err(Reason::MessageDisagrees)
    );
    assert_eq!(
        find("GET", SESSION, &[id, ("upgrade", "websocket")]),
        Err(Reason::MessageMalformed)
    );
    assert!(find("GET", SESSION, &[("content-length", "0")]).is_ok());
    assert_eq!(
        find("GET", SESSION, &[("content-length", "9")]),
        Err(Reason::MessageMalformed)
    );
    let long = "x".repeat(1025);
    for (bad, reason) in [
        ("", Reason::MessageMalformed),
        ("a b", Reason::MessageMalformed),
        ("\u{e9}", Reason::MessageMalformed),
        (&long, Reason::MessageMalformed),
        ("a,b", Reason::HeaderRepeated),
    ] {
        assert_eq!(
            find("GET", SESSION, &[("mcp-session-id", bad)]),
            Err(reason),
            "{bad}"
        );
        let body = call("ping", &json!({})).to_string();
        let posted = posted(&body, SESSION, &[("mcp-session-id", bad)]);
        assert_eq!(action(&shop(), &posted), Err(reason), "{bad}");
    }
    let mut with_body = headed("GET", SESSION, &[id]);
    with_body.body = Body::Sent {
        bytes: (*b"{}").into(),
        fidelity: crate::model::request::Fidelity::Exact,
    };
    assert_eq!(action(&shop(), &with_body), Err(Reason::MessageMalformed));
}

#[test]
fn listening_for_changes_of_a_resource_is_subscribing_to_it() {
    let listen = |wanted: Json| {
        let meta = json!({ META_VERSION: STATELESS });
        let body = call(
            "subscriptions/listen",
            &json!({ "notifications": wanted, "_meta": meta }),
        );
        let headers = [("mcp-method", "subscriptions/listen")];
        asked(&shop(), &posted(&body.to_string(), STATELESS, &headers))
    };
    let id = |wanted| listen(wanted).map(|asked| asked.action.id.to_string());
    let tools = json!({ "toolsListChanged": true, "resourceSubscriptions": [] });
    assert_eq!(id(tools).as_deref(), Ok("mcp.listen"));
    let one = listen(json!({ "resourceSubscriptions": ["db://x/1"] })).unwrap();
    assert_eq!(one.action.id.as_str(), "mcp.resources.subscribe");
    assert_eq!(one.resource.unwrap().id.as_ref(), "db://x/1");
    for wanted in [
        json!({ "resourceSubscriptions": ["db://x/1", "db://x/2"] }),
        json!({ "resourceSubscriptions": "db://x/1" }),
        json!({ "resourceSubscriptions": [1] }),
        json!({ "resourceSubscriptions": ["db://x/../1"] }),
        json!({ "resourcesubscriptions": ["db://x/1"] }),
        // The Python SDK takes its own names of members for those of the protocol.
        json!({ "resource_subscriptions": ["db://x/1"] }),
        json!({ "toolsListChanged": true, "taskIds": ["1"] }),
    ] {
        assert_eq!(
            id(wanted.clone()),
            Err(Reason::MessageMalformed),
            "{wanted}"
        );
    }
}
