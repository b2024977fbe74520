//! A node as a serde deserializer: every error carries the place of the value or the key that caused it.

mod access;

use std::cell::RefCell;
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use access::{EnumAccess, ListAccess, MapAccess};

use super::error::{DecodeError, Flaw, choices};
use super::node::{Entry, Node, Place, Value};
use super::path::{KeyPath, Segment};
use crate::config::problem::{Position, Problem};

/// What one decoding shares: where it reports, and the keys at its root that are read apart.
pub(super) struct Decoding<'d> {
    pub(super) file: &'d Path,
    pub(super) base: &'d KeyPath,
    pub(super) apart: &'d [&'d str],
    pub(super) problems: RefCell<Vec<Problem>>,
}

/// The way from the root of the decoding to the value at hand, made into a path only when something is wrong.
#[derive(Clone, Copy)]
pub(super) enum Trail<'a> {
    Root,
    Key(&'a Trail<'a>, &'a str),
    Index(&'a Trail<'a>, usize),
}

impl Trail<'_> {
    fn path(&self, base: &KeyPath) -> KeyPath {
        match self {
            Self::Root => base.clone(),
            Self::Key(parent, key) => parent.path(base).join(*key),
            Self::Index(parent, index) => parent.path(base).join(Segment::Index(*index)),
        }
    }
}

/// One value to decode.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a, 'd> {
    pub(super) decoding: &'a Decoding<'d>,
    pub(super) place: Place<'d>,
    pub(super) trail: &'a Trail<'a>,
}

impl<'d> Cursor<'_, 'd> {
    /// Decodes the value, and puts an error that nothing within it has claimed at the value itself.
    pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        seed.deserialize(self).map_err(|mut error| {
            if !error.is_placed() {
                let missing = matches!(error.flaw(), Flaw::MissingKey(_));
                let position = if missing {
                    self.place.holder()
                } else {
                    self.place.node.position
                };
                error.place(position, self.path().to_string());
            }
            error
        })
    }

    fn path(self) -> KeyPath {
        self.trail.path(self.decoding.base)
    }

    fn is_apart(self, key: &str) -> bool {
        matches!(self.trail, Trail::Root) && self.decoding.apart.contains(&key)
    }

    /// Reports every key of a struct that it does not have, so that they need not be found one by one.
    fn report_unknown(self, entries: &[Entry], fields: &'static [&'static str]) {
        let apart = if matches!(self.trail, Trail::Root) {
            self.decoding.apart
        } else {
            &[]
        };
        let allowed = || fields.iter().chain(apart).copied();
        for entry in entries {
            if allowed().any(|known| known == &*entry.key) {
                continue;
            }
            self.decoding.problems.borrow_mut().push(unknown_key(
                self.decoding.file,
                entry,
                &self.path(),
                allowed(),
            ));
        }
    }

    fn visit_list<'de, V: Visitor<'de>>(
        self,
        items: &'d [Node],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let mut access = ListAccess {
            cursor: self,
            items: items.iter().enumerate(),
        };
        let value = visitor.visit_seq(&mut access)?;
        match access.items.len() {
            0 => Ok(value),
            left => Err(de::Error::custom(format_args!(
                "{left} items more than expected"
            ))),
        }
    }

    fn visit_map<'de, V: Visitor<'de>>(
        self,
        entries: &'d [Entry],
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_map(MapAccess {
            cursor: self,
            entries: entries.iter(),
            fields,
            value: None,
        })
    }
}

/// The problem of a key that nothing reads.
pub(super) fn unknown_key<'a>(
    file: &Path,
    entry: &Entry,
    map: &KeyPath,
    allowed: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let flaw = Flaw::UnknownKey {
        key: entry.key.to_string(),
        allowed: Vec::new(),
    };
    let problem = Problem::error(flaw.code(), file, flaw.to_string())
        .at(entry.position)
        .on(&map.join(&*entry.key));
    let problem = match choices(&entry.key, allowed) {
        Some(advice) => problem.help(advice),
        None => problem.help("no keys are allowed here"),
    };
    // `{ when: f(a, b) }` holds the keys `when` and `b)`.
    if entry
        .key
        .contains(['(', ')', '"', '\'', '=', '<', '>', '&', '|'])
    {
        return problem
            .help("if it belongs to the value before it, put that whole value in quotes");
    }
    problem
}

impl<'de> Deserializer<'de> for Cursor<'_, '_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.place.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Uint(number) => visitor.visit_u64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Str(text) => visitor.visit_str(text),
            Value::List(items) => self.visit_list(items, visitor),
            Value::Map(map) => self.visit_map(map.entries(), None, visitor),
        }
    }

    /// A key that is written has a value: `when:` with nothing behind it is an error, not an absent condition.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Value::Map(map) = &self.place.node.value else {
            return Err(self.mismatch("a map"));
        };
        self.report_unknown(map.entries(), fields);
        self.visit_map(map.entries(), Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.place.node.value {
            Value::Str(name) => visitor.visit_enum(name.as_ref().into_deserializer()),
            Value::Map(map) => match map.entries() {
                [entry] => visitor.visit_enum(EnumAccess {
                    cursor: self,
                    entry,
                }),
                _ => Err(de::Error::custom(format_args!(
                    "expected a map with exactly one of the keys {}",
                    list(variants)
                ))),
            },
            _ => Err(self.mismatch(&format!("one of {}", list(variants)))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

impl Cursor<'_, '_> {
    /// Says that the value is not of the kind expected.
    pub(super) fn mismatch(self, expected: &str) -> DecodeError {
        let found = match &self.place.node.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Int(number) => Unexpected::Signed(*number),
            Value::Uint(number) => Unexpected::Unsigned(*number),
            Value::Float(number) => Unexpected::Float(*number),
            Value::Str(text) => Unexpected::Str(text),
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
        };
        de::Error::invalid_type(found, &expected)
    }
}

fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Where the value at a path is missing a key or is not what was expected.
pub(super) fn problem(decoding: &Decoding<'_>, error: DecodeError, fallback: Position) -> Problem {
    let (flaw, placed) = error.into_parts();
    let (position, path) = placed.unwrap_or_else(|| (fallback, decoding.base.to_string()));
    let problem = Problem::error(flaw.code(), decoding.file, flaw.to_string())
        .at(position)
        .on(&path);
    match flaw.help() {
        Some(advice) => problem.help(advice),
        None => problem,
    }
}
