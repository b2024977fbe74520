//! Patterns, filed segment by segment, so that the most specific one is found first.
//!
//! A tree of our own, because a router for web frameworks refuses `/a/{x}` beside `/a/{*rest}`, which a catalogue
//! needs to tell one document from the whole folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;

/// Something that is filed under a pattern.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) entry: usize,
    /// Whether the pattern itself ends with a slash.
    pub(super) slash: bool,
    names: Vec<Arc<str>>,
}

/// Every pattern of a catalogue.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Node,
    leaves: Vec<Leaf>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    parameter: Option<Box<Node>>,
    /// Patterns that end here.
    ends: Methods,
    /// Patterns whose last segment takes the rest of the path.
    rest: Methods,
}

/// Leaves, by method.
#[derive(Debug, Default)]
struct Methods {
    named: BTreeMap<Box<str>, usize>,
    any: Option<usize>,
}

impl Tree {
    /// Files `entry` under a checked pattern; the error is the entry that has the same pattern and method already.
    pub(super) fn insert(
        &mut self,
        method: Option<&str>,
        pattern: &str,
        entry: usize,
    ) -> Result<(), usize> {
        let mut names = Vec::new();
        let methods = self.root.methods_at(pattern, &mut names);
        let slot = match method {
            Some(method) => methods.named.get(method).copied(),
            None => methods.any,
        };
        if let Some(other) = slot.and_then(|leaf| self.leaves.get(leaf)) {
            return Err(other.entry);
        }
        let leaf = self.leaves.len();
        match method {
            Some(method) => drop(methods.named.insert(method.into(), leaf)),
            None => methods.any = Some(leaf),
        }
        self.leaves.push(Leaf {
            entry,
            slash: pattern.len() > 1 && pattern.ends_with('/'),
            names,
        });
        Ok(())
    }

    /// The leaf of the most specific pattern that `path` has, and what its parameters stand for.
    pub(super) fn find<'t, 'p>(
        &'t self,
        method: &str,
        path: &'p str,
    ) -> Option<(&'t Leaf, Vec<(&'t str, &'p str)>)> {
        let mut values = Vec::new();
        let found = self
            .root
            .find(method, Some(path.strip_prefix('/')?), &mut values)?;
        let leaf = self.leaves.get(found)?;
        let named = leaf.names.iter().map(AsRef::as_ref).zip(values).collect();
        Some((leaf, named))
    }
}

impl Node {
    fn methods_at(&mut self, pattern: &str, names: &mut Vec<Arc<str>>) -> &mut Methods {
        let mut node = self;
        for segment in pattern.trim_start_matches('/').split('/') {
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            node = match name {
                None => node.literals.entry(segment.into()).or_default(),
                Some(name) => {
                    names.push(Arc::from(name.trim_start_matches('*')));
                    if name.starts_with('*') {
                        return &mut node.rest;
                    }
                    node.parameter.get_or_insert_default()
                }
            };
        }
        &mut node.ends
    }

    /// Literal text beats a parameter, and a parameter beats the rest. A node is reached in one way only, so a lookup
    /// visits each at most once.
    fn find<'p>(
        &self,
        method: &str,
        rest: Option<&'p str>,
        values: &mut Vec<&'p str>,
    ) -> Option<usize> {
        let Some(rest) = rest else {
            return self.ends.of(method);
        };
        let (segment, next) = match rest.split_once('/') {
            Some((segment, next)) => (segment, Some(next)),
            None => (rest, None),
        };
        let literal = self.literals.get(segment);
        if let Some(found) = literal.and_then(|node| node.find(method, next, values)) {
            return Some(found);
        }
        if segment.is_empty() {
            return None;
        }
        if let Some(node) = &self.parameter {
            let before = values.len();
            values.push(segment);
            if let Some(found) = node.find(method, next, values) {
                return Some(found);
            }
            values.truncate(before);
        }
        let found = self.rest.of(method)?;
        values.push(rest);
        Some(found)
    }
}

impl Methods {
    fn of(&self, method: &str) -> Option<usize> {
        self.named.get(method).copied().or(self.any)
    }
}
