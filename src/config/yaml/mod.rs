//! YAML files as trees in which every value and every key knows its line and column.
//!
//! A file is read once ([`Document::read`]) and then decoded item by item ([`Document::entries`], [`Document::items`],
//! [`Document::decode`]), so that one bad rule does not hide the next. Modules report paths; a document maps a path to
//! a place. Scalars are those of the YAML 1.2 core schema: `no` is a string, `true` is not.
//!
//! Nothing here knows what the configuration means, reads a file or prints. No input panics, and everything is bounded:
//! bytes, values, nesting, and what aliases copy. Refused, because a policy has to say one thing: repeated keys, keys
//! that are not strings, tags, merge keys, directives, several documents in one file, numbers that cannot be held.
//!
//! This folder alone uses `serde_yaml` (the crate `serde-saphyr`): the events of its parser, since its serde side stops at the
//! first problem and does not say where keys stand.

mod build;
mod decode;
mod error;
mod node;
mod parse;
mod path;
mod read;
mod scalar;
mod source;
mod syntax;

use std::path::{Path, PathBuf};

use super::problem::{Position, Problem};
use node::Node;

pub use path::{KeyPath, Segment};

/// One YAML file, read.
#[derive(Clone, Debug)]
pub struct Document {
    file: PathBuf,
    root: Node,
}

/// What kind of value stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number or one with a fraction.
    Number,
    /// Text.
    String,
    /// Items in order.
    List,
    /// Keys and values.
    Map,
}

/// A key of a map: what it is called, where it stands and what its value is reached by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry<'d> {
    /// The key as it is meant, without quotes.
    pub key: &'d str,
    /// Where the key stands.
    pub position: Position,
    /// The path of the value.
    pub path: KeyPath,
}

impl Document {
    /// Reads one YAML document of at most 64 MiB, or gives every problem found up to the first that leaves no sense.
    ///
    /// `file` is the name that problems carry; nothing is opened.
    pub fn read(file: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let root = parse::parse(file, text)?;
        Ok(Self {
            file: file.to_owned(),
            root,
        })
    }

    /// The name that the document was read under.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

#[cfg(test)]
mod tests;
