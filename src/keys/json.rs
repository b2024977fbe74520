//! JSON read strictly: bounded depth, no member twice.
//!
//! `serde_json` keeps the last of two members with one name; another reader of the same token may keep the first. So
//! that both cannot see different tokens, such a document is refused, at every depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The most objects and arrays that may be nested, the outermost included.
pub(super) const MAX_DEPTH: usize = 16;

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
    let problem = Cell::new(JsonError::Malformed);
    let strict = Strict {
        depth: MAX_DEPTH,
        problem: &problem,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(JsonError::Malformed),
        Err(_) => Err(problem.get()),
    }
}

/// Reads a value that may open `depth` more levels, and notes what it refuses in `problem`.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    problem: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn descend<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(JsonError::TooDeep)),
        }
    }

    fn refuse<E: Error>(self, problem: JsonError) -> E {
        self.problem.set(problem);
        E::custom(problem)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.descend()?;
        let mut array = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.descend()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(JsonError::DuplicateMember));
            }
            object.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
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
