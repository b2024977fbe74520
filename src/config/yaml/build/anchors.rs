//! Anchors and aliases: values written once and used again, as long as that stays small.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Builder, Content, Key};
use crate::config::problem::Position;
use crate::config::yaml::node::{Node, Style, Value};
use crate::config::yaml::source;

/// The most weight that anchors and aliases may copy: enough for shared snippets, not for a bomb.
const MAX_COPIED: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Anchors {
    /// What an alias stands for, with its weight.
    values: HashMap<usize, (Node, usize)>,
    copied: usize,
}

impl Builder<'_> {
    /// Keeps a copy of a finished value if it has an anchor (0 is none).
    pub(super) fn remember(&mut self, anchor: usize, node: &Node, weight: usize) -> Option<()> {
        if anchor > 0 {
            self.copy(weight, node.position)?;
            self.anchors.values.insert(anchor, (node.clone(), weight));
        }
        Some(())
    }

    /// Puts a copy of the anchored value in the place of the alias.
    pub(in super::super) fn alias(&mut self, anchor: usize, position: Position) -> Option<()> {
        let Some(weight) = self.anchors.values.get(&anchor).map(|(_, weight)| *weight) else {
            let message = "an alias cannot stand within the value that it refers to";
            self.report(self.problem("unknown-alias", position, message));
            return None;
        };
        self.copy(weight, position)?;
        self.weigh(weight, position)?;
        let node = self
            .anchors
            .values
            .get(&anchor)
            .map(|(node, _)| node.clone())?;
        self.arrive(node)
    }

    /// Charges what is about to be copied.
    fn copy(&mut self, weight: usize, position: Position) -> Option<()> {
        self.anchors.copied += weight;
        if self.anchors.copied > MAX_COPIED {
            let message = format!("anchors and aliases copy more than {MAX_COPIED} values");
            let problem = self.problem("too-many-aliases", position, message);
            self.report(problem.help("write the values out where they are used"));
            return None;
        }
        Some(())
    }

    /// Refuses an alias without an anchor, which is nearly always a pattern without its quotes.
    pub(in super::super) fn unknown_alias(&mut self, name: &str, position: Position) -> Option<()> {
        let shown = source::clip(name);
        let message = format!("`*{shown}` is a YAML alias, and there is no anchor of that name");
        let content = self.open.last().map(|frame| &frame.content);
        let help = match content {
            Some(Content::Map(_, Key::Awaited)) => format!("put the key in quotes: `\"*{shown}\"`"),
            _ => source::quote(self.text, position),
        };
        self.report(self.problem("unknown-alias", position, message).help(help));
        // Something to stand in its place; the file is refused.
        let value = Value::Str(Arc::from(name));
        self.arrive(Node {
            value,
            position,
            style: Style::Plain,
        })
    }
}
