//! MCP over the gRPC port: what Envoy gets for a message, in every shape in which it asks.

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Client, Server, Setup};

const HOST: &str = "mcp.example.com";
const PATH: &str = "/notes";
const FILTER: &str = "envoy.filters.http.mcp";
const STATELESS: &str = "2026-07-28";

/// The sample configuration with the route of `notes.yaml`.
fn start() -> Server {
    let setup = Setup::new();
    setup.write("policies/notes.yaml", include_str!("notes.yaml"));
    setup.start()
}

/// A token of somebody who may take notes.
fn taker(server: &Server) -> String {
    let token = server.setup.corp.token("alice");
    token
        .audience(&format!("https://{HOST}{PATH}"))
        .groups(&["notes"])
        .sign()
}

fn asking(method: &str, token: &str) -> Ask {
    Ask::new(method, HOST, PATH).bearer(token)
}

/// A posted body, as an MCP client posts it.
fn posting(token: &str, body: &str) -> Ask {
    let length = body.len().to_string();
    asking("POST", token)
        .header("content-type", "application/json")
        .header("content-length", length)
        .header("accept", "application/json, text/event-stream")
        .body(body)
}

fn calling(token: &str, method: &str, params: &Value) -> Ask {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    posting(token, &body.to_string())
}

fn tool(token: &str, name: &str, arguments: &Value) -> Ask {
    let params = json!({ "name": name, "arguments": arguments });
    calling(token, "tools/call", &params)
}

/// The answers to both shapes of headers of one question.
async fn shapes(client: &Client, ask: &Ask) -> Vec<Answer> {
    let mut answers = Vec::new();
    for shape in [ask.clone(), ask.clone().merged()] {
        answers.push(client.check(&shape).await);
    }
    answers
}

async fn expect(client: &Client, cases: Vec<(Ask, &str)>) {
    for (ask, expected) in cases {
        for answer in shapes(client, &ask).await {
            assert_eq!(answer.outcome(), expected, "{ask:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_tool_call_is_decided_on_its_arguments() {
    let server = start();
    let token = &taker(&server);
    let purge = |arguments: Value| tool(token, "purge_notes", &arguments);
    let cases = vec![
        (tool(token, "list_notes", &json!({})), "allow"),
        (tool(token, "list_notes", &json!({ "limit": 5 })), "allow"),
        (
            tool(token, "search", &json!({ "q": [1, { "a": null }] })),
            "allow",
        ),
        (purge(json!({ "folder": "old", "rows": 10 })), "allow"),
        (
            purge(json!({ "folder": "old", "rows": 11 })),
            "deny 403 guard_unmet",
        ),
        (
            purge(json!({ "folder": "all", "rows": 1 })),
            "deny 403 guard_unmet",
        ),
        (
            purge(json!({ "folder": "old", "rows": "1" })),
            "deny 400 argument_invalid",
        ),
        (
            purge(json!({ "folder": "old" })),
            "deny 400 argument_invalid",
        ),
        (
            purge(json!({ "folder": "old", "rows": 1, "ROWS": 99 })),
            "deny 400 argument_undeclared",
        ),
        (tool(token, "Purge_notes", &json!({})), "deny 400 no_action"),
        (tool(token, "drop", &json!({})), "deny 400 no_action"),
        (
            calling(
                token,
                "prompts/get",
                &json!({ "name": "sum_up", "arguments": { "topic": "x" } }),
            ),
            "allow",
        ),
        (
            calling(token, "resources/read", &json!({ "uri": "note:///own/1" })),
            "allow",
        ),
        (
            calling(
                token,
                "resources/read",
                &json!({ "uri": "note:///own/../all/1" }),
            ),
            "deny 400 message_malformed",
        ),
    ];
    expect(&server.client().await, cases).await;
}

#[tokio::test]
async fn the_protocol_is_open_and_what_reads_is_not() {
    let server = start();
    let token = &taker(&server);
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } });
    let notified = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    let answered = json!({ "jsonrpc": "2.0", "id": 4, "result": {} }).to_string();
    let session = |method: &str| asking(method, token).header("mcp-session-id", "s-1");
    let cases = vec![
        (calling(token, "initialize", &hello), "allow"),
        (posting(token, &notified), "allow"),
        (posting(token, &answered), "allow"),
        (calling(token, "tools/list", &json!({})), "allow"),
        (calling(token, "ping", &json!({})), "allow"),
        (session("GET"), "allow"),
        (session("DELETE"), "allow"),
        (asking("DELETE", token), "deny 400 message_malformed"),
        (session("PUT"), "deny 405 no_action"),
        // Two segments: `mcp.*` does not open them.
        (
            calling(token, "resources/read", &json!({ "uri": "note:///all/1" })),
            "deny 403 not_permitted",
        ),
        (
            calling(
                token,
                "resources/subscribe",
                &json!({ "uri": "note:///own/1" }),
            ),
            "deny 403 not_permitted",
        ),
        (
            calling(token, "prompts/get", &json!({ "name": "other" })),
            "deny 403 not_permitted",
        ),
        (
            calling(token, "tasks/cancel", &json!({ "taskId": "1" })),
            "deny 403 not_permitted",
        ),
        (
            calling(token, "nobody/knows", &json!({})),
            "deny 400 no_action",
        ),
        (
            calling(token, "server/discover", &json!({})),
            "deny 400 no_action",
        ),
    ];
    expect(&server.client().await, cases).await;
}

#[tokio::test]
async fn every_way_to_be_read_differently_has_its_reason() {
    let server = start();
    let token = &taker(&server);
    let search = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}"#;
    let twice = search.replace(r#""name":"#, r#""name":"drop","name":"#);
    let lookalike = search.replace(r#""name":"#, r#""Name":"drop","name":"#);
    let typed = |value: &str| {
        asking("POST", token)
            .header("content-type", value)
            .header("content-length", search.len().to_string())
            .body(search)
    };
    let other_path = Ask::new("POST", HOST, "/notes/x")
        .bearer(token)
        .body(search);
    let with_query = Ask::new("POST", HOST, "/notes?a=b")
        .bearer(token)
        .header("content-type", "application/json")
        .body(search);
    let cases = vec![
        (posting(token, search), "allow"),
        (
            posting(token, &format!("[{search}]")),
            "deny 400 batch_refused",
        ),
        (posting(token, &twice), "deny 400 body_malformed"),
        (posting(token, &lookalike), "deny 400 message_malformed"),
        (
            posting(token, &format!("{search}{search}")),
            "deny 400 body_malformed",
        ),
        (
            posting(token, &"[".repeat(100)),
            "deny 400 body_too_complex",
        ),
        (
            posting(token, search).header("content-encoding", "gzip"),
            "deny 400 input_incomplete",
        ),
        (
            posting(token, search).header("x-envoy-auth-partial-body", "true"),
            "deny 400 input_incomplete",
        ),
        (asking("POST", token), "deny 400 input_incomplete"),
        (typed("text/json"), "deny 400 body_type"),
        (
            typed("application/json; charset=utf-16"),
            "deny 400 body_type",
        ),
        (
            posting(token, search).header("mcp-protocol-version", "2030-01-01"),
            "deny 400 protocol_version",
        ),
        (
            posting(token, search).header("mcp-name", "drop"),
            "deny 400 message_disagrees",
        ),
        (
            posting(token, search)
                .header("mcp-name", "search")
                .header("mcp-name", "drop"),
            "deny 400 message_disagrees",
        ),
        (other_path, "deny 404 no_action"),
        (with_query, "deny 400 parameter_invalid"),
    ];
    expect(&server.client().await, cases).await;
}

/// Whose credential is refused learns nothing of how messages are read.
#[tokio::test]
async fn a_bad_credential_is_said_before_a_bad_message() {
    let server = start();
    let client = server.client().await;
    let other = server
        .setup
        .corp
        .token("alice")
        .audience("https://other.example.com")
        .sign();
    for body in [
        "[]",
        "{}",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
    ] {
        let answer = client.check(&posting(&other, body)).await;
        assert_eq!(answer.outcome(), "deny 401 token_audience", "{body}");
    }
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let nobody = Ask::new("POST", HOST, PATH)
        .header("content-type", "application/json")
        .header("content-length", list.len().to_string())
        .body(list);
    let answer = client.check(&nobody).await;
    assert_eq!(answer.outcome(), "deny 401 authentication_required");
}

#[tokio::test]
async fn without_sessions_headers_and_body_say_the_same() {
    let server = start();
    let token = &taker(&server);
    let meta = |version: &str| json!({ "io.modelcontextprotocol/protocolVersion": version });
    let call = |version: &str| {
        let params = json!({ "name": "search", "_meta": meta(version) });
        calling(token, "tools/call", &params).header("mcp-protocol-version", STATELESS)
    };
    let named = |method: &str, name: &str| {
        call(STATELESS)
            .header("mcp-method", method)
            .header("mcp-name", name)
    };
    let listed = calling(token, "tools/list", &json!({ "_meta": meta(STATELESS) }))
        .header("mcp-protocol-version", STATELESS);
    let cases = vec![
        (named("tools/call", "search"), "allow"),
        (named("tools/call", "=?base64?c2VhcmNo?="), "allow"),
        (
            named("tools/call", "=?BASE64?c2VhcmNo?="),
            "deny 400 message_disagrees",
        ),
        (
            named("tools/call", "purge_notes"),
            "deny 400 message_disagrees",
        ),
        (named("tools/list", "search"), "deny 400 message_disagrees"),
        (call(STATELESS), "deny 400 message_disagrees"),
        (
            call("2025-11-25")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "search"),
            "deny 400 message_disagrees",
        ),
        (listed.clone().header("mcp-method", "tools/list"), "allow"),
        (
            listed
                .header("mcp-method", "tools/list")
                .header("mcp-session-id", "s"),
            "deny 400 message_malformed",
        ),
        (
            asking("GET", token).header("mcp-protocol-version", STATELESS),
            "deny 405 no_action",
        ),
    ];
    expect(&server.client().await, cases).await;
}

#[tokio::test]
async fn what_envoys_filter_read_is_compared_and_enough_for_names() {
    let server = start();
    let token = &taker(&server);
    let said = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params,
                "is_mcp_request": true, "status": "mcp_ok" })
    };
    let search = said("tools/call", json!({ "name": "search" }));
    let purge = said("tools/call", json!({ "name": "purge_notes" }));
    let mut stained = search.clone();
    stained["passthrough_reason"] = json!("mcp_duplicate_keys");
    let flat = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params.name": "search",
                       "is_mcp_request": true, "status": "mcp_ok" });
    let with_body =
        |fields: &Value| tool(token, "search", &json!({})).metadata(FILTER, fields.clone());
    let alone = |fields: &Value| {
        asking("POST", token)
            .header("content-type", "application/json")
            .metadata(FILTER, fields.clone())
    };
    let cases = vec![
        (with_body(&search), "allow"),
        (with_body(&flat), "allow"),
        (with_body(&purge), "deny 400 message_disagrees"),
        (with_body(&stained), "allow"),
        (alone(&search), "allow"),
        (alone(&flat), "allow"),
        (alone(&said("tools/list", json!({}))), "allow"),
        (
            alone(&said("resources/read", json!({ "uri": "note:///own/1" }))),
            "allow",
        ),
        (alone(&purge), "deny 400 input_incomplete"),
        (alone(&stained), "deny 400 input_incomplete"),
        (
            alone(&search).header("mcp-name", "drop"),
            "deny 400 message_disagrees",
        ),
    ];
    expect(&server.client().await, cases).await;
}

/// The log names the setting of Envoy's that is missing; the caller does not see it.
#[tokio::test]
async fn the_record_names_the_setting_that_is_missing() {
    let server = start();
    let client = server.client().await;
    let token = taker(&server);
    let answer = client.check(&asking("POST", &token)).await;
    assert!(!format!("{:?}", answer.denied()).contains("with_request_body"));
    let named = || {
        let records = server.records();
        records
            .iter()
            .any(|record| record.to_string().contains("with_request_body"))
            .then_some(())
    };
    crate::harness::eventually(crate::harness::SOON, "a record with the setting", named);
}
