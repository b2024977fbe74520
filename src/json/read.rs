//! The reader: `serde_json` finds the tokens, and what it finds is judged here, one by one.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Json, JsonError, Limits, Number, Object};

/// U+FEFF as UTF-8, and as UTF-16 in either order.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];

/// Reads one JSON document (RFC 8259) of any kind of value, and refuses what two readers could read differently.
pub fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Json<'a>, JsonError> {
    if BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(JsonError::ByteOrderMark);
    }
    let Ok(text) = simdutf8::basic::from_utf8(bytes) else {
        return Err(JsonError::NotUtf8);
    };
    let reader = Reader {
        text: limits.text,
        nodes: Cell::new(limits.nodes),
        refused: Cell::new(None),
    };
    let outermost = Value {
        reader: &reader,
        depth: limits.depth,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = outermost
        .deserialize(&mut deserializer)
        .map_err(|error| reader.refused.get().unwrap_or_else(|| told(&error, text)))?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(JsonError::Trailing {
            offset: offset(&error, text),
        }),
    }
}

/// What `serde_json` refused itself. It tells its reasons apart in words only; one that it words differently some day
/// is malformed.
fn told(error: &serde_json::Error, text: &str) -> JsonError {
    let words = error.to_string();
    let says = |start: &str| words.starts_with(start);
    if says("lone leading surrogate") || says("unexpected end of hex escape") {
        JsonError::LoneSurrogate
    } else if says("number out of range") {
        JsonError::NumberOutOfRange
    } else if says("recursion limit exceeded") {
        JsonError::TooDeep
    } else {
        JsonError::Malformed {
            offset: offset(error, text),
        }
    }
}

/// Lines and columns, both from 1 on, as an offset in bytes.
fn offset(error: &serde_json::Error, text: &str) -> usize {
    let mut breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let last = error.line().checked_sub(2).and_then(|nth| breaks.nth(nth));
    let before = last.map_or(0, |(at, _)| at + 1);
    let offset = before + error.column().saturating_sub(1);
    offset.min(text.len().saturating_sub(1))
}

/// What is left of the bounds, and why reading stopped: `serde_json` carries errors of others as text only.
struct Reader {
    text: usize,
    nodes: Cell<usize>,
    refused: Cell<Option<JsonError>>,
}

impl Reader {
    fn refuse<E: Error>(&self, why: JsonError) -> E {
        self.refused.set(Some(why));
        E::custom(why)
    }

    fn count<E: Error>(&self) -> Result<(), E> {
        let left = self.nodes.get().checked_sub(1);
        self.nodes
            .set(left.ok_or_else(|| self.refuse(JsonError::TooManyNodes))?);
        Ok(())
    }

    fn measure<E: Error>(&self, text: &str) -> Result<(), E> {
        if text.len() > self.text {
            return Err(self.refuse(JsonError::TextTooLong));
        }
        Ok(())
    }
}

/// Reads a value that may open `depth` more levels.
#[derive(Clone, Copy)]
struct Value<'r> {
    reader: &'r Reader,
    depth: usize,
}

impl Value<'_> {
    fn descend<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.reader.refuse(JsonError::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.reader.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Unsigned(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Signed(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number::Double(value)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Text(self.reader).visit_borrowed_str(text).map(Json::String)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Text(self.reader).visit_str(text).map(Json::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let inner = self.descend()?;
        let mut array = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let inner = self.descend()?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(Text(self.reader))? {
            object.push((name, members.next_value_seed(inner)?));
        }
        match Object::new(object) {
            Some(object) => Ok(Json::Object(object)),
            None => Err(self.reader.refuse(JsonError::Duplicate)),
        }
    }
}

/// Reads a string: the name of a member, or a value.
#[derive(Clone, Copy)]
struct Text<'r>(&'r Reader);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        self.0.count()?;
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        self.0.measure(text)?;
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        self.0.measure(text)?;
        Ok(Cow::Owned(text.to_owned()))
    }
}
