//! The bounds: exact, and held while the document is read.

use super::super::{JsonError, Limits, read};

const WIDE: Limits = Limits {
    depth: 64,
    nodes: usize::MAX,
    text: usize::MAX,
};

/// What stands behind a bound is not looked at; it would be malformed.
const NEVER_READ: &str = "\u{1}";

fn refused(text: &str, limits: Limits) -> Option<JsonError> {
    read(text.as_bytes(), &limits).err()
}

#[test]
fn the_default_is_for_bodies() {
    let default = Limits::default();
    assert_eq!(default.depth, 64);
    assert_eq!(default.nodes, 100_000);
    assert_eq!(default.text, 1 << 20);
}

#[test]
fn depth_counts_objects_and_arrays_alike() {
    let nested = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    for (open, inner, close) in [("[", "", "]"), ("[", "1", "]"), (r#"{"a":"#, "1", "}")] {
        let read = |levels| refused(&nested(open, inner, close, levels), WIDE);
        assert_eq!(read(64), None);
        assert_eq!(read(65), Some(JsonError::TooDeep));
    }
    let mixed = nested(r#"[{"a":"#, "1", "}]", 32);
    assert_eq!(refused(&mixed, WIDE), None);
    assert_eq!(
        refused(&format!("[{mixed}]"), WIDE),
        Some(JsonError::TooDeep)
    );
    let flat = Limits { depth: 0, ..WIDE };
    assert_eq!(refused("1", flat), None);
    assert_eq!(refused("[]", flat), Some(JsonError::TooDeep));
}

#[test]
fn what_is_deeper_is_never_read() {
    for open in ["[", r#"{"a":"#, r#"[{"a":"#] {
        let text = open.repeat(65) + NEVER_READ;
        assert_eq!(refused(&text, WIDE), Some(JsonError::TooDeep), "{open}");
        let megabyte = open.repeat((1 << 20) / open.len());
        assert_eq!(refused(&megabyte, WIDE), Some(JsonError::TooDeep), "{open}");
    }
}

#[test]
fn a_depth_beyond_that_of_the_parser_is_refused_and_no_crash() {
    let boundless = Limits {
        depth: usize::MAX,
        ..WIDE
    };
    assert_eq!(
        refused(&("[".repeat(127) + &"]".repeat(127)), boundless),
        None
    );
    assert_eq!(
        refused(&"[".repeat(1 << 20), boundless),
        Some(JsonError::TooDeep)
    );
}

#[test]
fn every_value_and_every_name_is_a_node() {
    for (text, nodes) in [
        ("1", 1),
        ("[]", 1),
        ("{}", 1),
        ("[1,2]", 3),
        (r#"{"a":1}"#, 3),
        (r#"{"a":[null,{}],"b":"x"}"#, 7),
    ] {
        assert_eq!(refused(text, Limits { nodes, ..WIDE }), None, "{text}");
        let fewer = Limits {
            nodes: nodes - 1,
            ..WIDE
        };
        assert_eq!(
            refused(text, fewer),
            Some(JsonError::TooManyNodes),
            "{text}"
        );
    }
}

#[test]
fn more_nodes_are_never_read() {
    let many = format!("[{}1", "1,".repeat(99_998));
    assert_eq!(refused(&(many.clone() + "]"), Limits::default()), None);
    let more = many + ",1" + NEVER_READ;
    assert_eq!(
        refused(&more, Limits::default()),
        Some(JsonError::TooManyNodes)
    );
    let members = format!("{{{}{NEVER_READ}", r#""a":1,"#.repeat(150_000));
    assert_eq!(
        refused(&members, Limits::default()),
        Some(JsonError::TooManyNodes)
    );
}

#[test]
fn strings_and_names_have_a_length() {
    let four = Limits { text: 4, ..WIDE };
    for text in [
        r#""abcd""#,
        r#""\u0061bcd""#,
        r#"{"abcd":"abcd"}"#,
        r#""\ud83d\ude00""#,
    ] {
        assert_eq!(refused(text, four), None, "{text}");
    }
    for text in [
        r#""abcde""#,
        r#""\u0061bcde""#,
        r#"{"abcde":1}"#,
        r#"{"\u0061bcde":1}"#,
        r#"["😀x"]"#,
    ] {
        assert_eq!(refused(text, four), Some(JsonError::TextTooLong), "{text}");
    }
    let bound = Limits::default().text;
    let text = |length| format!("\"{}\"", "x".repeat(length));
    assert_eq!(refused(&text(bound), Limits::default()), None);
    assert_eq!(
        refused(&text(bound + 1), Limits::default()),
        Some(JsonError::TextTooLong)
    );
    let after = text(bound + 1) + NEVER_READ;
    assert_eq!(
        refused(&after, Limits::default()),
        Some(JsonError::TextTooLong)
    );
}
