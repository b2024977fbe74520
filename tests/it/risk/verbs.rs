//! What `test`, `explain` and `check` say about signals, messages and bodies.

use serde_json::json;

use crate::harness::{Ran, run};

fn ran(arguments: &[&str]) -> Ran {
    let setup = super::setup();
    let config = ["--config", "countersign.yaml"];
    run(setup.folder(), arguments.iter().chain(&config))
}

/// What `explain` says for alice.
fn explain(call: &[&str]) -> Ran {
    let who = ["--issuer", "corp", "--subject", "alice"];
    let all: Vec<&str> = ["explain"]
        .iter()
        .chain(call)
        .chain(&who)
        .copied()
        .collect();
    ran(&all)
}

/// The version of a configuration changes with every edit of it.
fn without_version(ran: &Ran) -> String {
    let lines = ran.stdout.lines();
    let lines = lines.filter(|line| !line.starts_with("policy "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn cases_describe_messages_and_bodies_and_expect_a_score() {
    let ran = ran(&["test"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let setup = super::setup();
    let file = "policies/exports.yaml";
    setup.edit(file, "verdict: deny, risk: 80", "verdict: deny, risk: 81");
    let failed = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(failed.exit, 1, "{failed:?}");
    assert!(
        failed.stdout.contains("risk: expected `81`, got `80`"),
        "{}",
        failed.stdout
    );
}

#[test]
fn explain_shows_message_arguments_and_every_signal() {
    let tool = ["--route", "exports", "--tool", "start_export", "--args"];
    let call = |args| tool.iter().copied().chain([args]).collect::<Vec<_>>();
    let denied = explain(&call(r#"{"segment": "eu", "rows": 5000}"#));
    assert_eq!(denied.exit, 3, "{denied:?}");
    insta::assert_snapshot!("explain-risk-denied", without_version(&denied));
    let failed = explain(&call(r#"{"segment": "eu", "rows": 0}"#));
    assert_eq!(failed.exit, 0, "{failed:?}");
    insta::assert_snapshot!("explain-risk-failed", without_version(&failed));

    let mut arguments = call(r#"{"segment": "eu", "rows": 5000}"#);
    arguments.push("--json");
    let json = explain(&arguments).json();
    assert_eq!(
        json["action"]["args"],
        json!({ "segment": "eu", "rows": 5000 })
    );
    assert_eq!(
        json["message"],
        json!({ "method": "tools/call", "name": "start_export" })
    );
    assert_eq!(
        json["risk"],
        json!({ "score": 50, "signals": [
            { "id": "few-a-unit", "add": 0, "outcome": "does not hold", "error": null },
            { "id": "many-rows", "add": 50, "outcome": "holds", "error": null },
        ] })
    );
}

#[test]
fn explain_takes_methods_prompts_resources_and_bodies() {
    let route = ["--json", "--route"];
    let json = |call: &[&str]| {
        let arguments: Vec<&str> = route.iter().chain(call).copied().collect();
        explain(&arguments).json()
    };
    for (call, action, reason) in [
        (
            &["exports", "--mcp", "tools/list"][..],
            json!("mcp.list_tools"),
            "permitted",
        ),
        (
            &[
                "exports",
                "--mcp",
                "tools/list",
                "--params",
                r#"{"cursor": 1}"#,
            ],
            json!(null),
            "message_malformed",
        ),
        (
            &[
                "exports",
                "--prompt",
                "explain_export",
                "--args",
                r#"{"topic": "x"}"#,
            ],
            json!("exports.explain"),
            "permitted",
        ),
        (
            &["exports", "--uri", "file:///reports/1"],
            json!("exports.report"),
            "permitted",
        ),
        (
            &[
                "orders",
                "--http",
                "POST /v1/orders",
                "--body",
                r#"{"order": {"amount": 5}}"#,
            ],
            json!("orders.create"),
            "permitted",
        ),
        (
            &[
                "orders",
                "--http",
                "POST /v1/orders",
                "--body",
                r#"{"order": {"amount": 5}, "order": 1}"#,
            ],
            json!(null),
            "body_malformed",
        ),
        (
            &[
                "orders",
                "--http",
                "POST /v1/orders",
                "--body",
                "{}",
                "--header",
                "content-type: text/plain",
            ],
            json!(null),
            "body_type",
        ),
    ] {
        let explained = json(call);
        assert_eq!(explained["reason"], json!(reason), "{explained:#}");
        assert_eq!(explained["action"]["id"], action, "{call:?}");
    }
}

#[test]
fn explain_reads_a_body_from_a_file_byte_by_byte() {
    let setup = super::setup();
    std::fs::write(
        setup.path("body"),
        b"{\"order\": {\"amount\": 5}, \"x\": \"\xff\"}",
    )
    .unwrap();
    let call = "explain --json --route orders --body-file body --issuer corp --subject alice";
    let request = ["--http", "POST /v1/orders", "--config", "countersign.yaml"];
    let explain = || run(setup.folder(), call.split(' ').chain(request));
    assert_eq!(explain().json()["reason"], json!("body_malformed"));
    setup.write("body", r#"{"order": {"amount": 5}}"#);
    assert_eq!(explain().json()["action"]["args"], json!({ "amount": 5 }));
}

#[test]
fn options_that_do_not_go_together_are_mistakes() {
    for (call, said) in [
        (
            &["--route", "orders", "--tool", "start_export"][..],
            "`tool` is for MCP routes, and `orders` is none",
        ),
        (
            &["--host", "exports.example.com", "--tool", "start_export"],
            "`tool` needs a route, not a host",
        ),
        (
            &["--route", "exports", "--tool", "a", "--mcp", "tools/list"],
            "cannot be used with",
        ),
        (
            &["--route", "exports", "--tool", "a", "--args", "rows=5"],
            "--args: write a JSON object",
        ),
        (
            &["--route", "exports", "--tool", "a", "--args", "[5]"],
            "--args: write a JSON object",
        ),
        (
            &[
                "--route",
                "exports",
                "--tool",
                "a",
                "--args",
                r#"{"a":1,"\u0061":2}"#,
            ],
            "an object has two members with one name",
        ),
        (
            &["--route", "exports", "--mcp", "tools/list", "--args", "{}"],
            "cannot be used with",
        ),
        (
            &["--route", "exports", "--tool", "a", "--body", "{}"],
            "cannot be used with",
        ),
        (
            &["--route", "exports", "--tool", "a", "--params", "{}"],
            "cannot be used with",
        ),
    ] {
        let ran = explain(call);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (2, ""),
            "{call:?}: {ran:?}"
        );
        assert!(ran.stderr.contains(said), "{call:?}: {}", ran.stderr);
    }
}
