//! The text of a file around a place in it.

use serde_yaml::granit_parser::Marker;

use crate::config::problem::{Position, split_lines};

/// Longer quotations from the file are cut.
const MAX_QUOTED: usize = 60;

/// How long each line is, to keep what the parser reports inside the file.
#[derive(Debug)]
pub(super) struct Lines(Vec<u32>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        Self(
            split_lines(text)
                .map(|line| u32::try_from(line.chars().count()).unwrap_or(u32::MAX))
                .collect(),
        )
    }

    /// The place itself, or the end of the last line with something on it when the place is behind the end.
    pub(super) fn inside(&self, position: Position) -> Position {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        let is_last = line >= self.0.len();
        match line.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some(&length) if !is_last || length > 0 => Position {
                column: position.column.clamp(1, length.saturating_add(1)),
                ..position
            },
            _ => self.end(),
        }
    }

    fn end(&self) -> Position {
        let last = self.0.iter().enumerate().rfind(|(_, length)| **length > 0);
        last.map_or(Position::START, |(index, length)| Position {
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            column: *length,
            width: 1,
        })
    }
}

pub(super) fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position {
        line: number(marker.line().max(1)),
        column: number(marker.col().saturating_add(1)),
        width: 1,
    }
}

/// A quotation short enough for a message.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(MAX_QUOTED).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped
}

/// What the file says at a place.
pub(super) fn excerpt(text: &str, position: Position) -> String {
    let width = usize::try_from(position.width).unwrap_or(1).min(MAX_QUOTED);
    from(text, position).chars().take(width).collect()
}

pub(super) fn line(text: &str, number: u32) -> &str {
    let index = usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    split_lines(text).nth(index).unwrap_or_default()
}

/// The rest of the line from a place on.
fn from(text: &str, position: Position) -> &str {
    let mut rest = line(text, position.line).chars();
    for _ in 1..position.column {
        rest.next();
    }
    rest.as_str()
}

/// How to quote the value that begins at a place, spelled out where the rest of the line is that value.
pub(super) fn quote(text: &str, position: Position) -> String {
    let line = line(text, position.line);
    let rest = from(text, position);
    let before = line.strip_suffix(rest).unwrap_or_default();
    let value = rest.split(" #").next().unwrap_or(rest).trim_end();
    let whole = !before.contains(['{', '[']) && !value.is_empty() && value.len() <= MAX_QUOTED;
    match (whole, value.contains(['"', '\\']), value.contains('\'')) {
        (true, false, _) => format!("put the whole value in quotes: `\"{value}\"`"),
        (true, true, false) => format!("put the whole value in quotes: `'{value}'`"),
        _ => "put the whole value in quotes".to_owned(),
    }
}
