//! What is accepted, `serde_json` reads the same; what is refused beyond that has a reason.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::{Json, JsonError, Limits, read};

/// A document: what it means, how it is spelt, and whether an object in it has a member twice.
#[derive(Debug, Clone)]
struct Document {
    text: String,
    twice: bool,
}

/// Few different names, so that a member stands twice now and then.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "name", "Name", "", "~", "/", "0", "~1", "é", "😀"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// A string as JSON, each character spelt as it is or escaped.
fn spelt(text: impl Strategy<Value = String>) -> impl Strategy<Value = (String, String)> {
    (text, any::<u64>()).prop_map(|(text, choice)| {
        let mut out = String::from("\"");
        for (at, c) in text.chars().enumerate() {
            let escape = choice
                .rotate_left(u32::try_from(at % 64).unwrap())
                .trailing_zeros()
                >= 2;
            if escape || c < ' ' || c == '"' || c == '\\' {
                let units = &mut [0; 2];
                for unit in c.encode_utf16(units) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
            } else {
                out.push(c);
            }
        }
        (text, out + "\"")
    })
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        (-9..9_i32).prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| format!("{value:e}")),
        (any::<i32>(), any::<u32>(), -300..290_i32)
            .prop_map(|(whole, part, power)| format!("{whole}.{part}E{power}")),
        prop::sample::select(vec!["-0", "1.0", "1e0", "123456789012345678901234567890"])
            .prop_map(str::to_owned),
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", " ", "\n", "\t\r"])
}

fn document() -> impl Strategy<Value = Document> {
    let scalar = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        number(),
        spelt(any::<String>()).prop_map(|(_, text)| text),
    ];
    let leaf = scalar.prop_map(|text| Document { text, twice: false });
    leaf.prop_recursive(5, 60, 6, |inner| {
        let array = (prop::collection::vec(inner.clone(), 0..6), space());
        let object = (prop::collection::vec((spelt(name()), inner), 0..6), space());
        prop_oneof![
            array.prop_map(|(items, space)| Document {
                text: format!(
                    "[{space}{}]",
                    joined(items.iter().map(|item| item.text.clone()), space)
                ),
                twice: items.iter().any(|item| item.twice),
            }),
            object.prop_map(|(members, space)| {
                let mut names: Vec<&String> = members.iter().map(|((name, _), _)| name).collect();
                names.sort();
                let pair = names.windows(2).any(|pair| pair[0] == pair[1]);
                let member = |((_, name), value): &((String, String), Document)| {
                    format!("{name}{space}:{space}{}", value.text)
                };
                Document {
                    text: format!("{{{space}{}}}", joined(members.iter().map(member), space)),
                    twice: pair || members.iter().any(|(_, value)| value.twice),
                }
            }),
        ]
    })
}

fn joined(parts: impl Iterator<Item = String>, space: &str) -> String {
    let parts: Vec<String> = parts.map(|part| part + space).collect();
    parts.join(",")
}

/// Every pointer into a value, with what it points to.
fn pointers<'v>(value: &'v Value, at: String, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(member, format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
    found.push((at, value));
}

/// The same values in the same order, and −0 is not 0.
fn same(json: &Json<'_>, value: &Value) -> bool {
    let order = |object: &Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
    match (Value::from(json.clone()), value) {
        (Value::Object(own), Value::Object(theirs)) if order(&own) != order(theirs) => false,
        (own, theirs) => {
            own == *theirs
                && serde_json::to_vec(&own).unwrap() == serde_json::to_vec(theirs).unwrap()
        }
    }
}

proptest! {
    #[test]
    fn a_document_is_accepted_if_no_member_stands_twice_and_means_the_same(document in document()) {
        let own = read(document.text.as_bytes(), &Limits::default());
        if document.twice {
            prop_assert_eq!(own.err(), Some(JsonError::Duplicate));
            return Ok(());
        }
        let own = own.map_err(|error| TestCaseError::fail(format!("{error:?}: {}", document.text)))?;
        let theirs: Value = serde_json::from_str(&document.text).unwrap();
        prop_assert!(same(&own, &theirs), "{}", document.text);
        let mut found = Vec::new();
        pointers(&theirs, String::new(), &mut found);
        for (pointer, value) in found {
            let own = own.pointer(&pointer);
            prop_assert!(own.is_some_and(|own| same(own, value)), "{pointer}: {}", document.text);
            prop_assert_eq!(theirs.pointer(&pointer), Some(value));
        }
    }

    /// One byte changed, added or removed: mostly no JSON any more, and then for both.
    #[test]
    fn a_damaged_document_means_the_same_or_is_refused(
        document in document(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3_u8,
    ) {
        let mut bytes = document.text.into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => { bytes.remove(at); }
        }
        let theirs = serde_json::from_slice::<Value>(&bytes);
        match read(&bytes, &Limits::default()) {
            Ok(own) => prop_assert!(theirs.is_ok_and(|theirs| same(&own, &theirs))),
            Err(JsonError::Duplicate) => {}
            Err(error) => prop_assert!(theirs.is_err(), "{error:?}"),
        }
    }

    /// Nobody who rewrites a document without changing it changes its digest.
    #[test]
    fn the_canonical_form_reads_as_itself(document in document()) {
        let Ok(own) = read(document.text.as_bytes(), &Limits::default()) else { return Ok(()) };
        let Ok(canonical) = own.canonical() else { return Ok(()) };
        let again = read(canonical.as_bytes(), &Limits::default()).unwrap();
        // A double of more than 2^53 is written without a fraction, and is an integer when it is read.
        if let Ok(twice) = again.canonical() {
            prop_assert_eq!(&twice, &canonical);
            prop_assert_eq!(again.digest(), own.digest());
        }
        let rewritten = Value::from(own.clone()).to_string();
        prop_assert_eq!(read(rewritten.as_bytes(), &Limits::default()).unwrap().canonical(), Ok(canonical));
    }
}
