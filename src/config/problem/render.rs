//! Problems as text, the way rustc and cargo show them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Problem, Problems, Severity};

/// Lines longer than this are shown in part, around the place that is meant.
const LINE_CHARS: usize = 140;

/// Lines with more bytes are not shown at all: to find a place in one takes as long as to read it, for each problem.
const QUOTED_LINE: usize = 1 << 20;

/// The text of each file by the name that its problems carry; a file that is missing is shown without its line.
pub type Sources = BTreeMap<PathBuf, String>;

struct Style {
    on: bool,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn gutter(&self, text: &str) -> String {
        self.paint("1;34", text)
    }

    fn strong(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn severity(&self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.paint("1;31", text),
            Severity::Warning => self.paint("1;33", text),
            Severity::Note => self.paint("1;36", text),
        }
    }
}

impl Problems {
    /// Shows every problem with its source line and its remedy, one blank line between two, without a summary.
    ///
    /// Control characters of the sources do not reach the terminal, and a long line is shown in part.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        self.shown(sources, &Style { on: colour }, false)
    }

    /// The same, with the path of each problem in its document: for documents that people know by their structure.
    pub fn render_with_paths(&self, sources: &Sources, colour: bool) -> String {
        self.shown(sources, &Style { on: colour }, true)
    }

    fn shown(&self, sources: &Sources, style: &Style, paths: bool) -> String {
        let mut lines: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
        let mut shown = Vec::with_capacity(self.as_slice().len());
        for problem in self.as_slice() {
            let of_file = lines.entry(&problem.file).or_insert_with(|| {
                sources
                    .get(&problem.file)
                    .map(|text| split_lines(text.trim_start_matches('\u{feff}')).collect())
                    .unwrap_or_default()
            });
            let index = usize::try_from(problem.line)
                .unwrap_or(usize::MAX)
                .checked_sub(1);
            shown.push(block(
                problem,
                index
                    .and_then(|index| of_file.get(index).copied())
                    .filter(|line| line.len() <= QUOTED_LINE),
                style,
                paths,
            ));
        }
        shown.join("\n")
    }
}

/// Splits the way YAML does: at a line feed, a carriage return, or both together.
pub(crate) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn block(problem: &Problem, line: Option<&str>, style: &Style, paths: bool) -> String {
    let Problem {
        severity,
        code,
        message,
        file,
        line: number,
        column,
        width,
        path,
        help,
    } = problem;
    let margin = " ".repeat(number.to_string().len());
    let head = style.severity(*severity, &format!("{}[{code}]", severity.as_str()));
    let place = if *number == 0 {
        String::new()
    } else {
        format!(":{number}:{column}")
    };
    let mut out = vec![
        format!(
            "{head}{}",
            style.strong(&format!(": {}", printable(message)))
        ),
        format!(
            "{margin}{} {}{place}",
            style.gutter("-->"),
            printable(&file.display().to_string())
        ),
    ];
    if let Some(line) = line {
        let (text, offset, width) = excerpt(line, *column, *width);
        let space = if text.is_empty() { "" } else { " " };
        let marks = format!("{}{}", " ".repeat(offset), "^".repeat(width));
        out.push(format!("{margin} {}", style.gutter("|")));
        out.push(format!(
            "{}{space}{text}",
            style.gutter(&format!("{number} |"))
        ));
        out.push(format!(
            "{margin} {} {}",
            style.gutter("|"),
            style.severity(*severity, &marks)
        ));
    }
    if paths && !path.is_empty() {
        let label = style.strong("at");
        out.push(format!(
            "{margin} {} {label}: {}",
            style.gutter("="),
            printable(path)
        ));
    }
    for advice in help.iter().flat_map(|help| help.lines()) {
        let label = style.strong("help");
        out.push(format!(
            "{margin} {} {label}: {}",
            style.gutter("="),
            printable(advice)
        ));
    }
    out.join("\n") + "\n"
}

/// The part of a line that is shown, and where in it the mark stands and how long it is.
fn excerpt(line: &str, column: u32, width: u32) -> (String, usize, usize) {
    let index = usize::try_from(column)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let width = usize::try_from(width).unwrap_or(usize::MAX).max(1);
    let length = line.chars().count();
    let index = index.min(length);
    let skipped = if length > LINE_CHARS {
        index.saturating_sub(LINE_CHARS / 2)
    } else {
        0
    };
    let mut text = printable(
        &line
            .chars()
            .skip(skipped)
            .take(LINE_CHARS)
            .collect::<String>(),
    );
    if skipped > 0 {
        text.insert(0, '…');
    }
    if length > skipped + LINE_CHARS {
        text.push('…');
    }
    let offset = index - skipped;
    let width = width
        .min(length - index)
        .min(LINE_CHARS - offset.min(LINE_CHARS))
        .max(1);
    (
        text.trim_end().to_owned(),
        offset + usize::from(skipped > 0),
        width,
    )
}

/// One column for every character, and nothing that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '\t' => ' ',
            _ if char.is_control() => '\u{fffd}',
            // Characters that reorder what a reader sees.
            '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => '\u{fffd}',
            _ => char,
        })
        .collect()
}
