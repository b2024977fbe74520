//! What programs ask about approvals: of the admin listener, from the command line, and what they are told unasked.

mod api;
mod command;
mod hops;
mod leaving;
mod notices;
mod openapi;
mod paging;
mod revoked;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Reply, SOON, Server, Setup, eventually, now, send_body};

/// What tokens of approvers are meant for.
const AUDIENCE: &str = "https://ops.example.com";
/// What tokens of callers are meant for.
const VAULT: &str = "https://vault.example.com";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";

/// The section of the sample configuration.
const SECTION: &str = "approvals:
  providers: [corp]
  url: http://127.0.0.1:9193
  sign_in:                             # how people come in there with a browser; the demo's issuer lets anybody be anybody
    provider: corp
    authorization_endpoint: http://127.0.0.1:10080/corp/authorize
    token_endpoint: http://127.0.0.1:10080/corp/token
    client_id: inbox
";

/// A server in front of a vault that opens when somebody of `leads` approves.
fn setup() -> Setup {
    setup_with(
        "  url: https://ops.example.com",
        "approvals: { providers: [corp], url: https://ops.example.com }",
    )
}

/// The same with these words about the admin listener and about approvals.
fn setup_with(admin: &str, approvals: &str) -> Setup {
    let setup = Setup::new()
        .replacing(NOBODY, admin)
        .replacing(SECTION, approvals)
        .replacing("policies: [policies]", "policies: [vault.yaml]")
        .replacing("conditions: conditions.yaml", "");
    setup.write("vault.yaml", include_str!("vault.yaml"));
    setup
}

/// A token of somebody who calls the vault.
fn caller(server: &Server, sub: &str) -> String {
    server.setup.corp.token(sub).audience(VAULT).sign()
}

/// A token of somebody in `groups` who has just signed in with a key.
fn lead(server: &Server, sub: &str, groups: &[&str]) -> String {
    let token = server
        .setup
        .corp
        .token(sub)
        .audience(AUDIENCE)
        .groups(groups);
    let token = token.claim("acr", json!("phr"));
    token.claim("auth_time", json!(now())).sign()
}

/// Asks the admin listener as somebody.
fn ask(server: &Server, line: &str, token: Option<&str>, body: &str) -> Reply {
    let headers = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    send_body(server.admin(), line, &headers.unwrap_or_default(), body).unwrap()
}

/// Asks Envoy's way to do something to a box.
async fn call(server: &Server, token: &str, path: &str) -> Answer {
    let client = server.client().await;
    let call = Ask::new("POST", "vault.example.com", path).bearer(token);
    let call = call
        .header("content-type", "application/json")
        .header("content-length", "2");
    client.check(&call.body("{}")).await
}

/// The id of the approval that a refused call waits for.
fn waited_for(answer: &Answer) -> String {
    assert_eq!(answer.reason(), "approval_required", "{answer:?}");
    answer.problem()["approval"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// The change records, once there are so many.
fn changes(server: &Server, count: usize) -> Vec<Value> {
    eventually(SOON, "records of changes", || {
        let records = server.records().into_iter();
        let changes: Vec<Value> = records.filter(|it| it["type"] == "admin").collect();
        (changes.len() >= count).then_some(changes)
    })
}
