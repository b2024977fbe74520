//! Bodies of every kind, most of them such that two readers might disagree.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const GENERATED: usize = 3_000;

/// What stands between a call and an attack in one body.
const CALLS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"path":"/tmp","limit":10}}}"#,
    r#"{"method":"tools/list","method":"tools/call"}"#,
    r#"{"method":"tools/list","meth\u006fd":"tools/call"}"#,
    r#"{"params":{"name":"read","name":"delete"}}"#,
    r#"{"params":{"arguments":{"rows":1,"rows":1000000}}}"#,
    r#"{"method":"tools/list"}{"method":"tools/call"}"#,
    "{\"method\":\"tools/list\"}\n{\"method\":\"tools/call\"}",
    r#"{"method":"tools/list"}//"#,
    r#"{"method":"tools\/list","Method":"tools/call"}"#,
    r#"{"method":"tools/list","method\u0000":"tools/call"}"#,
    r#"{"name":"\ud800"}"#,
    r#"{"name":"\udc00\ud800"}"#,
    r#"{"\ud800":1,"\ud800":2}"#,
    r#"{"name":"\ud83d\ude00 \u20ac"}"#,
    r#"{"rows":1e400}"#,
    r#"{"rows":-1e400}"#,
    r#"{"rows":NaN}"#,
    r#"{"rows":[Infinity,-Infinity]}"#,
    r#"{"rows":9007199254740993}"#,
    r#"{"rows":-9007199254740993}"#,
    r#"{"rows":18446744073709551615}"#,
    r#"{"rows":18446744073709551616}"#,
    r#"{"rows":-9223372036854775809}"#,
    r#"{"rows":[-0,-0.0,0,0.0,0e9,1.0,1e0,1E+2,100e-2]}"#,
    r#"{"rows":[0.1,333333333.33333329,2.2250738585072011e-308,5e-324,1e-400,9007199254740993.0]}"#,
    r#"{"rows":01}"#,
    r#"{"rows":0x10}"#,
    r#"{"rows":1_0}"#,
    "{'rows':1}",
    "{rows:1}",
    r#"{"rows":1,}"#,
    "{\"a\":\"line\nbreak\"}",
    "{\"a\":\"\u{7f}\u{2028}\u{ffff}\"}",
    "\u{a0}{}",
    "{}\u{b}",
    "{}\0",
    "",
    " ",
    "null",
    "[{},[],\"\"]",
    "\"text\"",
];

/// Names that are equal, nearly equal, or mean something to somebody.
const NAMES: &[&str] = &[
    "\"method\"",
    "\"Method\"",
    "\"meth\\u006fd\"",
    "\"params\"",
    "\"name\"",
    "\"n\\u0061me\"",
    "\"id\"",
    "\"arguments\"",
    "\"\\u212aey\"",
    "\"key\"",
    "\"\"",
    "\"\\u0000\"",
    "\"😀\"",
    "\"\\ud83d\\ude00\"",
    "\"__proto__\"",
    "\"_meta\"",
];

/// The whole corpus, the same in every run.
pub(super) fn bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = CALLS.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend(encoded(r#"{"method":"tools/call"}"#));
    bodies.extend([
        b"{\"a\":\"\xff\"}".to_vec(),
        b"{\"a\":\"\xc0\xaf\"}".to_vec(),
        b"{\"a\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"\x80\":1}".to_vec(),
    ]);
    for depth in [63, 64, 65, 5_000] {
        bodies.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes());
    }
    for depth in [40, 65, 5_000] {
        bodies.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).into_bytes());
    }
    bodies.push(format!("[{}]", "9".repeat(308)).into_bytes());
    bodies.push(format!("[{}]", "9".repeat(5_000)).into_bytes());
    let mut runner = TestRunner::deterministic();
    let strategy = generated();
    bodies.extend((0..GENERATED).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    bodies
}

/// One text in every encoding that some reader guesses, with its mark and without.
fn encoded(text: &str) -> Vec<Vec<u8>> {
    let marked = format!("\u{feff}{text}");
    let mut bodies = vec![marked.as_bytes().to_vec()];
    for text in [text, &marked] {
        bodies.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        bodies.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        let wide = text.chars().map(u32::from);
        bodies.push(wide.clone().flat_map(u32::to_be_bytes).collect());
        bodies.push(wide.flat_map(u32::to_le_bytes).collect());
    }
    bodies
}

fn one_of(texts: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

/// Documents of hostile parts; of four, one has a byte changed.
fn generated() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        6 => one_of(&["null", "true", "\"tools/call\"", "\"\\u0074ools\\/call\"", "\"\"", "\"\\ud83d\\ude00é\""]),
        4 => one_of(&["0", "-1", "7.0", "1e2", "-0", "9007199254740993", "18446744073709551616", "0.30000000000000004"]),
        1 => one_of(&["NaN", "-Infinity", "1e400", "\"\\udc00\"", "01", "\"\t\"", "'a'", "True"]),
        3 => any::<i64>().prop_map(|value| value.to_string()),
        3 => any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
        3 => (any::<u64>(), any::<u64>(), -330..300_i32).prop_map(|(a, b, power)| format!("{a}.{b}e{power}")),
        2 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let space = || one_of(&["", "", "", "", " ", "\r\n", "\t"]);
    let value = scalar.prop_recursive(4, 24, 4, move |inner| {
        let member = (one_of(NAMES), space(), inner.clone())
            .prop_map(|(name, space, value)| format!("{name}{space}:{space}{value}"));
        let members = prop::collection::vec(member, 0..5);
        prop_oneof![
            (members, space())
                .prop_map(|(members, space)| format!("{{{space}{}}}", members.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
        ]
    });
    let end = prop_oneof![9 => Just(""), 1 => prop::sample::select(vec!["{}", ",", " 1", "\u{c}", "\u{feff}", "\0"])];
    let damage = prop::option::weighted(0.25, (any::<prop::sample::Index>(), any::<u8>()));
    (value, end, damage).prop_map(|(value, end, damage)| {
        let mut bytes = (value + end).into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}
