//! What is wrong with what the user wrote: where, why, and what to do.
//!
//! A problem is data. It does not print, count or decide whether to go on: the caller does.

mod render;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use render::Sources;
pub(crate) use render::split_lines;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, and probably does not say what was meant.
    Warning,
    /// Nothing is wrong; somebody may want to know.
    Note,
}

impl Severity {
    /// The stable word for output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in a text file: line and column from 1, counted in characters, and how many characters to underline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters of the line are meant, at least 1.
    pub width: u32,
}

impl Position {
    /// Where a file begins.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        width: 1,
    };

    /// The first character of this place alone.
    #[must_use]
    pub fn point(self) -> Self {
        Self { width: 1, ..self }
    }
}

/// One thing that is wrong, with its place and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the configuration can be used all the same.
    pub severity: Severity,
    /// A stable kebab-case name for the kind of problem, for example `unknown-key`.
    pub code: &'static str,
    /// What is wrong: lower case, values in backticks.
    pub message: String,
    /// The file, as the user named it.
    pub file: PathBuf,
    /// The line from 1, or 0 when the whole file is meant.
    pub line: u32,
    /// The column in characters from 1, or 0 when the whole file is meant.
    pub column: u32,
    /// How many characters to underline, at least 1.
    pub width: u32,
    /// Where in the document, for example `rules[3].must`; empty for the document itself.
    pub path: String,
    /// What to do about it; several lines are several pieces of advice.
    pub help: Option<String>,
}

impl Problem {
    /// An error about a whole file.
    pub fn error(code: &'static str, file: &Path, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, file, message.into())
    }

    /// A warning about a whole file.
    pub fn warning(code: &'static str, file: &Path, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, file, message.into())
    }

    /// A problem about a whole file.
    pub fn new(severity: Severity, code: &'static str, file: &Path, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            file: file.to_owned(),
            line: 0,
            column: 0,
            width: 1,
            path: String::new(),
            help: None,
        }
    }

    /// The same problem, at a place in its file.
    #[must_use]
    pub fn at(self, position: Position) -> Self {
        let Position {
            line,
            column,
            width,
        } = position;
        Self {
            line,
            column,
            width,
            ..self
        }
    }

    /// The same problem, at a path in its document.
    #[must_use]
    pub fn on(self, path: &impl ToString) -> Self {
        Self {
            path: path.to_string(),
            ..self
        }
    }

    /// The same problem with one more piece of advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        let advice = advice.into();
        self.help = Some(match self.help {
            Some(earlier) => format!("{earlier}\n{advice}"),
            None => advice,
        });
        self
    }

    /// The problem as one JSON object; `line` and `column` are null when the whole file is meant.
    pub fn to_json(&self) -> Value {
        let Self {
            severity,
            code,
            message,
            file,
            line,
            column,
            width: _,
            path,
            help,
        } = self;
        let placed = |number: u32| (number > 0).then_some(number);
        json!({
            "severity": severity.as_str(),
            "code": code,
            "message": message,
            "file": file.display().to_string(),
            "line": placed(*line),
            "column": placed(*column),
            "path": path,
            "help": help,
        })
    }
}

/// Problems in the order of their files, lines and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one problem.
    pub fn push(&mut self, problem: Problem) {
        self.extend([problem]);
    }

    /// Keeps the value, or keeps the problems and gives nothing.
    pub fn keep<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.extend(problems)).ok()
    }

    /// The problems by file, line and column.
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many problems have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.0
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    }

    /// Whether one of them keeps the configuration from being used.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// All problems as a JSON array, one object each.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(Problem::to_json).collect()
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        for problem in problems {
            // Problems are mostly found in the order of the file, so this mostly appends.
            let index = self
                .0
                .partition_point(|other| rank(other) <= rank(&problem));
            self.0.insert(index, problem);
        }
    }
}

fn rank(problem: &Problem) -> (&Path, u32, u32, Severity) {
    (
        &problem.file,
        problem.line,
        problem.column,
        problem.severity,
    )
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        let mut sorted = Self::new();
        sorted.extend(problems);
        sorted
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests;
