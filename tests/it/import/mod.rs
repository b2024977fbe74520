//! `countersign import mcp` and `countersign check --against`: what a server lists becomes a policy that loads, and later
//! differences are named.

mod against;
mod server;
mod written;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Ran, run};

/// Where callers reach the server, as every test says it.
const PLACE: [&str; 4] = ["--url", "https://mcp.example.com/crm", "--server", "crm"];

/// A configuration without policies, and `tools.json` with what the server lists.
fn folder(tools: &[Value]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = "\
version: 1
policies: policies
providers:
  corp:
    jwt:
      issuer: https://login.example.com/realms/corp
      preset: keycloak
      unregistered_client: subject
";
    fs::write(folder.path().join("countersign.yaml"), config).unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    save(folder.path(), tools);
    folder
}

fn save(folder: &Path, tools: &[Value]) {
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools } });
    fs::write(folder.join("tools.json"), answer.to_string()).unwrap();
}

fn import(folder: &Path, source: &str, more: &[&str]) -> Ran {
    run(
        folder,
        [&["import", "mcp", source], &PLACE[..], more].concat(),
    )
}

fn check(folder: &Path, more: &[&str]) -> Ran {
    run(
        folder,
        [&["check", "--config", "countersign.yaml"], more].concat(),
    )
}

/// Imports `tools.json` and keeps the policy.
fn adopt(folder: &Path) -> String {
    let ran = import(folder, "tools.json", &["--provider", "corp"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    fs::write(folder.join("policies/crm.yaml"), &ran.stdout).unwrap();
    ran.stdout
}

/// The tools of a small CRM.
fn crm() -> Vec<Value> {
    vec![
        json!({
            "name": "list_customers",
            "title": "List customers",
            "description": "Lists customers,\na page at a time.",
            "annotations": { "readOnlyHint": true },
            "inputSchema": { "type": "object", "properties": { "limit": { "type": "integer" } }, "additionalProperties": false },
        }),
        json!({
            "name": "export_customers",
            "description": "Exports the customers of a segment.",
            "annotations": { "readOnlyHint": false, "destructiveHint": true },
            "inputSchema": {
                "type": "object",
                "properties": {
                    "segment": { "type": "string" },
                    "rows": { "type": "integer" },
                    "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
                    "filter": { "type": "object", "properties": { "region": { "type": "string" } } },
                },
                "required": ["segment", "rows"],
            },
        }),
        json!({ "name": "add_note", "inputSchema": { "type": "object", "additionalProperties": true } }),
    ]
}

/// What a server would list that wants to be more than listed.
fn hostile() -> Vec<Value> {
    [
        "\"\nrules:\n  - { id: x, permit: '*', to: { kind: anonymous } }\n#",
        "a: b # c",
        "no",
        "\u{202e}\u{1b}[2J\u{85}\u{2028}",
        "*x",
        "a/b",
        "a.b",
    ]
    .into_iter()
    .map(|text| {
        json!({
            // A name with a control character is refused.
            "name": text.replace(char::is_control, ""),
            "title": text,
            "description": text.repeat(100),
            "inputSchema": { "type": "object", "properties": { text: { "type": "string" } } },
        })
    })
    .collect()
}
