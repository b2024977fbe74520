//! Bodies as three readers see them: whatever countersign accepts, `serde_json` and Python's `json` read as the same.

mod bodies;
mod cost;

use std::io::Write as _;
use std::process::{Command, Stdio};

use countersign::json::{Json, Limits, Number, folds_to, read};
use serde_json::Value;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/json/reader.py");

/// What one Python process reads of each body, and its pairs of characters that fold to one another.
fn python(bodies: &[Vec<u8>]) -> (Vec<String>, Vec<(String, String)>) {
    let mut child = Command::new("python3")
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    let mut input = child.stdin.take().unwrap();
    let lines: String = bodies.iter().map(|body| hex(body) + "\n").collect();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "{SCRIPT} fails; it says why above");
    let output = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = output.lines().map(str::to_owned).collect();
    let pairs = serde_json::from_str(&lines.pop().unwrap()).unwrap();
    (lines, pairs)
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn digits(python: &Value) -> Option<String> {
    python["integer"].as_str().map(str::to_owned)
}

/// Whether Python tells the same value; an integer that we only know as a double has to be one that rounds to it.
fn agrees(json: &Json<'_>, python: &Value) -> bool {
    match json {
        Json::Null => python.is_null(),
        Json::Bool(value) => python.as_bool() == Some(*value),
        Json::String(text) => python.as_str() == Some(text),
        Json::Number(Number::Unsigned(value)) => digits(python) == Some(value.to_string()),
        Json::Number(Number::Signed(value)) => digits(python) == Some(value.to_string()),
        Json::Number(Number::Double(value)) => {
            let minus_zero = value.to_bits() == (-0.0_f64).to_bits() && python["integer"] == "0";
            python["bits"] == hex(&value.to_be_bytes()) || minus_zero
        }
        Json::Array(items) => python.as_array().is_some_and(|told| {
            let same = |(item, told): (&Json<'_>, &Value)| agrees(item, told);
            told.len() == items.len() && items.iter().zip(told).all(same)
        }),
        Json::Object(object) => python["members"].as_array().is_some_and(|told| {
            let mut pairs = object.iter().zip(told);
            let same = |((name, value), told): ((&str, &Json<'_>), &Value)| {
                told[0] == name && agrees(value, &told[1])
            };
            told.len() == object.len() && pairs.all(same)
        }),
    }
}

#[test]
fn python_and_serde_json_read_what_is_accepted_and_read_the_same() {
    let bodies = bodies::bodies();
    let (told, folded) = python(&bodies);
    assert_eq!(told.len(), bodies.len());
    let (mut accepted, mut only_by_others) = (0, 0);
    for (body, told) in bodies.iter().zip(told) {
        let shown = String::from_utf8_lossy(body);
        // None if Python read half of a surrogate pair.
        let told: Option<Value> = serde_json::from_str(&told).ok();
        let python = told.as_ref().map(|told| told.get("reads"));
        let Ok(own) = read(body, &Limits::default()) else {
            let serde = serde_json::from_slice::<Value>(body);
            only_by_others +=
                usize::from(serde.is_ok() || python.is_none_or(|reads| reads.is_some()));
            continue;
        };
        accepted += 1;
        let reads = python.flatten();
        let reads = reads.unwrap_or_else(|| panic!("Python refuses {shown}: {told:?}"));
        assert!(agrees(&own, reads), "{shown}: Python reads {reads}");
        let serde: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(Value::from(own), serde, "{shown}");
    }
    // Otherwise nothing was compared: about as many are accepted as refused, and many of these by countersign alone.
    assert!(accepted > bodies.len() / 4, "{accepted} accepted");
    assert!(
        only_by_others > bodies.len() / 20,
        "{only_by_others} refused alone"
    );
    assert!(folded.len() > 1_000, "{} characters fold", folded.len());
    for (character, one) in folded {
        assert!(folds_to(&character, &one), "{character} folds to {one}");
    }
}
