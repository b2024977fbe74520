//! API keys, from the command line that issues them to the port that accepts them.

mod command;
mod configuration;
mod defects;
mod hostile;
mod running;
mod standing;

use serde_json::Value;

use crate::harness::{Ask, Ran, Server, Setup, run};

/// A pepper that is just long enough.
const PEPPER: &str = "0123456789abcdef0123456789abcdef";

const PROVIDERS: &str = "
providers:
  partners:
    api_key: { pepper: { file: pepper } }
  wholesale:
    api_key: { header: X-Wholesale-Key, prefix: ws, pepper: { file: pepper }, max_lifetime: 30d }
  portal:
    api_key: { cookie: portal_key, pepper: { file: pepper } }
";

const POLICY: &str = r#"
version: 1
routes:
  invoices:
    match: { host: invoices.example.com }
    url: https://invoices.example.com
    providers: [corp, partners, portal]
    actions:
      invoices.list: { http: GET /v1/invoices, scope: invoices:read }
  bulk:
    match: { host: bulk.example.com }
    url: https://bulk.example.com
    providers: [wholesale]
    actions:
      bulk.list: { http: GET /v1/bulk }
rules:
  - { id: partners-read, permit: invoices.*, to: { issuer: partners, kind: service, id: "billing-*", group: billing } }
  - { id: portal-reads, permit: invoices.*, to: { issuer: portal } }
  - { id: corp-reads, permit: invoices.*, to: { issuer: corp } }
  - { id: bulk-reads, permit: bulk.*, to: { issuer: wholesale } }
  - { id: invoices-know, guard: invoices.*, constrain: { headers: { x-caller: subject.id } } }
"#;

/// The sample configuration, with three providers of keys and routes for them.
fn setup() -> Setup {
    let setup = Setup::new().replacing("\nproviders:\n", PROVIDERS);
    setup.write("pepper", PEPPER);
    setup.write("policies/keys.yaml", POLICY);
    setup
}

/// Runs `countersign keys`.
fn keys(setup: &Setup, arguments: &[&str]) -> Ran {
    let config = ["--config", "countersign.yaml"];
    run(
        setup.folder(),
        ["keys"].iter().chain(arguments).chain(&config),
    )
}

/// Issues a key for `identity` that the policy lets read invoices, and gives its text.
fn issue(setup: &Setup, identity: &str, more: &[&str]) -> String {
    let plain = [
        "issue",
        "--provider",
        "partners",
        "--id",
        identity,
        "--owner",
        "team@example.com",
    ];
    let rights = ["--scope", "invoices:read", "--group", "billing"];
    let arguments: Vec<&str> = plain.iter().chain(&rights).chain(more).copied().collect();
    let ran = keys(setup, &arguments);
    assert_eq!(ran.exit, 0, "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

/// What a key is found by.
fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

/// `keys list --json`.
fn listed(setup: &Setup) -> Vec<Value> {
    let ran = keys(setup, &["list", "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    ran.json()["keys"].as_array().unwrap().clone()
}

/// A request for invoices with this key.
fn with_key(key: &str) -> Ask {
    Ask::new("GET", "invoices.example.com", "/v1/invoices").header("x-api-key", key)
}

/// The verdict on a request, in one line.
async fn verdict(server: &Server, ask: &Ask) -> String {
    let answer = server.client().await.check(ask).await;
    if answer.allows() {
        "allow".to_owned()
    } else {
        format!("{} {}", answer.status(), answer.reason())
    }
}
