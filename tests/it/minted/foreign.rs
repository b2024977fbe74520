//! The foreign side: `joserfc` verifies, `cryptography` makes keys.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::ISSUER;
use crate::harness::tools;

/// The library that verifies, and what it stands on.
const LIBRARY: &str = "joserfc==1.8.0";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/minted/foreign.py");

/// Private keys of every kind, and what is none, each as PEM.
static KEYS: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| serde_json::from_value(ask(&json!({ "what": "keys" }))).unwrap());

/// A key file of this kind.
pub(crate) fn key(kind: &str) -> &'static str {
    let found = KEYS.get(kind);
    found.unwrap_or_else(|| panic!("no key `{kind}`"))
}

/// Header and claims of a token, verified for an audience with a JWK set; or why not.
pub(crate) fn verify(token: &str, jwks: &Value, audience: &str) -> Result<(Value, Value), String> {
    let question = json!({
        "what": "verify", "token": token, "jwks": jwks, "issuer": ISSUER, "audience": audience,
    });
    let answer = ask(&question);
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok((answer["header"].clone(), answer["claims"].clone())),
    }
}

/// A Python that has the library.
pub(super) fn python() -> Command {
    let python = tools::python_with(&[LIBRARY]);
    Command::new(python.unwrap_or_else(|error| panic!("{error}")))
}

fn ask(question: &Value) -> Value {
    let mut child = python()
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
