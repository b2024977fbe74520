//! What is asked of a document: places, items, and values decoded into the types of the modules.

use std::cell::RefCell;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::decode::{self, Cursor, Decoding, Trail};
use super::error::Flaw;
use super::node::{Place, Style, Value};
use super::path::KeyPath;
use super::{Document, Kind, MapEntry};
use crate::config::problem::{Position, Problem};

impl Document {
    fn root_place(&self) -> Place<'_> {
        Place {
            node: &self.root,
            key: None,
        }
    }

    fn find(&self, path: &KeyPath) -> Option<Place<'_>> {
        path.segments()
            .iter()
            .try_fold(self.root_place(), Place::step)
    }

    /// What stands at the path, or else at its nearest ancestor, and whether it was the path itself.
    fn nearest(&self, path: &KeyPath) -> (Place<'_>, bool) {
        let mut place = self.root_place();
        for segment in path.segments() {
            match place.step(segment) {
                Some(next) => place = next,
                None => return (place, false),
            }
        }
        (place, true)
    }

    /// What kind of value stands at the path, or none if nothing does.
    pub fn kind(&self, path: &KeyPath) -> Option<Kind> {
        self.find(path).map(|place| match place.node.value {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => Kind::Number,
            Value::Str(_) => Kind::String,
            Value::List(_) => Kind::List,
            Value::Map(_) => Kind::Map,
        })
    }

    /// Where the value at the path stands; if the path does not exist, its nearest ancestor that does.
    ///
    /// An ancestor written by indentation is shown by its key, since its own start is its first key.
    pub fn position(&self, path: &KeyPath) -> Position {
        match self.nearest(path) {
            (place, true) => place.node.position,
            (place, false) => place.holder(),
        }
    }

    /// Where the key at the end of the path stands; for an item of a list or the document, where the value stands.
    pub fn key_position(&self, path: &KeyPath) -> Position {
        match self.nearest(path) {
            (Place { key: Some(key), .. }, _) => key,
            (place, _) => place.node.position,
        }
    }

    /// Where a byte of the text at the path stands.
    ///
    /// Exact in single-line text without escapes, near in double quotes with escapes, and the start of the text where it
    /// spans lines. A path or offset that does not exist gives the nearest place that does.
    pub fn position_in(&self, path: &KeyPath, offset: usize) -> Position {
        let (place, exact) = self.nearest(path);
        let Value::Str(text) = &place.node.value else {
            return self.position(path);
        };
        let start = place.node.position;
        let before = text.char_indices().take_while(|(index, _)| *index < offset);
        let shift = match place.node.style {
            Style::Plain => before.count(),
            // A quote within single quotes is written twice.
            Style::SingleQuoted => {
                1 + before
                    .map(|(_, char)| if char == '\'' { 2 } else { 1 })
                    .sum::<usize>()
            }
            Style::DoubleQuoted => 1 + before.count(),
            Style::Block | Style::Flow => return start,
        };
        // Only a scalar on one line knows its width.
        if !exact || start.width == 1 {
            return start;
        }
        let shift = u32::try_from(shift)
            .unwrap_or(u32::MAX)
            .min(start.width - 1);
        Position {
            column: start.column.saturating_add(shift),
            width: 1,
            ..start
        }
    }

    /// An error about the value at the path.
    pub fn error(&self, path: &KeyPath, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::error(code, &self.file, message)
            .at(self.position(path))
            .on(path)
    }

    /// An error about the key at the end of the path.
    pub fn error_at_key(
        &self,
        path: &KeyPath,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem::error(code, &self.file, message)
            .at(self.key_position(path))
            .on(path)
    }

    /// An error about a byte of the text at the path.
    pub fn error_in(
        &self,
        path: &KeyPath,
        offset: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem::error(code, &self.file, message)
            .at(self.position_in(path, offset))
            .on(path)
    }

    /// A warning about the value at the path.
    pub fn warning(
        &self,
        path: &KeyPath,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem::warning(code, &self.file, message)
            .at(self.position(path))
            .on(path)
    }

    /// Decodes the value at the path.
    ///
    /// Every key of a struct must be one of its fields, whether it has `deny_unknown_fields` or not, and all that are
    /// not are reported together; a key without a value is not an absent key. Untagged and internally tagged enums
    /// lose the place of what is wrong within them.
    pub fn decode<T: DeserializeOwned>(&self, path: &KeyPath) -> Result<T, Vec<Problem>> {
        self.decode_without(path, &[])
    }

    /// Decodes the map at the path as if it did not have the keys in `apart`, which the caller reads item by item.
    pub fn decode_without<T: DeserializeOwned>(
        &self,
        path: &KeyPath,
        apart: &[&str],
    ) -> Result<T, Vec<Problem>> {
        let Some(place) = self.find(path) else {
            return Err(vec![self.error(
                path,
                "missing-key",
                format!("missing `{path}`"),
            )]);
        };
        let decoding = Decoding {
            file: &self.file,
            base: path,
            apart,
            problems: RefCell::default(),
        };
        let cursor = Cursor {
            decoding: &decoding,
            place,
            trail: &Trail::Root,
        };
        let result = cursor.decode(PhantomData::<T>);
        let mut problems = decoding.problems.take();
        match result {
            Ok(value) if problems.is_empty() => Ok(value),
            Ok(_) => Err(problems),
            Err(error) => {
                // `frobid` was reported with "did you mean `forbid`?": that `forbid` is missing is no news.
                let said = matches!(error.flaw(), Flaw::MissingKey(key) if problems.iter().any(|unknown| {
                    unknown.help.as_deref().is_some_and(|help| help.starts_with(&format!("did you mean `{key}`?")))
                }));
                if !said {
                    problems.push(decode::problem(&decoding, error, place.node.position));
                }
                Err(problems)
            }
        }
    }

    /// Decodes the value at the path, or gives none if the path does not exist.
    pub fn decode_optional<T: DeserializeOwned>(
        &self,
        path: &KeyPath,
    ) -> Result<Option<T>, Vec<Problem>> {
        if self.find(path).is_none() {
            Ok(None)
        } else {
            self.decode(path).map(Some)
        }
    }

    /// The entries of the map at the path, in the order of the file; none if the path does not exist.
    pub fn entries(&self, path: &KeyPath) -> Result<Vec<MapEntry<'_>>, Vec<Problem>> {
        match self.find(path) {
            None => Ok(Vec::new()),
            Some(Place { node, .. }) => match &node.value {
                Value::Map(map) => Ok(map
                    .entries()
                    .iter()
                    .map(|entry| MapEntry {
                        key: &entry.key,
                        position: entry.position,
                        path: path.join(&*entry.key),
                    })
                    .collect()),
                _ => Err(self.not_a(path, "a map")),
            },
        }
    }

    /// The paths of the items of the list at the path; none if the path does not exist.
    pub fn items(&self, path: &KeyPath) -> Result<Vec<KeyPath>, Vec<Problem>> {
        match self.find(path) {
            None => Ok(Vec::new()),
            Some(Place { node, .. }) => match &node.value {
                Value::List(items) => Ok((0..items.len()).map(|index| path.join(index)).collect()),
                _ => Err(self.not_a(path, "a list")),
            },
        }
    }

    fn not_a(&self, path: &KeyPath, expected: &str) -> Vec<Problem> {
        let Some(place) = self.find(path) else {
            return Vec::new();
        };
        let decoding = Decoding {
            file: &self.file,
            base: path,
            apart: &[],
            problems: RefCell::default(),
        };
        let error = Cursor {
            decoding: &decoding,
            place,
            trail: &Trail::Root,
        }
        .mismatch(expected);
        vec![decode::problem(&decoding, error, place.node.position)]
    }

    /// The keys of the map at the path that are not among `allowed`, or that it is no map; a path that does not exist is fine.
    pub fn check_keys(&self, path: &KeyPath, allowed: &[&str]) -> Vec<Problem> {
        match self.find(path).map(|place| &place.node.value) {
            None => Vec::new(),
            Some(Value::Map(map)) => map
                .entries()
                .iter()
                .filter(|entry| !allowed.contains(&&*entry.key))
                .map(|entry| decode::unknown_key(&self.file, entry, path, allowed.iter().copied()))
                .collect(),
            Some(_) => self.not_a(path, "a map"),
        }
    }
}
