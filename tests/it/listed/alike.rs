//! Decisions about what the list lets through are those about everything, and each of its patterns is needed for one of them.

use serde_json::{Value, json};

use super::{patterns, rich};
use crate::harness::{Ask, Client, Server};

/// Headers that nothing here reads.
const UNREAD: [(&str, &str); 6] = [
    ("accept", "*/*"),
    ("user-agent", "curl/8"),
    ("x-forwarded-for", "192.0.2.1"),
    ("grpc-timeout", "1S"),
    ("te", "trailers"),
    ("x-user", "mallory"),
];

/// A pattern as Envoy applies it to a lower-case name.
fn matches(pattern: &Value, name: &str) -> bool {
    let is = |field: &str| pattern[field].as_str();
    match (is("exact"), is("prefix")) {
        (Some(exact), _) => exact == name,
        (_, Some(prefix)) => name.starts_with(prefix),
        (None, None) => {
            let regex = pattern["safe_regex"]["regex"].as_str().unwrap();
            let dashes = name.replace('_', "-");
            regex.replace("[-_]", "-") == dashes
        }
    }
}

/// The request as Envoy shows it with a list of these patterns.
fn shown(ask: &Ask, patterns: &[Value]) -> Ask {
    let listed = |name: &str| patterns.iter().any(|pattern| matches(pattern, name));
    ask.clone().keeping(listed)
}

async fn decided(client: &Client, ask: &Ask) -> String {
    client.check(ask).await.essence()
}

fn person(server: &Server, audience: &str) -> String {
    let token = server.setup.corp.token("alice");
    token.audience(&format!("https://{audience}")).sign()
}

/// One request for each way in which a header matters.
fn requests(server: &Server) -> Vec<Ask> {
    const HOST: &str = "listed.example.com";
    let token = person(server, HOST);
    let ask = |method: &str, path: &str| Ask::new(method, HOST, path);
    let read = || ask("GET", "/read").bearer(&token).header("x-tenant", "one");
    let write = || {
        let typed = ask("POST", "/write").header("content-type", "application/json");
        typed.bearer(&token).body(r#"{"amount":1}"#)
    };
    let machine = server.setup.ci.token("deployer");
    let machine = machine.claim("environment", json!("staging"));
    let machine = machine.audience(&format!("https://{HOST}")).sign();
    let machine = || ask("GET", "/open").bearer(&machine);
    let drop = || {
        ask("DELETE", "/drop/it")
            .bearer(&token)
            .protocol("HTTP/1.1")
    };
    let mut all = vec![
        read(),
        ask("GET", "/read"),
        write(),
        write().header("content-encoding", "gzip"),
        read().header("dpop", "a,b"),
        read().header("host", "other.example.com"),
        read().header("x-http-method", "PUT"),
        read().header("x-http-method-override", "PUT"),
        read().header("x-method-override", "PUT"),
        read().header("authz-approval-token", "a.b.c"),
        read().header("x-request-id", "7"),
        read().header("x-odd", "1"),
        read().header("x-tell", "tales"),
        read().header("x_user-name", "mallory"),
        read().header("x-partner-key", "k"),
        read().header("cookie", "portal_key=k"),
        machine(),
        machine().header("origin", "https://page.example.com"),
        machine().header("sec-fetch-mode", "cors"),
        drop(),
        drop().header("transfer-encoding", "chunked"),
        ask("GET", "/read")
            .principal("spiffe://example.org/edge")
            .header("x-forwarded-client-cert", "URI=\"spiffe://"),
    ];
    all.extend(messages(&person(server, "mcp.example.com/desk")));
    for (name, value) in UNREAD {
        all.push(read().header(name, value));
        all.push(write().header(name, value));
    }
    all
}

/// What an MCP message says a second time, and says wrong.
fn messages(token: &str) -> Vec<Ask> {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "list", "arguments": { "region": "eu" } },
    });
    let call = || {
        let typed = Ask::new("POST", "mcp.example.com", "/desk");
        let typed = typed.header("content-type", "application/json");
        typed.bearer(token).body(message.to_string())
    };
    let wrong = [
        ("mcp-method", "tools/list"),
        ("mcp-name", "export"),
        ("mcp-param-region", "us"),
        ("mcp-protocol-version", "1999-01-01"),
        ("mcp-session-id", "a,b"),
        ("upgrade", "websocket"),
    ];
    let wrong = wrong.map(|(name, value)| call().header(name, value));
    std::iter::once(call()).chain(wrong).collect()
}

#[tokio::test]
async fn the_list_is_all_that_decisions_read() {
    let setup = rich();
    let patterns = patterns(&setup);
    let server = setup.start();
    let client = server.client().await;
    for ask in requests(&server) {
        let whole = decided(&client, &ask).await;
        let listed = decided(&client, &shown(&ask, &patterns)).await;
        assert_eq!(listed, whole, "{ask:?}");
    }
}

#[tokio::test]
async fn without_any_one_of_its_patterns_a_decision_is_another() {
    let setup = rich();
    let patterns = patterns(&setup);
    let server = setup.start();
    let client = server.client().await;
    let mut needless = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let mut fewer = patterns.clone();
        fewer.remove(index);
        let mut matters = false;
        for ask in requests(&server) {
            let whole = decided(&client, &ask).await;
            matters |= decided(&client, &shown(&ask, &fewer)).await != whole;
        }
        if !matters {
            needless.push(pattern.clone());
        }
    }
    // What records call a request by decides nothing.
    let id = json!({ "exact": "x-request-id", "ignore_case": true });
    assert_eq!(needless, [id]);
}
