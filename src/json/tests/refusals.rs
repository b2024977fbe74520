//! What is refused, each by its own error.

use super::super::{Json, JsonError, Limits};
use super::read;

fn refused(bytes: &[u8]) -> Option<JsonError> {
    super::super::read(bytes, &Limits::default()).err()
}

fn malformed(offset: usize) -> JsonError {
    JsonError::Malformed { offset }
}

#[test]
fn what_is_no_json_is_malformed_where_it_is() {
    for (text, offset) in [
        ("", 0),
        (" ", 0),
        ("{", 0),
        ("[1,]", 3),
        ("[1 2]", 3),
        (r#"{"a":1,}"#, 7),
        (r#"{"a"}"#, 4),
        (r#"{"a":}"#, 5),
        ("{'a':1}", 1),
        ("{a:1}", 1),
        ("{1:1}", 1),
        ("tru", 2),
        ("True", 0),
        ("\n\n  nul!", 7),
        ("\u{a0}1", 0),
        (" \u{feff}1", 1),
    ] {
        assert_eq!(read(text).err(), Some(malformed(offset)), "{text:?}");
    }
}

#[test]
fn what_only_some_readers_take_is_malformed() {
    for text in [
        "NaN",
        "[NaN]",
        "Infinity",
        "[-Infinity]",
        "[1] // comment",
        "/* comment */ 1",
        "[1, /* comment */ 2]",
        "# comment\n1",
        "01",
        "-01",
        "+1",
        "1.",
        ".5",
        "-",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "'a'",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"a\u{0}b\"",
        "\"\u{1f}\"",
        r#""\x41""#,
        r#""\u12""#,
        r#""\u{41}""#,
        r#""\'""#,
        "\"a",
        "\u{b}1",
        "[1}",
        "{\"a\":1]",
        "undefined",
    ] {
        let refused = read(text).unwrap_err();
        let expected = matches!(
            refused,
            JsonError::Malformed { .. } | JsonError::Trailing { .. }
        );
        assert!(expected, "{text:?}: {refused:?}");
    }
    assert_eq!(
        read("\"DEL \u{7f} is a character\"").unwrap().as_str(),
        Some("DEL \u{7f} is a character")
    );
}

#[test]
fn nothing_follows_the_document() {
    for (text, offset) in [
        ("{} {}", 3),
        ("{}{}", 2),
        ("{}x", 2),
        ("1 2", 2),
        ("1,", 1),
        ("{}\n\n]", 4),
        ("{}\u{0}", 2),
        ("{}\u{feff}", 2),
        ("[]]", 2),
        ("01", 1),
    ] {
        let refused = read(text).err().unwrap();
        let leading_zero = text == "01";
        assert_eq!(
            refused,
            if leading_zero {
                malformed(offset)
            } else {
                JsonError::Trailing { offset }
            },
            "{text:?}"
        );
    }
    assert!(read(" \t\r\n{} \t\r\n").is_ok());
}

#[test]
fn a_byte_order_mark_is_refused_as_one() {
    for bytes in [
        b"\xef\xbb\xbf{}".as_slice(),
        b"\xef\xbb\xbf",
        b"\xfe\xff\0{\0}",
        b"\xff\xfe{\0}\0",
    ] {
        assert_eq!(refused(bytes), Some(JsonError::ByteOrderMark));
    }
}

#[test]
fn what_is_not_utf_8_is_refused_wherever_it_stands() {
    for bytes in [
        b"\xff".as_slice(),
        b"{\"a\":\"\xff\"}",
        b"{\"\xff\":1}",
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xf4\x90\x80\x80\"}",
        b"{\"a\":\"\xe2\x82\"}",
        b"{} \x80",
    ] {
        assert_eq!(refused(bytes), Some(JsonError::NotUtf8), "{bytes:?}");
    }
    // UTF-16 and UTF-32 without a mark are UTF-8 with NUL characters.
    assert_eq!(refused(b"{\0}\0"), Some(malformed(1)));
    assert_eq!(refused(b"\0{\0}"), Some(malformed(0)));
    assert_eq!(refused(b"\0\0\0{"), Some(malformed(0)));
}

#[test]
fn half_of_a_surrogate_pair_is_refused() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\uD83D""#,
        r#""\ud83d x""#,
        r#""\ud83d\n""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d\ud83d""#,
        r#""\udc00\ud83d""#,
        r#"{"\ud800":1}"#,
        r#"{"a":[{"b":"\udfff"}]}"#,
    ] {
        assert_eq!(read(text).err(), Some(JsonError::LoneSurrogate), "{text}");
    }
    let pair = read(r#""\ud83d\ude00""#).unwrap();
    assert_eq!(pair.as_str(), Some("\u{1f600}"));
}

#[test]
fn a_member_twice_is_refused_at_every_depth_and_however_it_is_spelt() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"name":1,"n\u0061me":2}"#,
        r#"{"n\u0061me":1,"name":2}"#,
        r#"{"\u006e\u0061me":1,"n\u0061m\u0065":2}"#,
        r#"{"a/b":1,"a\/b":2}"#,
        r#"{"\ud83d\ude00":1,"😀":2}"#,
        r#"{"":1,"":2}"#,
        r#"{"a":null,"a":null}"#,
        r#"[[{"b":{"c":1,"c":2}}]]"#,
        r#"{"a":{"b":1},"a":{"c":1}}"#,
        r#"{"__proto__":1,"__proto__":2}"#,
    ] {
        assert_eq!(read(text).err(), Some(JsonError::Duplicate), "{text}");
    }
    for text in [
        r#"{"a":{"a":{"a":1}}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"a":1,"A":1,"a ":1,"á":1,"a\u0301":1}"#,
    ] {
        assert!(read(text).is_ok(), "{text}");
    }
}

#[test]
fn a_member_twice_among_many_is_refused() {
    for size in [15, 16, 17, 18, 100] {
        let names: Vec<String> = (0..size).map(|at| format!("\"m{at}\":{at}")).collect();
        assert!(read(&format!("{{{}}}", names.join(","))).is_ok());
        for (first, second) in [(0, size - 1), (size / 2, size - 2)] {
            let mut names = names.clone();
            names[second] = format!("\"\\u006d{first}\":0");
            let text = format!("{{{}}}", names.join(","));
            assert_eq!(
                read(&text).err(),
                Some(JsonError::Duplicate),
                "{size} {first} {second}"
            );
        }
    }
}

#[test]
fn a_number_that_fits_no_double_is_refused() {
    let long = "9".repeat(400);
    for text in ["1e400", "-1e400", "[1e309]", &long, "1e99999999999"] {
        assert_eq!(
            read(text).err(),
            Some(JsonError::NumberOutOfRange),
            "{text}"
        );
    }
    assert!(read("1.7976931348623157e308").is_ok());
    assert!(
        matches!(read("1e-400"), Ok(Json::Number(_))),
        "0, for every reader"
    );
}

#[test]
fn neither_errors_nor_debug_prints_say_what_the_document_says() {
    let accepted =
        read(r#"{"secret":"hunter2","n":[4711,null,true],"more":{"secret":0}}"#).unwrap();
    let object = accepted.as_object().unwrap();
    let parts: Vec<String> = object
        .iter()
        .map(|(_, value)| format!("{value:?}"))
        .collect();
    assert_eq!(
        parts,
        ["String(7 bytes)", "Array(3 items)", "Object(1 members)"]
    );
    assert_eq!(format!("{accepted:?}"), "Object(3 members)");
    for text in [
        r#"{"hunter2":1,"hunter2":1}"#,
        r#"{"a":"hunter2\ud800"}"#,
        r#"{"a":hunter2}"#,
        r#"{} "hunter2""#,
    ] {
        let refused = read(text).unwrap_err();
        assert!(
            !format!("{refused} {refused:?}").contains("hunter"),
            "{text}"
        );
    }
}
