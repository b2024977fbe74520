//! What cannot be loaded, and what it says to type instead.

use serde_json::{Value as Json, json};

use super::{declare, declare_for};
use crate::model::finding::Finding;
use crate::model::route::{McpOperation, Operation};

/// The one finding of a declaration, as `code at path`.
fn finding(found: Vec<Finding>) -> (String, String) {
    let [finding] = <[Finding; 1]>::try_from(found).unwrap();
    let text = finding.to_string();
    let path = text.split(": ").next().unwrap_or_default();
    let help = finding.help.unwrap_or_default();
    (format!("{} at {path}", finding.code), help)
}

#[test]
fn mistakes_are_found_at_load() {
    for (action, expected, help) in [
        (
            json!({ "args": { "x": "integer" } }),
            "invalid-type at args.x",
            "`any`",
        ),
        (
            json!({ "args": { "x": "dyn" } }),
            "invalid-type at args.x",
            "`any`",
        ),
        (
            json!({ "args": { "x": "list<list<int>>" } }),
            "invalid-type at args.x",
            "`any`",
        ),
        (
            json!({ "args": { "x-y": "int" } }),
            "invalid-name at args.x-y",
            r#"at: "/x-y""#,
        ),
        (
            json!({ "args": { "a/b~": "int" } }),
            "invalid-name at args.a/b~",
            r#"at: "/a~1b~0""#,
        ),
        (
            json!({ "args": { "": "int" } }),
            "invalid-name at args.",
            r#"at: "/""#,
        ),
        (
            json!({ "args": { "1st": "int" } }),
            "invalid-name at args.1st",
            r#"at: "/1st""#,
        ),
        (
            json!({ "args": { "größe": "int" } }),
            "invalid-name at args.größe",
            r#"at: "/größe""#,
        ),
        (
            json!({ "args": { "in": { "type": "int", "at": "/q/in" } } }),
            "invalid-name at args.in",
            r#"at: "/q/in""#,
        ),
        (
            json!({ "args": { "x": { "type": "int", "at": "a/b" } } }),
            "invalid-pointer at args.x.at",
            "/payment/amount",
        ),
        (
            json!({ "args": { "x": { "type": "int", "at": "/a~2" } } }),
            "invalid-pointer at args.x.at",
            "~1",
        ),
        (
            json!({ "args": { "x": { "type": "int", "at": "/a~" } } }),
            "invalid-pointer at args.x.at",
            "~0",
        ),
        (
            json!({ "args": { "x": "int" }, "extra": "yes" }),
            "unknown-name at extra",
            "allow",
        ),
        (
            json!({ "extra": "allow" }),
            "misplaced-key at extra",
            "declare `args`",
        ),
    ] {
        let (code, said) = finding(declare(&action).err().unwrap());
        assert_eq!(code, expected, "{action}");
        assert!(said.contains(help), "{action}: {said}");
    }
}

#[test]
fn an_argument_has_its_place_for_itself() {
    let conflict = |a: Json, b: Json| declare(&json!({ "args": { "a": a, "b": b } })).err();
    let at = |at: &str| json!({ "type": "any", "at": at });
    for (a, b) in [
        (at("/a"), at("/a")),
        (json!("int"), at("/a")),
        (at("/b"), json!("int")),
        (at("/a"), at("/a/b")),
        (at("/a/b/c"), at("/a")),
        (at(""), json!("int")),
        (json!("int"), at("")),
        (at("/~01"), at("/~01/x")),
    ] {
        let (code, _) = finding(conflict(a.clone(), b.clone()).unwrap());
        assert_eq!(code, "argument-conflict at args.b", "{a} {b}");
    }
    for (a, b) in [
        (at("/a"), at("/ab")),
        (at("/a/b"), at("/a/c")),
        (at("/a~1b"), at("/a/b")),
    ] {
        assert_eq!(conflict(a.clone(), b.clone()), None, "{a} {b}");
    }
}

#[test]
fn only_what_has_a_body_has_arguments() {
    let http = |method: Option<&str>| Operation::Http {
        method: method.map(str::to_owned),
        pattern: "/".into(),
    };
    let grpc = Operation::Grpc {
        service: "a.B".into(),
        method: None,
    };
    let mcp = Operation::Mcp;
    let args = json!({ "args": { "x": "int" } });
    for operation in [
        http(Some("GET")),
        http(Some("HEAD")),
        grpc,
        mcp(McpOperation::Uri("file:///*".into())),
    ] {
        let operations = [http(Some("POST")), operation];
        let (code, _) = finding(declare_for(&args, &operations).err().unwrap());
        assert_eq!(code, "misplaced-key at args", "{operations:?}");
    }
    for operation in [
        http(None),
        http(Some("PUT")),
        http(Some("DELETE")),
        http(Some("get")),
        mcp(McpOperation::Tool("x".into())),
    ] {
        assert!(declare_for(&args, &[operation]).is_ok());
    }
    let prompt = [mcp(McpOperation::Prompt("x".into()))];
    let (code, _) = finding(declare_for(&args, &prompt).err().unwrap());
    assert_eq!(code, "invalid-type at args.x", "prompts take texts");
    assert!(declare_for(&json!({ "args": { "x": "string" } }), &prompt).is_ok());
    let extra = json!({ "extra": "allow" });
    assert!(declare_for(&extra, &[mcp(McpOperation::Tool("x".into()))]).is_ok());
}
