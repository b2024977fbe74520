//! JSON objects of tokens and of those who publish keys: as strict as [`crate::json`], and not deep.

use serde_json::{Map, Value};

use crate::json::{self, Json, Limits, Object};

/// The most objects and arrays that may be nested, the outermost included.
pub(super) const MAX_DEPTH: usize = 16;

/// The caller bounds the size, and with it everything but the depth.
const LIMITS: Limits = Limits {
    depth: MAX_DEPTH,
    nodes: usize::MAX,
    text: usize::MAX,
};

/// Why a document is refused. The messages contain nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not one JSON object in UTF-8, or something after it.
    #[error("not a JSON object")]
    Malformed,
    /// More than 16 levels of objects and arrays.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// An object has two members with one name.
    #[error("an object has two members with one name")]
    DuplicateMember,
}

/// Reads one JSON object and nothing after it. The caller bounds the size.
pub fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    borrow_object(bytes).map(Map::from)
}

/// The same, with texts that are borrowed from `bytes`.
pub fn borrow_object(bytes: &[u8]) -> Result<Object<'_>, JsonError> {
    match json::read(bytes, &LIMITS)? {
        Json::Object(object) => Ok(object),
        _ => Err(JsonError::Malformed),
    }
}

impl From<json::JsonError> for JsonError {
    fn from(error: json::JsonError) -> Self {
        use json::JsonError as Read;
        match error {
            Read::Duplicate => Self::DuplicateMember,
            Read::TooDeep => Self::TooDeep,
            Read::NotUtf8
            | Read::ByteOrderMark
            | Read::Malformed { .. }
            | Read::Trailing { .. }
            | Read::LoneSurrogate
            | Read::TooManyNodes
            | Read::TextTooLong
            | Read::NumberOutOfRange => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Map<String, Value>, JsonError> {
        read_object(text.as_bytes())
    }

    #[test]
    fn an_object_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x"],"b":{"c":{}}}"#;
        assert_eq!(Value::Object(read(text).unwrap()).to_string(), text);
    }

    #[test]
    fn anything_but_one_object_is_malformed() {
        for text in [
            "",
            "[]",
            "1",
            "null",
            "{",
            "{} {}",
            "{}x",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1e999}",
        ] {
            assert_eq!(read(text), Err(JsonError::Malformed), "{text}");
        }
        assert_eq!(read_object(b"{\"a\":\"\xff\"}"), Err(JsonError::Malformed));
    }

    #[test]
    fn depth_is_bounded_for_objects_and_arrays() {
        let arrays =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&arrays(MAX_DEPTH - 1)).is_ok());
        assert_eq!(read(&arrays(MAX_DEPTH)), Err(JsonError::TooDeep));
        assert_eq!(read(&arrays(100_000)), Err(JsonError::TooDeep));
        let objects = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        assert!(read(&objects(MAX_DEPTH)).is_ok());
        assert_eq!(read(&objects(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
    }

    #[test]
    fn a_member_twice_is_refused_at_every_depth_and_however_it_is_spelt() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"kid":1,"k\u0069d":2}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert_eq!(read(text), Err(JsonError::DuplicateMember), "{text}");
        }
    }
}
