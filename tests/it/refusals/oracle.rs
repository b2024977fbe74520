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

fn text(tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

fn newest(tool: &str) -> Ask {
    let params = json!({ "name": tool, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "c", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {} } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    raw("hidden", &body.to_string())
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
}

/// Ways to ask for a tool.
fn ways(tool: &str) -> Vec<(&'static str, Ask)> {
    let mut ways = messages(tool);
    ways.extend(strange(tool));
    ways
}

/// Whole messages.
fn messages(tool: &str) -> Vec<(&'static str, Ask)> {
    let with = |arguments: Value| ask("hidden", &text(tool, &arguments));
    let body = text(tool, &json!({}));
    let mut bare = body.clone();
    bare["params"].as_object_mut().unwrap().remove("arguments");
    let mut notified = body.clone();
    notified.as_object_mut().unwrap().remove("id");
    let param = "mcp-param-rows";
    vec![
        ("plain", ask("hidden", &body)),
        ("bare", ask("hidden", &bare)),
        ("fitting", with(json!({ "rows": 1, "id": "1" }))),
        ("wrong type", with(json!({ "rows": "x", "id": 1 }))),
        ("null", with(json!({ "rows": null }))),
        ("no object", with(json!([1]))),
        ("notified", ask("hidden", &notified)),
        ("no revision", raw("hidden", &body.to_string())),
        ("newest", newest(tool).header("mcp-name", tool)),
        ("no name", newest(tool)),
        ("parameter", with(json!({ "rows": 1 })).header(param, "1")),
        ("other", with(json!({ "rows": 1 })).header(param, "2")),
    ]
}

/// Of another type, incomplete, or no message at all.
fn strange(tool: &str) -> Vec<(&'static str, Ask)> {
    const FILTER: &str = "envoy.filters.http.mcp";
    let post = |kind| {
        Ask::new("POST", HOST, "/hidden")
            .header("content-type", kind)
            .header("mcp-protocol-version", "2025-11-25")
    };
    let body = text(tool, &json!({})).to_string();
    let whole = |kind| post(kind).body(&body);
    let (json, plain) = ("application/json", "text/plain");
    let bare = |method| Ask::new(method, HOST, "/hidden").header("mcp-name", tool);
    let query = Ask::new("POST", HOST, "/hidden?x=1").header("content-type", json);
    vec![
        ("text", whole(plain)),
        ("grpc", whole("application/grpc")),
        ("unmeasured", whole(json).unmeasured()),
        ("metadata", post(json).metadata(FILTER, said(tool))),
        ("part", whole(json).size(9999).metadata(FILTER, said(tool))),
        ("metadata, text", post(plain).metadata(FILTER, said(tool))),
        ("query", query.body(&body)),
        ("OPTIONS", bare("OPTIONS")),
        ("GET", bare("GET")),
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
