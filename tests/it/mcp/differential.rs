//! Whatever is allowed, others read as it was decided: the same method, the same tool and the same arguments.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::peers::python;
use super::stage::setup;
use super::{HOST, token};
use crate::harness::{Answer, Ask};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/differential.py");
/// How many bodies are tried.
const TRIES: usize = 1500;
/// How many of them have to be allowed, or the test would prove nothing.
const ALLOWED: usize = 300;

/// One of these texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(texts)
}

/// Members of `arguments`: sound ones, ambiguous ones and wrong ones.
fn arguments() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        5 => one_of(&["rows", "r\\u006fws", "\\u0072ows"]),
        1 => one_of(&["Rows", "row\\u017f", "rows "]),
    ];
    let rows = prop_oneof![
        4 => (0..=1000i64).prop_map(|rows| rows.to_string()),
        2 => one_of(&["0", "-1", "-9007199254740991", "1E0", "1.0", "-0", "007", "1000.0", "9007199254740993"]).prop_map(str::to_owned),
    ];
    let segment = one_of(&["eu", "\\u0065u", "e\\/u", "e\\\"u", "E U", "\\t", "", "~!"]);
    let note = prop_oneof![
        Just(String::new()),
        any::<String>().prop_map(|text| format!(",\"note\":{}", json!(text))),
        one_of(&[
            ",\"note\":\"\\ud83d\\ude00\"",
            ",\"note\":\"\\u0000\"",
            ",\"note\":\"\\ud83d\"",
            ",\"rows\":1",
            ",\"note\":null",
            ",\"no\\u0074e\":\"\\/\"",
        ])
        .prop_map(str::to_owned),
    ];
    (key, rows, segment, note, any::<bool>()).prop_map(|(key, rows, segment, note, first)| {
        let (rows, segment) = (
            format!("\"{key}\":{rows}"),
            format!("\"segment\":\"{segment}\""),
        );
        if first {
            format!("{{{rows},{segment}{note}}}")
        } else {
            format!("{{{segment} , {rows}{note}}}")
        }
    })
}

/// Messages, most of them calls of the tool whose arguments are shown.
fn messages() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        5 => one_of(&[
            "\"name\":\"export_customers\"",
            "\"n\\u0061me\":\"export\\u005fcustomers\"",
            "\"name\":\"export_customers\",\"_meta\":{\"x\":[1,{\"name\":\"y\"}]}",
        ]),
        1 => one_of(&[
            "\"name\":\"export_customers\",\"name\":\"delete_customer\"",
            "\"name\":\"export_customers\",\"Name\":\"delete_customer\"",
        ]),
    ];
    let space = one_of(&["", " ", "\n", "\t\r\n "]);
    (arguments(), name, space, 0..4u8).prop_map(|(arguments, name, space, order)| {
        let params = match order {
            0 => format!("{{{name}{space},\"arguments\":{arguments}}}"),
            1 => format!("{{\"arguments\":{arguments},{space}{name}}}"),
            2 => format!("{{ {name},\"arguments\" :{space}{arguments} }}"),
            _ => format!("{{\"argument\\u0073\":{arguments},{name}}}"),
        };
        match order {
            1 => format!("{{\"params\":{params},\"method\":\"tools\\/call\",\"id\":\"a\",\"jsonrpc\":\"2.0\"}}{space}"),
            _ => format!("{space}{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{params}}}"),
        }
    })
}

/// What was decided on, as the grant shows it.
fn decided(answer: &Answer) -> [String; 3] {
    ["x-action", "x-segment", "x-rows"].map(|name| answer.sets(name).unwrap_or_default())
}

#[tokio::test]
async fn whatever_is_allowed_is_read_by_others_as_it_was_decided() {
    let server = setup().start();
    let client = server.client().await;
    let token = token(&server.setup, "desk", &["desk"]);
    let mut runner = TestRunner::deterministic();
    let mut allowed = Vec::new();
    for _ in 0..TRIES {
        let body = messages().new_tree(&mut runner).unwrap().current();
        let ask = Ask::new("POST", HOST, "/desk")
            .bearer(&token)
            .header("content-type", "application/json")
            .header("content-length", body.len().to_string())
            .body(&body);
        let answer = client.check(&ask).await;
        if answer.allows() {
            allowed.push((body, decided(&answer)));
        }
    }
    assert!(
        allowed.len() > ALLOWED,
        "only {} of {TRIES} are allowed",
        allowed.len()
    );
    let read = by_python(allowed.iter().map(|(body, _)| body.as_str()));
    assert_eq!(read.len(), allowed.len());
    for ((body, decided), read) in allowed.iter().zip(read) {
        let ours: Value = serde_json::from_str(body).unwrap();
        let params = &ours["params"];
        assert_eq!(
            json!([ours["method"], params["name"], params["arguments"]]),
            read,
            "{body}"
        );
        assert_eq!(
            (&read[0], &read[1]),
            (&json!("tools/call"), &json!("export_customers")),
            "{body}"
        );
        let [action, segment, rows] = decided;
        assert_eq!(action, "desk.export", "{body}");
        assert_eq!(read[2]["segment"], json!(segment), "{body}");
        assert_eq!(read[2]["rows"].to_string(), *rows, "{body}");
    }
}

/// What Python reads of each body.
fn by_python<'a>(bodies: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut child = Command::new(python())
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asked = child.stdin.take().unwrap();
    let lines: String = bodies.map(|body| STANDARD.encode(body) + "\n").collect();
    let writing = std::thread::spawn(move || asked.write_all(lines.as_bytes()).unwrap());
    let told = BufReader::new(child.stdout.take().unwrap()).lines();
    let read = told
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    writing.join().unwrap();
    assert!(child.wait().unwrap().success());
    read
}
