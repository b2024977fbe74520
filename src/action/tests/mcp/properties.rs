//! Whatever is accepted, another reader of JSON reads the same.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{asked, crm, posted};
use crate::action::CompiledRoute;
use crate::model::route::McpOperation;

fn route() -> CompiledRoute {
    crm(&json!({
        "list": { "tool": "list", "args": { "a": { "type": "any", "optional": true }, "b": { "type": "any", "optional": true } } },
        "delete": { "tool": "delete", "extra": "allow" },
    }))
}

/// Pieces of messages, some of which fit together.
fn body() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        r#""jsonrpc":"2.0""#,
        r#""id":1"#,
        r#""id":"x""#,
        r#""Id":2"#,
        r#""method":"tools/call""#,
        r#""method":"tools/list""#,
        r#""m\u0065thod":"tools/list""#,
        r#""Method":"ping""#,
        r#""params":{"name":"list"}"#,
        r#""params":{"name":"delete","arguments":{"a":1}}"#,
        r#""params":{"name":"list","arguments":{"a":1,"b":[true,null]}}"#,
        r#""params":{"name":"list","arguments":{"a":1,"a":2}}"#,
        r#""params":{"name":"list","n\u0061me":"delete"}"#,
        r#""params":{"name":"list","NAME":"delete"}"#,
        r#""params":{"arguments":{"\u0061":"\ud83d\ude00"},"name":"\u006cist"}"#,
        r#""params":{"name":"list","arguments":{"A":1}}"#,
    ]);
    let end = prop::sample::select(vec!["}", "} ", "}{}", "}]", "", "},"]);
    (prop::collection::vec(piece, 0..6), end)
        .prop_map(|(pieces, end)| format!("{{{}{end}", pieces.join(",")))
}

fn agrees(text: &str) -> Result<bool, TestCaseError> {
    let Ok(asked) = asked(&route(), &posted(text, "", &[])) else {
        return Ok(false);
    };
    let read: Json =
        serde_json::from_str(text).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let name = read["params"]["name"].as_str();
    let expected = match read["method"].as_str() {
        Some("tools/call") => name.unwrap_or_default(),
        Some("tools/list") => "mcp.list_tools",
        other => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert_eq!(asked.action.id.as_str(), expected);
    for (name, value) in &asked.args {
        let other = super::value(&read["params"]["arguments"][name.as_ref()]);
        let same = format!("{value:?}").replace("Int(1)", "Double(1.0)") == format!("{other:?}");
        prop_assert!(same, "{:?} {:?}", value, other);
    }
    let declared = asked.action.operations.iter();
    let tools = declared.filter(|it| {
        matches!(
            it,
            crate::model::route::Operation::Mcp(McpOperation::Tool(_))
        )
    });
    prop_assert!(tools.count() == 1 || asked.action.builtin);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_accepted_is_read_alike(text in body()) {
        agrees(&text)?;
    }

    #[test]
    fn nothing_makes_the_reader_panic(text in "\\PC{0,200}", revision in "\\PC{0,12}", header in "\\PC{0,30}") {
        for text in [text.clone(), format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"{text}\"}}}}")] {
            let headers = [("mcp-name", header.as_str()), ("mcp-param-a", header.as_str())];
            let found = asked(&route(), &posted(&text, &revision, &headers));
            let begins = text.starts_with('{');
            prop_assert!(found.is_err() || begins);
        }
    }
}

#[test]
fn the_pieces_do_make_messages() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"\u0061":"\ud83d\ude00"},"name":"\u006cist"}}"#;
    assert!(agrees(text).unwrap());
}

/// As many headers as a request may have, each for an argument, among as many arguments as a body may have.
#[test]
fn many_headers_agree_with_many_arguments() {
    let arguments: Vec<String> = (0..40_000).map(|n| format!("\"a{n}\":1")).collect();
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"delete","arguments":{{{}}}}}}}"#,
        arguments.join(",")
    );
    let names: Vec<String> = (0..190).map(|n| format!("mcp-param-a{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    assert!(asked(&route(), &posted(&text, "", &headers)).is_ok());
}
