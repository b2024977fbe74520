//! The signals of risk that policy files hold, with where they stand.

use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::model::name::SignalId;
use crate::policy::spec::SignalSpec;

/// Every signal of every file; an index is the same for both.
pub(super) struct Signals {
    written: Vec<(SignalId, SignalSpec)>,
    places: Vec<(usize, KeyPath)>,
}

impl Signals {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self {
            written: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Reads the `risk:` of the document with this index.
    pub(super) fn read(&mut self, index: usize, document: &Document, problems: &mut Problems) {
        for entry in problems
            .keep(document.entries(&KeyPath::root().join("risk")))
            .unwrap_or_default()
        {
            let spec = problems.keep(document.decode::<SignalSpec>(&entry.path));
            match (SignalId::new(entry.key), spec) {
                (Ok(id), _) if self.written.iter().any(|(known, _)| *known == id) => {
                    let message = format!("there are two signals `{id}`");
                    let problem = document.error_at_key(&entry.path, "duplicate-signal", message);
                    problems.push(problem.help("names are unique across all files"));
                }
                (Ok(id), Some(spec)) => {
                    self.written.push((id, spec));
                    self.places.push((index, entry.path));
                }
                (Ok(_), None) => {}
                (Err(error), _) => problems.push(document.error_at_key(
                    &entry.path,
                    "invalid-name",
                    error.to_string(),
                )),
            }
        }
    }

    pub(super) fn as_slice(&self) -> &[(SignalId, SignalSpec)] {
        &self.written
    }

    pub(super) fn place_of(&self, signal: usize) -> Option<(usize, KeyPath)> {
        self.places.get(signal).cloned()
    }
}
