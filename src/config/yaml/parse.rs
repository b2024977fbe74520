//! From text to tree: the events of the YAML parser, each given to the tree that grows.

use std::path::Path;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, options};

use super::build::{Builder, MAX_DEPTH};
use super::node::{Node, Style};
use super::source;
use crate::config::problem::{Position, Problem};

/// The largest file read: three times what a hundred thousand rules take.
const MAX_BYTES: usize = 64 << 20;

/// Reads one YAML document and reports every problem that can be told apart from the first.
pub(super) fn parse(file: &Path, text: &str) -> Result<Node, Vec<Problem>> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; at most {MAX_BYTES} are read",
            text.len()
        );
        return Err(vec![
            Problem::error("too-large", file, message)
                .help("split it: any number of files is read"),
        ]);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::new(file, text);
    // One level more than the builder takes: its message is the better one.
    let options = options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    for read in Parser::new_from_str_with_options(text, options) {
        let done = match read {
            Ok((event, span)) => feed(&mut builder, &event, &span).is_none(),
            Err(error) => {
                builder.explain(&error);
                true
            }
        };
        if done {
            break;
        }
    }
    builder.finish()
}

/// Gives one event to the tree; `None` ends the reading.
fn feed(builder: &mut Builder<'_>, event: &Event<'_>, span: &Span) -> Option<()> {
    let position = position(span);
    let tag = || span.tag_start().map(|start| source::position(&start));
    match event {
        Event::DocumentStart(..) => builder.document(position),
        Event::Scalar(text, style, anchor, _) => {
            // The parser gives a value that is not there as `~`.
            let is_written = span.start.index() < span.end.index();
            let text = if is_written { text.as_ref() } else { "" };
            builder.scalar(text, scalar_style(*style), (*anchor, tag()), position)
        }
        Event::SequenceStart(style, anchor, _) => {
            builder.list(collection_style(*style), (*anchor, tag()), position)
        }
        Event::MappingStart(style, anchor, _) => {
            builder.map(collection_style(*style), (*anchor, tag()), position)
        }
        Event::SequenceEnd | Event::MappingEnd => builder.end(),
        Event::Alias(anchor) => builder.alias(*anchor, position),
        Event::UnresolvedAlias(name) => builder.unknown_alias(name, position),
        // The ends of the stream and of the document, and what the options above do not ask for.
        _ => Some(()),
    }
}

fn position(span: &Span) -> Position {
    let start = source::position(&span.start);
    if span.start.line() != span.end.line() {
        return start;
    }
    let width = span.end.col().saturating_sub(span.start.col()).max(1);
    Position {
        width: u32::try_from(width).unwrap_or(u32::MAX),
        ..start
    }
}

fn scalar_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

fn collection_style(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}
