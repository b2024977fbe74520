//! What was found, each once: what an alias stands for is examined wherever it is used and written in one place.

use std::collections::BTreeSet;

use super::at::At;
use super::trap::Trap;
use crate::config::problem::{Position, Problem, Problems, Severity};

/// The findings so far.
#[derive(Debug)]
pub(super) struct Report<'a> {
    allowed: &'a [Trap],
    problems: Problems,
    seen: BTreeSet<(Trap, Position, String)>,
}

impl<'a> Report<'a> {
    /// An empty report, in which `allowed` traps are notes.
    pub(super) fn new(allowed: &'a [Trap]) -> Self {
        Self {
            allowed,
            problems: Problems::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Adds a finding: what is wrong at a place and why that matters, and what to write.
    pub(super) fn add(
        &mut self,
        trap: Trap,
        at: &At<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let message = message.into();
        let position = at.position();
        if !self.seen.insert((trap, position, message.clone())) {
            return;
        }
        let severity = if self.allowed.contains(&trap) {
            Severity::Note
        } else {
            trap.severity()
        };
        let problem = Problem::new(severity, trap.as_str(), at.document().file(), message)
            .at(position)
            .on(at.path())
            .help(help);
        self.problems.push(problem);
    }

    /// Everything that was found.
    pub(super) fn into_problems(self) -> Problems {
        self.problems
    }
}
