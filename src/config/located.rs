//! Where routes, rules, signals and providers are written, for those who show it.
//!
//! A server has no use for it, so it is not kept: the texts that were read are read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bundle::Bundle;
use super::yaml::{Document, KeyPath};
use crate::model::name::{ProviderName, RouteId, RuleId, SignalId};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
}

/// The places of what a configuration holds, by section and name.
#[derive(Clone, Debug, Default)]
pub struct Located(BTreeMap<(&'static str, String), Line>);

/// The sections whose items are keys.
const NAMED: [&str; 3] = ["providers", "risk", "routes"];
const RULES: &str = "rules";

impl Located {
    /// Looks through everything that was read.
    pub fn of(bundle: &Bundle) -> Self {
        let mut located = Self::default();
        for (file, text) in &bundle.sources {
            // What is no document of ours (a key, a certificate) has no sections.
            if let Ok(document) = Document::read(file, text) {
                located.read(file, &document);
            }
        }
        located
    }

    fn read(&mut self, file: &Path, document: &Document) {
        let mut note = |section, name: &str, line| {
            let file = file.to_owned();
            self.0
                .entry((section, name.to_owned()))
                .or_insert(Line { file, line });
        };
        let root = KeyPath::root();
        for section in NAMED {
            for entry in document.entries(&root.join(section)).unwrap_or_default() {
                note(section, entry.key, entry.position.line);
            }
        }
        for path in document.items(&root.join(RULES)).unwrap_or_default() {
            if let Ok(id) = document.decode::<String>(&path.join("id")) {
                note(RULES, &id, document.position(&path).line);
            }
        }
    }

    /// Where a provider is written.
    pub fn provider(&self, name: &ProviderName) -> Option<&Line> {
        self.find("providers", name.as_str())
    }

    /// Where a route is written.
    pub fn route(&self, id: &RouteId) -> Option<&Line> {
        self.find("routes", id.as_str())
    }

    /// Where a rule is written.
    pub fn rule(&self, id: &RuleId) -> Option<&Line> {
        self.find(RULES, id.as_str())
    }

    /// Where a signal is written.
    pub fn signal(&self, id: &SignalId) -> Option<&Line> {
        self.find("risk", id.as_str())
    }

    fn find(&self, section: &'static str, name: &str) -> Option<&Line> {
        self.0.get(&(section, name.to_owned()))
    }
}
