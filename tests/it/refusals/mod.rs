//! What comes back from routes that speak MCP, and where a client learns who issues tokens: at the gRPC port.

mod approvals;
mod metadata;
mod oracle;
mod styles;

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Client, Server, Setup};

const HOST: &str = "mcp.example.com";

/// A route that refuses in one style and hides nothing.
const OPEN: &str = r"
  crm-NAME:
    match: { host: mcp.example.com, path: /NAME }
    url: https://mcp.example.com/NAME
    providers: [corp]
    protocol: mcp
    server: crm
    deny_style: STYLE
    actions:
      NAME.list:   { tool: list_customers }
      NAME.export: { tool: export_customers, scope: [crm:export, crm:read], args: { rows: int } }
";

/// One that hides what there is.
const HIDDEN: &str = r"
  crm-hidden:
    match: { host: mcp.example.com, path: /hidden }
    url: https://mcp.example.com/hidden
    providers: [corp]
    protocol: mcp
    server: crm
    hide_existence: true
    actions:
      hidden.list:   { tool: list_customers, scope: crm:read }
      hidden.export: { tool: export_customers, tier: high, args: { rows: int } }
      hidden.delete: { tool: delete_customer, tier: critical, args: { id: string } }
      hidden.draft:  { prompt: draft }
      hidden.open:   { uri: 'file:///open/*' }
";

const RULES: &str = "
rules:
  - { id: readers, permit: [http.*, rpc.*, tool.*, hidden.list], to: { issuer: corp, group: crm } }
  - { id: exporters, permit: hidden.export, to: { issuer: corp, group: exporters } }
  - { id: nobody-deletes, forbid: hidden.delete, to: { kind: [anonymous, human, service, agent] } }
";

/// The sample configuration, with four routes to MCP servers.
fn setup() -> Setup {
    let styles = [("http", "http"), ("rpc", "jsonrpc"), ("tool", "tool_error")];
    let open = styles.map(|(name, style)| OPEN.replace("NAME", name).replace("STYLE", style));
    let policy = format!("version: 1\nroutes:\n{}{HIDDEN}{RULES}", open.concat());
    let setup = Setup::new();
    setup.write("policies/mcp.yaml", &policy);
    setup
}

/// The start of a request for one of the routes.
fn ask(path: &str, body: &Value) -> Ask {
    raw(path, &body.to_string()).header("mcp-protocol-version", "2025-11-25")
}

/// The same for any text, without a revision.
fn raw(path: &str, body: &str) -> Ask {
    Ask::new("POST", HOST, &format!("/{path}"))
        .header("content-type", "application/json")
        .header("content-length", body.len().to_string())
        .body(body)
}

fn call(id: impl Into<Value>, tool: &str, arguments: &Value) -> Value {
    let (id, params) = (id.into(), json!({ "name": tool, "arguments": arguments }));
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// A token for one of the routes.
fn token(server: &Server, path: &str, groups: &[&str]) -> String {
    let audience = format!("https://{HOST}/{path}");
    let token = server.setup.corp.token("alice").audience(&audience);
    token.groups(groups).sign()
}

/// Status and body.
async fn told(client: &Client, ask: &Ask) -> (i32, Value, Answer) {
    let answer = client.check(ask).await;
    assert!(!answer.allows(), "{ask:?}");
    (answer.status(), answer.problem(), answer)
}
