//! Where a route hides what there is, no way of asking tells it.

use serde_json::{Value, json};

use super::styles::seen;
use super::{HOST, ask, raw, setup, token};
use crate::harness::Ask;

/// What is not there, and what is there for others: with and without arguments, and for nobody at all.
const NAMES: [&str; 4] = [
    "no_such_customers",
    "export_customers",
    "delete_customer",
    "list_customers",
];

fn said(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool },
            "is_mcp_request": true, "status": "mcp_ok" })
}

/// Ways to ask for a tool.
fn ways(tool: &str) -> Vec<(&'static str, Ask)> {
    let text = |arguments: &Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
    };
    let body = text(&json!({}));
    let typed = |kind: &str, body: &Value| {
        Ask::new("POST", HOST, "/hidden")
            .header("content-type", kind)
            .header("mcp-protocol-version", "2025-11-25")
            .body(body.to_string())
    };
    let alone = || {
        Ask::new("POST", HOST, "/hidden")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2025-11-25")
    };
    let mut bare = body.clone();
    bare["params"].as_object_mut().unwrap().remove("arguments");
    let mut notified = body.clone();
    notified.as_object_mut().unwrap().remove("id");
    let newest = json!({ "name": tool, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "c", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {} } });
    let newest = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": newest });
    vec![
        ("plain", ask("hidden", &body)),
        ("bare", ask("hidden", &bare)),
        (
            "fitting",
            ask("hidden", &text(&json!({ "rows": 1, "id": "1" }))),
        ),
        (
            "wrong type",
            ask("hidden", &text(&json!({ "rows": "x", "id": 1 }))),
        ),
        ("null", ask("hidden", &text(&json!({ "rows": null })))),
        ("no object", ask("hidden", &text(&json!([1])))),
        ("notified", ask("hidden", &notified)),
        ("no revision", raw("hidden", &body.to_string())),
        ("text", typed("text/plain", &body)),
        ("grpc", typed("application/grpc", &body)),
        ("unmeasured", typed("application/json", &body).unmeasured()),
        (
            "metadata",
            alone().metadata("envoy.filters.http.mcp", said(tool)),
        ),
        (
            "metadata, and a part of the body",
            typed("application/json", &body)
                .size(9999)
                .metadata("envoy.filters.http.mcp", said(tool)),
        ),
        (
            "metadata under another type",
            Ask::new("POST", HOST, "/hidden")
                .header("content-type", "text/plain")
                .metadata("envoy.filters.http.mcp", said(tool)),
        ),
        (
            "a query",
            Ask::new("POST", HOST, "/hidden?x=1")
                .header("content-type", "application/json")
                .body(body.to_string()),
        ),
        (
            "newest",
            raw("hidden", &newest.to_string())
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call")
                .header("mcp-name", tool),
        ),
        (
            "name alone",
            raw("hidden", &newest.to_string())
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call"),
        ),
        (
            "parameter",
            ask("hidden", &text(&json!({ "rows": 1 }))).header("mcp-param-rows", "1"),
        ),
        (
            "another parameter",
            ask("hidden", &text(&json!({ "rows": 1 }))).header("mcp-param-rows", "2"),
        ),
        (
            "OPTIONS",
            Ask::new("OPTIONS", HOST, "/hidden").header("mcp-name", tool),
        ),
        (
            "GET",
            Ask::new("GET", HOST, "/hidden").header("mcp-name", tool),
        ),
    ]
}

#[tokio::test]
async fn no_way_of_asking_tells_what_there_is() {
    let server = setup().start();
    let stranger = token(&server, "hidden", &["nobody"]);
    for known in [true, false] {
        for (index, (way, _)) in ways("x").into_iter().enumerate() {
            let mut first = None;
            for tool in NAMES {
                let (_, asked) = ways(tool).swap_remove(index);
                let asked = if known {
                    asked.bearer(&stranger)
                } else {
                    asked
                };
                let (status, body, headers, _) = seen(&server, &asked).await;
                let body = body.replace(tool, "TOOL");
                let told = (status, body, headers);
                let expected = first.get_or_insert_with(|| told.clone());
                assert_eq!(&told, expected, "{way}: {tool}, known: {known}");
            }
        }
    }
}

#[tokio::test]
async fn prompts_and_resources_are_no_oracle_either() {
    let server = setup().start();
    let stranger = token(&server, "hidden", &["nobody"]);
    for (method, member, names) in [
        ("prompts/get", "name", ["draft", "drift"]),
        (
            "resources/read",
            "uri",
            ["file:///open/a", "file:///shut/a"],
        ),
        (
            "resources/subscribe",
            "uri",
            ["file:///open/a", "file:///shut/a"],
        ),
    ] {
        for known in [true, false] {
            let mut told = Vec::new();
            for name in names {
                let params = json!({ member: name });
                let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
                let asked = ask("hidden", &body);
                let asked = if known {
                    asked.bearer(&stranger)
                } else {
                    asked
                };
                let (status, body, headers, _) = seen(&server, &asked).await;
                told.push((status, body.replace(name, "NAME"), headers));
            }
            assert_eq!(told[0], told[1], "{method} {known}");
            assert_eq!(told[0].0, if known { 400 } else { 401 }, "{told:?}");
        }
    }
}
