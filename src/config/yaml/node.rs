//! The tree that a YAML file is read into: every value and every key knows where it stands.

use std::sync::Arc;

use super::path::Segment;
use crate::config::problem::Position;

/// Maps up to this size are searched from end to end, which is as quick as an index.
const SMALL_MAP: usize = 16;

/// How a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` and `>` text, and collections by indentation.
    Block,
    /// Collections in brackets.
    Flow,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) position: Position,
    pub(super) style: Style,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Only what does not fit an `i64`.
    Uint(u64),
    /// Always finite.
    Float(f64),
    Str(Arc<str>),
    List(Box<[Node]>),
    Map(Map),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    pub(super) position: Position,
    pub(super) value: Node,
}

/// The entries as written, and for large maps their indices in the order of their keys.
#[derive(Clone, Debug)]
pub(super) struct Map {
    entries: Box<[Entry]>,
    sorted: Box<[u32]>,
}

/// A key that a map has already.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) key: Arc<str>,
    pub(super) position: Position,
    pub(super) first_line: u32,
}

impl Map {
    /// Builds the map, and gives apart the keys that repeat an earlier one; a map that has any is of no use.
    pub(super) fn new(entries: Vec<Entry>) -> (Self, Vec<Repeated>) {
        let key = |index: usize| entries.get(index).map(|entry| &*entry.key);
        let mut order: Vec<usize> = (0..entries.len()).collect();
        // The sort is stable: of equal keys the first written comes first.
        order.sort_by(|&a, &b| key(a).cmp(&key(b)));
        let mut repeated = Vec::new();
        for equal in order.chunk_by(|&a, &b| key(a) == key(b)) {
            let mut equal = equal.iter().filter_map(|&index| entries.get(index));
            let Some(first) = equal.next() else { continue };
            repeated.extend(equal.map(|entry| Repeated {
                key: Arc::clone(&entry.key),
                position: entry.position,
                first_line: first.position.line,
            }));
        }
        if entries.len() <= SMALL_MAP {
            order.clear();
        }
        let sorted = order
            .into_iter()
            .filter_map(|index| u32::try_from(index).ok())
            .collect();
        (
            Self {
                entries: entries.into_boxed_slice(),
                sorted,
            },
            repeated,
        )
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        if self.sorted.is_empty() {
            return self.entries.iter().find(|entry| &*entry.key == key);
        }
        let at = |index: u32| self.entries.get(usize::try_from(index).ok()?);
        let found = self
            .sorted
            .binary_search_by(|&index| at(index).map(|entry| &*entry.key).cmp(&Some(key)));
        at(*self.sorted.get(found.ok()?)?)
    }
}

/// What stands at a path: the value, and the key in front of it when it is the value of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'d> {
    pub(super) node: &'d Node,
    pub(super) key: Option<Position>,
}

impl Place<'_> {
    pub(super) fn step(self, segment: &Segment) -> Option<Self> {
        match (&self.node.value, segment) {
            (Value::Map(map), Segment::Key(key)) => map.get(key).map(|entry| Self {
                node: &entry.value,
                key: Some(entry.position),
            }),
            (Value::List(items), Segment::Index(index)) => {
                items.get(*index).map(|node| Self { node, key: None })
            }
            _ => None,
        }
    }

    /// Where to point when something is missing here: at the key of a map written by indentation, whose own start is
    /// its first key and would look accused, else at the value.
    pub(super) fn holder(self) -> Position {
        match (self.node.style, self.key) {
            (Style::Block, Some(key)) => key,
            _ => self.node.position,
        }
    }
}
