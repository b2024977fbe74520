//! Looking into what was read.

use std::borrow::Cow;

use super::super::{Json, Number, Object};
use super::read;

#[test]
fn members_keep_their_order_and_are_found_by_name() {
    for size in [0, 1, 16, 17, 300] {
        let members: Vec<String> = (0..size)
            .map(|at| format!("\"m{}\":{at}", size - at))
            .collect();
        let text = format!("{{{}}}", members.join(","));
        let json = read(&text).unwrap();
        let object = json.as_object().unwrap();
        assert_eq!(object.len(), size);
        assert_eq!(object.is_empty(), size == 0);
        for (at, (name, value)) in object.iter().enumerate() {
            assert_eq!(name, format!("m{}", size - at));
            let number = Number::Unsigned(u64::try_from(at).unwrap());
            assert_eq!(value.as_number(), Some(number));
            assert_eq!(object.get(name), Some(value));
        }
        for absent in ["", "m", "m0", "M1", "m999", "n1"] {
            assert_eq!(object.get(absent), None, "{absent}");
        }
    }
    assert!(Object::default().get("").is_none());
}

#[test]
fn what_has_no_escapes_stays_borrowed() {
    let json = read(r#"["plain é 😀","esc\u0061ped",{"name":1,"n\/":2}]"#).unwrap();
    let items = json.as_array().unwrap();
    assert!(matches!(&items[0], Json::String(Cow::Borrowed(_))));
    assert!(matches!(&items[1], Json::String(Cow::Owned(text)) if text == "escaped"));
    assert!(items[2].as_object().unwrap().get("n/").is_some());
}

#[test]
fn a_value_is_only_what_it_is() {
    let json = read(r#"[null,true,0,"x",[],{}]"#).unwrap();
    let kinds: Vec<[bool; 5]> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            [
                value.as_bool().is_some(),
                value.as_number().is_some(),
                value.as_str().is_some(),
                value.as_array().is_some(),
                value.as_object().is_some(),
            ]
        })
        .collect();
    for (at, kind) in kinds.iter().enumerate() {
        let expected: Vec<bool> = (1..=5).map(|own| own == at).collect();
        assert_eq!(kind.as_slice(), expected, "{at}");
    }
}

/// RFC 6901, section 5, and what it does not allow.
#[test]
fn a_pointer_names_one_value() {
    let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,
        "m~n":8,"~1":9,"deep":{"er":[{"x":10}]},"01":11,"m/n":12,"m/2n":13,"m/":14}"#;
    let json = read(text).unwrap();
    assert_eq!(json.pointer(""), Some(&json));
    assert_eq!(json.pointer("/foo/0").unwrap().as_str(), Some("bar"));
    for (pointer, value) in [
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ("/k\"l", 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/~01", 9),
        ("/deep/er/0/x", 10),
        ("/01", 11),
    ] {
        let found = json.pointer(pointer).and_then(Json::as_number);
        assert_eq!(found, Some(Number::Unsigned(value)), "{pointer}");
    }
    for pointer in [
        "foo",
        "/foo/2",
        "/foo/-",
        "/foo/00",
        "/foo/01",
        "/foo/+1",
        "/foo/",
        "/foo/0/",
        "/foo/0/x",
        "/nothing",
        "/m~n",
        "/m~2n",
        "/m~",
        "/a/b",
        "//",
        "#/foo",
        "/foo/99999999999999999999999",
    ] {
        assert_eq!(json.pointer(pointer), None, "{pointer}");
    }
}
