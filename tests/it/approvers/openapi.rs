//! The document that the admin listener serves, held to what it answers by a library that is not ours.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{ask, call, caller, lead, setup, waited_for};
use crate::harness::{Reply, Server, tools};

/// The library that validates.
const LIBRARY: &str = "jsonschema==4.25.1";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/approvers/openapi.py");
const OPS: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";

/// A question, and the answer to it.
type Asked = (&'static str, &'static str, Reply);

/// What the library says about each answer.
fn verdicts(document: &Value, asked: &[Asked]) -> Vec<Vec<String>> {
    let python = tools::python_with(&[LIBRARY]).unwrap_or_else(|error| panic!("{error}"));
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = format!("{document}\n");
    for (method, path, reply) in asked {
        let line = json!({
            "method": method, "path": path, "status": reply.status,
            "type": reply.header("content-type"), "body": reply.json(),
        });
        text.extend([line.to_string(), "\n".to_owned()]);
    }
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What is said about an approval, from its first moment to its use.
async fn approvals(server: &Server) -> Vec<Asked> {
    let alice = caller(server, "alice");
    let ana = lead(server, "ana", &["leads"]);
    let first = waited_for(&call(server, &alice, "/open/7").await);
    let mut asked = Vec::new();
    let mut keep = |method, path, reply| asked.push((method, path, reply));
    let of = |line: &str, token: &String| ask(server, line, Some(token), "");
    keep(
        "get",
        "/approvals/{id}/status",
        of(&format!("GET /approvals/{first}/status"), &alice),
    );
    keep(
        "post",
        "/approvals/{id}/approve",
        of(&format!("POST /approvals/{first}/approve"), &ana),
    );
    keep(
        "post",
        "/approvals/{id}/deny",
        of(&format!("POST /approvals/{first}/deny"), &ana),
    );
    assert!(call(server, &alice, "/open/7").await.allows());
    let second = waited_for(&call(server, &alice, "/open/7").await);
    keep(
        "post",
        "/approvals/{id}/cancel",
        of(&format!("POST /approvals/{second}/cancel"), &alice),
    );
    keep(
        "post",
        "/approvals/{id}/revoke",
        of(&format!("POST /approvals/{second}/revoke"), &ana),
    );
    keep(
        "get",
        "/approvals/{id}",
        of(&format!("GET /approvals/{first}"), &ana),
    );
    keep(
        "get",
        "/approvals/{id}",
        of(&format!("GET /approvals/{second}"), &ana),
    );
    keep("get", "/approvals", of("GET /approvals", &ana));
    keep("get", "/approvals", of("GET /approvals", &alice));
    keep("get", "/approvals", of("GET /approvals?limit=0", &ana));
    asked
}

fn operators(server: &Server) -> Vec<Asked> {
    let of = |line: &str, body: &str| ask(server, line, Some(OPS), body);
    let block = r#"{"kind":"subject","issuer":"corp","value":"mallory","reason":"seen"}"#;
    vec![
        ("get", "/status", of("GET /status", "")),
        ("post", "/reload", of("POST /reload", "{}")),
        ("get", "/keys", of("GET /keys", "")),
        (
            "post",
            "/keys/{id}/revoke",
            of("POST /keys/none/revoke", "{}"),
        ),
        ("post", "/revocations", of("POST /revocations", block)),
        ("get", "/revocations", of("GET /revocations", "")),
        (
            "post",
            "/revocations/lift",
            of("POST /revocations/lift", block),
        ),
        (
            "post",
            "/offboard",
            of(
                "POST /offboard",
                r#"{"identity":"corp/mallory","reason":"left"}"#,
            ),
        ),
        ("get", "/replicas", of("GET /replicas", "")),
        ("get", "/conditions", of("GET /conditions", "")),
        (
            "put",
            "/conditions/{name}",
            of("PUT /conditions/nothing", r#"{"value":true,"reason":"x"}"#),
        ),
        (
            "post",
            "/hooks/conditions/{name}",
            of("POST /hooks/conditions/x", "{}"),
        ),
    ]
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_says() {
    let setup = setup();
    setup.edit(
        "countersign.yaml",
        "  url: https://ops.example.com\n",
        "  url: https://ops.example.com\n  access: [{ name: ops, token: { file: ops.token } }]\n",
    );
    setup.write("ops.token", OPS);
    let server = setup.start();
    let document = ask(&server, "GET /openapi.json", None, "");
    assert_eq!(document.status, 200, "{document:?}");
    let document = document.json();
    let mut asked = approvals(&server).await;
    asked.extend(operators(&server));
    let verdicts = verdicts(&document, &asked);
    assert_eq!(verdicts.len(), asked.len());
    for ((method, path, reply), wrong) in asked.iter().zip(&verdicts) {
        assert!(
            wrong.is_empty(),
            "{method} {path}: {wrong:#?}\n{}",
            reply.body
        );
    }
    let good = asked.iter().filter(|(_, _, reply)| reply.status == 200);
    assert!(good.count() >= 14, "{asked:#?}");

    // A document that says something else is found out.
    let mut other = document.clone();
    other["components"]["schemas"]["Standing"]["properties"]["uses"] = json!({ "type": "string" });
    let found = self::verdicts(&other, &asked);
    assert!(found.iter().any(|wrong| !wrong.is_empty()));
}
