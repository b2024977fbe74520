//! Requests that go on with a minted token in place of their credential, and who verifies it: nobody of ours.

mod calls;
mod cases;
mod configuration;
mod foreign;
mod page;
mod rotation;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::{Answer, Ask, Server, Setup, Token};
pub(crate) use foreign::{key, verify};

/// The `iss` of minted tokens.
pub(crate) const ISSUER: &str = "https://authz.example.com";
pub(crate) const VAULT: &str = "https://vault.example.com";
/// The header of minted tokens.
const HEADER: &str = "txn-token";
const CONFIG: &str = "countersign.yaml";

/// The tests' own route, a provider that reads a cookie and one of API keys, and keys to mint with.
pub(crate) fn setup(keys: &[&str]) -> Setup {
    let setup = Setup::new();
    for kind in keys {
        write_key(&setup, kind, key(kind));
    }
    let files: Vec<String> = keys
        .iter()
        .map(|kind| format!("tokens/{kind}.pem"))
        .collect();
    setup.write("pepper", &"p".repeat(64));
    setup.write("policies/vault.yaml", include_str!("vault.yaml"));
    let providers = "
  portal:
    jwt:
      issuer: http://127.0.0.1:10080/portal
      keys: { file: corp.jwks.json }
      cookie: session
      unregistered_client: subject
      map: { kind: '\"human\"' }
  partners:
    api_key: { pepper: { file: pepper } }
";
    let section = format!(
        "token: {{ issuer: {ISSUER}, keys: [{}] }}\n",
        files.join(", ")
    );
    // Without the section that the sample shows in a comment: tests change the one that counts.
    let text = setup.read(CONFIG).replace("# token: {", "# {");
    let text = text.replace("issuer: https://authz.example.com, keys: [tokens", "…");
    setup.write(CONFIG, &format!("{text}{providers}{section}"));
    setup
}

/// Writes a key file for its owner alone.
pub(crate) fn write_key(setup: &Setup, name: &str, pem: &str) {
    let name = format!("tokens/{name}.pem");
    setup.write(&name, pem);
    let owners = fs::Permissions::from_mode(0o600);
    fs::set_permissions(setup.path(&name), owners).unwrap();
}

/// The start of alice's token for the vault.
pub(crate) fn alice(setup: &Setup) -> Token<'_> {
    let token = setup.corp.token("alice").audience(VAULT);
    token.scope("vault:export vault:list vault:read")
}

fn ask(method: &str, path: &str) -> Ask {
    Ask::new(method, "vault.example.com", path)
}

/// The published keys.
pub(crate) fn jwks(server: &Server) -> Value {
    let reply = server.get("/.well-known/jwks.json");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// The token that the upstream gets.
fn minted(answer: &Answer) -> String {
    assert_eq!(answer.outcome(), "allow");
    answer.sets(HEADER).expect("a minted token")
}

fn removes(answer: &Answer, name: &str) -> bool {
    answer.ok().headers_to_remove.iter().any(|it| it == name)
}
