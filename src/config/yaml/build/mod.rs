//! The tree as it grows: unique string keys, no tags, bounded in depth, in weight and in what aliases copy.

mod anchors;

use std::path::Path;
use std::sync::Arc;

use serde_yaml::granit_parser::ScanError;

use anchors::Anchors;

use super::node::{Entry, Map, Node, Repeated, Style, Value};
use super::scalar::{self, OutOfRange};
use super::source::{self, Lines};
use super::syntax;
use crate::config::problem::{Position, Problem};

/// The deepest nesting; everything that walks a document recurses at most this deep.
pub(super) const MAX_DEPTH: usize = 64;
/// The most values and keys that a file may hold, a string counting once more for every 32 bytes: it bounds the memory
/// that a file of two-byte values takes to about half a gigabyte.
const MAX_WEIGHT: usize = 8_000_000;
/// Reading stops after this many problems: what follows is seldom news.
const MAX_PROBLEMS: usize = 100;

/// What may stand in front of a value: the number of its anchor (0 for none) and the place of its tag.
type Decoration = (usize, Option<Position>);

/// A collection that has begun and not ended.
struct Frame {
    position: Position,
    style: Style,
    anchor: usize,
    /// What the document weighed when the collection began.
    weight: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<Entry>, Key),
}

/// The key whose value comes next.
enum Key {
    Awaited,
    Read(Arc<str>, Position),
    /// Reported already; its value is read for its own problems and dropped.
    Refused,
}

pub(super) struct Builder<'t> {
    file: &'t Path,
    text: &'t str,
    lines: Lines,
    problems: Vec<Problem>,
    open: Vec<Frame>,
    root: Option<Node>,
    anchors: Anchors,
    weight: usize,
    documents: usize,
}

impl<'t> Builder<'t> {
    pub(super) fn new(file: &'t Path, text: &'t str) -> Self {
        Self {
            file,
            text,
            lines: Lines::new(text),
            problems: Vec::new(),
            open: Vec::new(),
            root: None,
            anchors: Anchors::default(),
            weight: 0,
            documents: 0,
        }
    }

    pub(super) fn finish(self) -> Result<Node, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        match self.root {
            Some(node) if !matches!(node.value, Value::Null) => Ok(node),
            _ => Err(vec![
                Problem::error("empty-file", self.file, "the file has no content")
                    .at(Position::START),
            ]),
        }
    }

    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn problem(
        &self,
        code: &'static str,
        position: Position,
        message: impl Into<String>,
    ) -> Problem {
        Problem::error(code, self.file, message).at(self.lines.inside(position))
    }

    pub(super) fn document(&mut self, position: Position) -> Option<()> {
        self.documents += 1;
        if self.documents > 1 {
            let problem = self.problem(
                "several-documents",
                position,
                "a second document begins here",
            );
            self.report(
                problem.help("put each document into a file of its own, or remove the `---`"),
            );
            return None;
        }
        Some(())
    }

    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: Style,
        (anchor, tag): Decoration,
        position: Position,
    ) -> Option<()> {
        self.refuse_tag(tag);
        let weight = 1 + text.len() / 32;
        self.weigh(weight, position)?;
        let value = match style {
            Style::Plain => scalar::resolve(text).unwrap_or_else(|OutOfRange| {
                let message = format!("the number `{}` cannot be held", source::clip(text));
                let problem = self.problem("number-out-of-range", position, message);
                self.report(problem.help("put it in quotes if it is meant as text"));
                Value::Str(Arc::from(text))
            }),
            _ => Value::Str(Arc::from(text)),
        };
        let absent = text.is_empty() && style == Style::Plain;
        let position = if absent {
            self.nothing(position)
        } else {
            self.lines.inside(position)
        };
        let node = Node {
            value,
            position,
            style,
        };
        self.remember(anchor, &node, weight)?;
        self.arrive(node)
    }

    /// Where a value that is not there is missed: at its key, or where the parser noticed.
    fn nothing(&self, noticed: Position) -> Position {
        match self.open.last().map(|frame| &frame.content) {
            Some(Content::Map(_, Key::Read(_, key))) => *key,
            _ => self.lines.inside(noticed),
        }
    }

    pub(super) fn explain(&mut self, error: &ScanError) {
        self.report(syntax::explain(self.file, self.text, &self.lines, error));
    }

    pub(super) fn list(
        &mut self,
        style: Style,
        decoration: Decoration,
        position: Position,
    ) -> Option<()> {
        self.begin(style, decoration, position, Content::List(Vec::new()))
    }

    pub(super) fn map(
        &mut self,
        style: Style,
        decoration: Decoration,
        position: Position,
    ) -> Option<()> {
        self.begin(
            style,
            decoration,
            position,
            Content::Map(Vec::new(), Key::Awaited),
        )
    }

    fn begin(
        &mut self,
        style: Style,
        (anchor, tag): Decoration,
        position: Position,
        content: Content,
    ) -> Option<()> {
        self.refuse_tag(tag);
        if self.open.len() >= MAX_DEPTH {
            let message = format!("values are nested more than {MAX_DEPTH} deep");
            self.report(self.problem("too-deep", position, message));
            return None;
        }
        self.open.push(Frame {
            position: self.lines.inside(position).point(),
            style,
            anchor,
            weight: self.weight,
            content,
        });
        self.weigh(1, position)
    }

    pub(super) fn end(&mut self) -> Option<()> {
        let Frame {
            position,
            style,
            anchor,
            weight,
            content,
        } = self.open.pop()?;
        let value = match content {
            Content::List(items) => Value::List(items.into_boxed_slice()),
            Content::Map(entries, _) => {
                let (map, repeated) = Map::new(entries);
                for Repeated {
                    key,
                    position,
                    first_line,
                } in repeated.into_iter().take(MAX_PROBLEMS)
                {
                    let problem =
                        self.problem("duplicate-key", position, format!("duplicate key `{key}`"));
                    self.report(problem.help(format!("it was first set on line {first_line}")));
                }
                Value::Map(map)
            }
        };
        let node = Node {
            value,
            position,
            style,
        };
        self.remember(anchor, &node, self.weight - weight)?;
        self.arrive(node)
    }

    /// Puts a finished value where it belongs: into its list, as a key, behind its key, or as the whole document.
    fn arrive(&mut self, node: Node) -> Option<()> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map(entries, key) => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    let read = self.key(node);
                    if let Some(Frame {
                        content: Content::Map(_, key),
                        ..
                    }) = self.open.last_mut()
                    {
                        *key = read;
                    }
                }
                Key::Read(key, position) => entries.push(Entry {
                    key,
                    position,
                    value: node,
                }),
                Key::Refused => {}
            },
        }
        (self.problems.len() < MAX_PROBLEMS).then_some(())
    }

    fn key(&mut self, node: Node) -> Key {
        let Node {
            value,
            position,
            style,
        } = node;
        let problem = match value {
            Value::Str(key) if style == Style::Plain && &*key == "<<" => self
                .problem(
                    "merge-key",
                    position,
                    "merge keys (`<<`) are not part of YAML 1.2",
                )
                .help("write the keys out, or refer to a whole value with an alias"),
            Value::Str(key) => return Key::Read(key, position),
            Value::List(_) | Value::Map(_) => self
                .problem("key-not-string", position, "a key must be a string")
                .help("text that begins with `{` or `[` must be in quotes"),
            Value::Null => self.problem("key-not-string", position, "a key is missing before `:`"),
            Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
                let written = source::excerpt(self.text, position);
                self.problem(
                    "key-not-string",
                    position,
                    format!("a key must be a string, and `{written}` is none"),
                )
                .help(format!("put it in quotes: `\"{written}\"`"))
            }
        };
        self.report(problem);
        Key::Refused
    }

    fn refuse_tag(&mut self, tag: Option<Position>) {
        if let Some(position) = tag {
            let problem = self.problem(
                "tag",
                position,
                "a value that begins with `!` is a YAML tag, and tags have no meaning here",
            );
            self.report(problem.help(source::quote(self.text, position)));
        }
    }

    fn weigh(&mut self, weight: usize, position: Position) -> Option<()> {
        self.weight += weight;
        if self.weight > MAX_WEIGHT {
            let message = format!("the file holds more than {MAX_WEIGHT} values");
            let problem = self.problem("too-large", position, message);
            self.report(problem.help("split it: any number of files is read"));
            return None;
        }
        Some(())
    }
}
