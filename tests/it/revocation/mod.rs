//! What is revoked is refused: every kind of it, through the gRPC port and through Envoy, and whoever leaves is out.

mod commands;
mod kinds;
mod meanwhile;
mod offboarding;
mod operators;

use serde_json::{Value, json};

use crate::harness::{Ask, SOON, Server, Setup, Token, eventually, send_body};

const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";
const API: &str = "https://api.example.com";

/// The project's configuration with an operator, API keys, and a second key of the company's provider.
pub(crate) fn setup() -> Setup {
    let access = "  access: [{ name: ops, token: { file: ops.token } }]";
    let mut setup = Setup::new().replacing(NOBODY, access);
    setup.corp.keys.push(crate::harness::Key::es256("second"));
    setup.write_keys();
    setup.write("ops.token", TOKEN);
    setup.write("pepper", &"pepper ".repeat(8));
    let partners = "  partners: { api_key: { prefix: acme, pepper: { file: pepper } } }\n";
    let settings = setup.read("countersign.yaml") + partners;
    setup.write("countersign.yaml", &settings);
    let policy = "policies/platform-api.yaml";
    setup.edit(
        policy,
        "providers: [corp, ci, mesh] ",
        "providers: [corp, ci, mesh, partners] ",
    );
    setup
}

/// Status and body of the admin listener.
pub(crate) fn ask(server: &Server, line: &str, body: &Value) -> (u16, Value) {
    let headers = format!("authorization: Bearer {TOKEN}\r\n");
    let body = body.as_object().map(|it| json!(it).to_string());
    let body = body.unwrap_or_default();
    let reply = send_body(server.admin(), line, &headers, &body).unwrap();
    (reply.status, reply.json())
}

/// Revokes something, and says what was acknowledged.
pub(crate) fn revoke(server: &Server, body: &Value) -> Value {
    let (status, said) = ask(server, "POST /revocations", body);
    assert_eq!(status, 200, "{said}");
    said
}

pub(crate) fn lift(server: &Server, body: &Value) {
    let (status, said) = ask(server, "POST /revocations/lift", body);
    assert_eq!(status, 200, "{said}");
}

/// A token of the company's for the platform API.
fn corp<'a>(server: &'a Server, sub: &str) -> Token<'a> {
    let token = server.setup.corp.token(sub).audience(API);
    token.claim("jti", json!(format!("token-of-{sub}")))
}

/// A token of the build system's.
fn ci<'a>(server: &'a Server, sub: &str) -> Token<'a> {
    let token = server.setup.ci.token(sub).audience(API);
    token.claim("environment", json!("staging"))
}

/// A call that everybody may make.
fn health() -> Ask {
    Ask::new("GET", "api.example.com", "/healthz")
}

/// The decision records so far, once there are as many as `count` says.
fn records(server: &Server, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually(SOON, "records", || {
        let text = std::fs::read_to_string(server.setup.audit_file()).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let all: Vec<Value> = lines.collect();
        enough(&all).then_some(all)
    })
}
