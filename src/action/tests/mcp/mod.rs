//! MCP: which action a message is, and which messages are none.

mod agreement;
mod catalogue;
mod elicitation;
mod loading;
mod messages;
mod methods;
mod properties;
mod rest;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{compile, request};
use crate::action::CompiledRoute;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Fidelity, Headers};
use crate::model::route::Asked;
use crate::model::rpc::RpcFacts;
use crate::model::value::Value;

const SESSION: &str = "2025-06-18";
const STATELESS: &str = "2026-07-28";
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const FILTER: &str = "envoy.filters.http.mcp";

/// An MCP route at `/crm` with these actions.
fn crm(actions: &Json) -> CompiledRoute {
    compile("crm", &spec(), actions).unwrap()
}

fn spec() -> Json {
    json!({
        "match": { "host": "mcp.test", "path": "/crm" },
        "url": "https://mcp.test/crm",
        "protocol": "mcp",
        "server": "crm",
    })
}

/// Tools, a prompt and resources.
fn shop() -> CompiledRoute {
    crm(&json!({
        "list": { "tool": "list_customers", "args": { "limit": { "type": "int", "optional": true } } },
        "export": { "tool": "export_customers", "args": { "segment": "string", "rows": "int" },
                    "resource": { "type": "segment", "id": "args.segment" } },
        "search": { "tool": "search", "extra": "allow" },
        "reports": { "uri": "file:///reports/*" },
        "summary": { "prompt": "summarise", "args": { "topic": "string" } },
    }))
}

/// A request with headers, in the revision `revision` if it is not empty.
fn headed(method: &str, revision: &str, headers: &[(&str, &str)]) -> AccessRequest {
    let mut made = request(method, "mcp.test", "/crm");
    let version = [("mcp-protocol-version", revision)];
    let version = version.iter().filter(|(_, value)| !value.is_empty());
    let json = [("content-type", "application/json")];
    let all = json
        .iter()
        .filter(|_| method == "POST")
        .chain(version)
        .chain(headers);
    made.headers = Headers::new(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    made
}

/// A message as bytes, posted.
fn posted(body: &str, revision: &str, headers: &[(&str, &str)]) -> AccessRequest {
    let mut made = headed("POST", revision, headers);
    made.body = Body::Sent {
        bytes: Arc::from(body.as_bytes()),
        fidelity: Fidelity::Exact,
    };
    made
}

/// A message of a session.
fn message(body: &Json) -> AccessRequest {
    posted(&body.to_string(), SESSION, &[])
}

fn call(method: &str, params: &Json) -> Json {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn tool(name: &str, arguments: &Json) -> Json {
    call(
        "tools/call",
        &json!({ "name": name, "arguments": arguments }),
    )
}

/// What is asked, or the reason.
fn asked(route: &CompiledRoute, request: &AccessRequest) -> Result<Asked, Reason> {
    let found = route.find(request, &route.read(request));
    found.map_err(|denial| denial.reason)
}

/// The id of the action, or the reason.
fn action(route: &CompiledRoute, request: &AccessRequest) -> Result<String, Reason> {
    asked(route, request).map(|asked| asked.action.id.to_string())
}

fn rpc(request: &AccessRequest) -> Option<RpcFacts> {
    shop().read(request).rpc().cloned()
}

/// Puts what Envoy says into the metadata of a request.
fn say(request: &mut AccessRequest, namespace: &str, fields: &Json) {
    request.metadata.insert(namespace.to_owned(), value(fields));
}

/// Sound metadata of a request with id 1.
fn sound(method: &str, params: &Json) -> Json {
    json!({ "jsonrpc": "2.0", "method": method, "id": 1.0, "params": params,
            "is_mcp_request": true, "status": "mcp_ok" })
}

/// As Envoy's metadata comes: every number a double.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Double(number.as_f64().unwrap()),
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(members) => {
            let members = members.iter();
            let entries = members.map(|(name, entry)| (Arc::from(name.as_str()), value(entry)));
            Value::Map(Arc::new(entries.collect()))
        }
    }
}
