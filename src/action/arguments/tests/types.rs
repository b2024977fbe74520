//! Type by JSON value: accepted as what, or refused.

use super::{outcome, x};

/// Values that are refused as every type but those that are named.
const EVERY: [(&str, &str); 33] = [
    ("null", "any"),
    ("true", "bool any"),
    ("false", "bool any"),
    ("0", "int double any"),
    ("1", "int double any"),
    ("-1", "int double any"),
    ("9007199254740991", "int double any"),
    ("-9007199254740991", "int double any"),
    ("9007199254740992", ""),
    ("-9007199254740992", ""),
    ("9007199254740993", ""),
    ("18446744073709551615", ""),
    ("18446744073709551616", ""),
    ("-9223372036854775809", ""),
    ("1e20", ""),
    ("-1e308", ""),
    ("-0", "double any"),
    ("1.0", "double any"),
    ("1e2", "double any"),
    ("1E0", "double any"),
    ("0.5", "double any"),
    ("5e-324", "double any"),
    (r#""""#, "string any"),
    (r#""1""#, "string any"),
    (r#""true""#, "string any"),
    (r#""null""#, "string any"),
    (r#""2026-11-21T22:00:01Z""#, "string timestamp any"),
    (r#""2026-11-21T22:00:01.5+02:00""#, "string timestamp any"),
    (r#""2026-11-21""#, "string any"),
    ("1795298401", "int double any"),
    ("[]", "list<int> list<string> any"),
    ("{}", "map<int> map<bool> any"),
    (r#"[["a"]]"#, "any"),
];

#[test]
fn a_value_has_the_declared_type_or_is_refused() {
    let types = [
        "bool",
        "int",
        "double",
        "string",
        "timestamp",
        "list<int>",
        "list<string>",
        "map<int>",
        "map<bool>",
        "any",
    ];
    for (value, accepted) in EVERY {
        for of in types {
            let seen = outcome(&x(of), &format!(r#"{{"x":{value}}}"#));
            let refused = format!("argument_invalid: argument `x` is not of type `{of}`");
            let expected = accepted.split(' ').any(|name| name == of);
            assert_eq!(seen != refused, expected, "{value} as {of}: {seen}");
            assert_eq!(seen.starts_with("x="), expected, "{value} as {of}: {seen}");
        }
    }
}

#[test]
fn a_value_stays_what_it_is() {
    for (of, value, seen) in [
        ("int", "-7", "x=Int(-7)"),
        ("int", "9007199254740991", "x=Int(9007199254740991)"),
        ("double", "7", "x=Double(7.0)"),
        ("double", "0.1", "x=Double(0.1)"),
        ("double", "1e2", "x=Double(100.0)"),
        ("bool", "true", "x=Bool(true)"),
        ("string", r#""a\u0062""#, r#"x=String("ab")"#),
        (
            "timestamp",
            r#""1970-01-01T01:00:00.25+01:00""#,
            "x=Timestamp(Timestamp(250))",
        ),
        (
            "list<double>",
            "[1, 0.5]",
            "x=List([Double(1.0), Double(0.5)])",
        ),
        (
            "map<string>",
            r#"{"b":"2","a":"1"}"#,
            r#"x=Map({"a": String("1"), "b": String("2")})"#,
        ),
        ("any", "7", "x=Int(7)"),
        ("any", "7.0", "x=Double(7.0)"),
        (
            "any",
            r#"{"a":[1,null]}"#,
            r#"x=Map({"a": List([Int(1), Null])})"#,
        ),
    ] {
        assert_eq!(outcome(&x(of), &format!(r#"{{"x":{value}}}"#)), seen);
    }
}

#[test]
fn every_item_has_the_declared_type() {
    for (of, value) in [
        ("list<int>", "[1, 1.0]"),
        ("list<int>", "[1, \"1\"]"),
        ("list<int>", "[1, null]"),
        ("list<int>", "[9007199254740992]"),
        ("list<string>", "[[\"a\"]]"),
        ("list<double>", "[1e20]"),
        ("map<int>", r#"{"a":null}"#),
        ("map<int>", r#"{"a":{"b":1}}"#),
        ("map<timestamp>", r#"{"a":"tomorrow"}"#),
        ("any", "[1, [9007199254740992]]"),
        ("any", r#"{"a":1e20}"#),
    ] {
        let seen = outcome(&x(of), &format!(r#"{{"x":{value}}}"#));
        let refused = format!("argument_invalid: argument `x` is not of type `{of}`");
        assert_eq!(seen, refused, "{value}");
    }
}
