//! What was found, each once: what an alias stands for is examined wherever it is used and written in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::at::At;
use super::trap::Trap;
use crate::config::problem::{Position, Problem, Problems, Severity};

/// Most findings of one kind that are listed: a table of a hundred thousand routes is written by a program, and one mistake
/// of that program needs no hundred thousand answers.
const MAX_OF_TRAP: usize = 100;

/// The findings so far.
#[derive(Debug)]
pub(super) struct Report<'a> {
    allowed: &'a [Trap],
    problems: Problems,
    seen: BTreeSet<(Trap, Position, String)>,
    counts: BTreeMap<Trap, usize>,
}

impl<'a> Report<'a> {
    /// An empty report, in which `allowed` traps are notes.
    pub(super) fn new(allowed: &'a [Trap]) -> Self {
        Self {
            allowed,
            problems: Problems::new(),
            seen: BTreeSet::new(),
            counts: BTreeMap::new(),
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
        let count = self.counts.entry(trap).or_default();
        if *count >= MAX_OF_TRAP {
            *count += 1;
            return;
        }
        if !self.seen.insert((trap, position, message.clone())) {
            return;
        }
        *count += 1;
        let severity = self.severity(trap);
        let problem = Problem::new(severity, trap.as_str(), at.document().file(), message)
            .at(position)
            .on(at.path())
            .help(help);
        self.problems.push(problem);
    }

    fn severity(&self, trap: Trap) -> Severity {
        if self.allowed.contains(&trap) {
            Severity::Note
        } else {
            trap.severity()
        }
    }

    /// Everything that was found in this file; of what was found too often, the first.
    pub(super) fn into_problems(mut self, file: &Path) -> Problems {
        for (trap, count) in &self.counts {
            let Some(more) = count.checked_sub(MAX_OF_TRAP).filter(|more| *more > 0) else {
                continue;
            };
            let message = format!("this was found {more} times more");
            let problem = Problem::new(self.severity(*trap), trap.as_str(), file, message);
            self.problems
                .push(problem.help("mend those that are listed, and examine it again"));
        }
        self.problems
    }
}
