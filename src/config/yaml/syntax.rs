//! What the YAML parser did not understand, in the user's words and with the likely cure.

use std::path::Path;

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use super::source::{Lines, line, position, quote};
use crate::config::problem::{Position, Problem, split_lines};

/// Explains why the text is not YAML.
pub(super) fn explain(file: &Path, text: &str, lines: &Lines, error: &ScanError) -> Problem {
    let at = position(error.marker());
    let (code, message, help) = if let Some(tab) = tab(text, at, error.kind()) {
        return Problem::error("tab", file, "a tab cannot indent YAML")
            .at(lines.inside(tab))
            .help("use spaces");
    } else if let Some((start, reason, help)) = unquoted(text, at, error.kind()) {
        return Problem::error("needs-quotes", file, reason)
            .at(lines.inside(start))
            .help(help);
    } else {
        describe(error.kind())
    };
    // The parser points behind the key or the `-` that is in the wrong column.
    let is_list_on_key = *error.kind() == ErrorKind::BlockSequenceEntryNotAllowed;
    let at = if code == "indentation" && !is_list_on_key {
        line_start(text, at)
    } else {
        at
    };
    let problem = Problem::error(code, file, message).at(lines.inside(at));
    if help.is_empty() {
        problem
    } else {
        problem.help(help)
    }
}

fn line_start(text: &str, at: Position) -> Position {
    let indent = line(text, at.line)
        .chars()
        .take_while(|char| *char == ' ')
        .count();
    Position {
        column: u32::try_from(indent + 1).unwrap_or(u32::MAX),
        ..at
    }
}

/// Where the tab is that the parser stumbled over, perhaps on a later line than the value that it was reading.
fn tab(text: &str, at: Position, kind: &ErrorKind) -> Option<Position> {
    let about_tabs = matches!(
        kind,
        ErrorKind::TabInIndentation
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    );
    let index = usize::try_from(at.line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let lines = split_lines(text)
        .enumerate()
        .skip(index)
        .take(if about_tabs { usize::MAX } else { 1 });
    let indented = |line: &str| {
        line.chars()
            .take_while(|char| [' ', '\t'].contains(char))
            .position(|char| char == '\t')
    };
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let mut found = lines.filter_map(|(line, text)| Some((line, indented(text)?)));
    match found.next() {
        Some((line, column)) => Some(Position {
            line: number(line),
            column: number(column),
            width: 1,
        }),
        None => about_tabs.then_some(at),
    }
}

/// The commonest mistake in a policy: a condition or a pattern that YAML reads as something of its own.
fn unquoted(text: &str, at: Position, kind: &ErrorKind) -> Option<(Position, String, String)> {
    let (start, value) = value_on(text, at.line)?;
    let first = value.chars().next()?;
    let reason = match (first, kind) {
        (
            _,
            ErrorKind::DirectiveDisallowed
            | ErrorKind::RecursionLimitExceeded
            | ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::MismatchedFlowCollectionEnd { .. }
            | ErrorKind::MisplacedFlowCollectionEnd,
        ) => return None,
        ('!' | '*' | '&' | '%' | '@' | '`', _) => {
            format!("a value cannot begin with `{first}` unless it is in quotes")
        }
        (
            '"' | '\'',
            ErrorKind::InvalidTrailingDoubleQuotedScalar
            | ErrorKind::InvalidTrailingSingleQuotedScalar
            | ErrorKind::ExpectedBlockMappingKey,
        ) => {
            let reason = format!("this value ends at its second `{first}`, and more follows");
            if value.len() > 1 && value.ends_with(first) {
                let twice = if first == '"' { "\\\"" } else { "''" };
                return Some((
                    start,
                    reason,
                    format!("write `{twice}` for a `{first}` within the quotes"),
                ));
            }
            reason
        }
        (_, ErrorKind::MappingValueNotAllowed) if value.contains(": ") => {
            "a value that contains `: ` must be in quotes".to_owned()
        }
        _ => return None,
    };
    Some((start, reason, quote(text, start)))
}

/// The code, the message and the advice for what the parser reports.
fn describe(kind: &ErrorKind) -> (&'static str, String, &'static str) {
    let (code, message, help) = match kind {
        ErrorKind::RecursionLimitExceeded => ("too-deep", "values are nested too deep", ""),
        ErrorKind::DirectiveDisallowed => (
            "syntax",
            "a line that begins with `%` is a YAML directive, and none is accepted",
            "remove the line",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let message = format!(
                "the character U+{:04X} cannot stand here",
                u32::from(*character)
            );
            return (
                "syntax",
                message,
                "remove it, or write it as an escape in double quotes",
            );
        }
        ErrorKind::SimpleKeyExpected => (
            "syntax",
            "expected `key: value`",
            "is a `:` with a space after it missing?",
        ),
        ErrorKind::MappingValueNotAllowed => (
            "indentation",
            "a key cannot stand here",
            "is the line indented deeper than the keys it belongs to, or the `: ` missing on the line above?",
        ),
        ErrorKind::BlockSequenceEntryNotAllowed => (
            "indentation",
            "a list item (`- `) cannot stand here",
            "a list begins on the line after its key, and keys and items do not mix",
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidSimpleKey => (
            "indentation",
            "this line does not line up with the lines above it",
            "keys of one map, and items of one list, begin in the same column",
        ),
        other => return brackets_and_quotes(other),
    };
    (code, message.to_owned(), help)
}

const QUOTE_WHOLE: &str = "is a `,` or a closing bracket missing? a value that contains `,`, `: `, brackets or quotes must be in quotes as a whole";

fn brackets_and_quotes(kind: &ErrorKind) -> (&'static str, String, &'static str) {
    let (message, help) = match kind {
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => (
            "a quote is opened before here and not closed".to_owned(),
            "close it, or put a value that contains quotes in the other kind of quotes",
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "this `\\` escape does not exist in double quotes".to_owned(),
            "write `\\\\`, or use single quotes, where `\\` is itself",
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            (format!("this `{open}` is not closed"), QUOTE_WHOLE)
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            (format!("a `{open}` is closed by `{close}`"), QUOTE_WHOLE)
        }
        ErrorKind::MisplacedFlowCollectionEnd => (
            "a bracket is closed that was not opened".to_owned(),
            QUOTE_WHOLE,
        ),
        ErrorKind::InvalidColonPlacement => ("a `:` cannot stand here".to_owned(), QUOTE_WHOLE),
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("expected `,` or `}` here".to_owned(), QUOTE_WHOLE)
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
            ("expected `,` or `]` here".to_owned(), QUOTE_WHOLE)
        }
        other => (format!("not valid YAML: {other}"), ""),
    };
    ("syntax", message, help)
}

/// The value of the `key: value` or `- value` on a line, with its place.
fn value_on(text: &str, number: u32) -> Option<(Position, &str)> {
    let line = line(text, number);
    let item = line.trim_start().trim_start_matches("- ");
    let value = item
        .split_once(": ")
        .map_or(item, |(_, value)| value)
        .trim_start();
    let column = line.strip_suffix(value)?.chars().count() + 1;
    (!value.is_empty()).then(|| {
        (
            Position {
                line: number,
                column: u32::try_from(column).unwrap_or(u32::MAX),
                width: 1,
            },
            value,
        )
    })
}
