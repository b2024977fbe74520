//! From what a module found, with a path, to a problem with a position.

use super::problem::Problem;
use super::yaml::{Document, KeyPath};
use crate::model::finding::{Finding, Severity, Step};

/// The problem of a finding about what stands at `base`.
pub(super) fn place(document: &Document, base: &KeyPath, finding: Finding) -> Problem {
    let Finding {
        severity,
        code,
        path,
        offset,
        message,
        help,
    } = finding;
    let path = path
        .into_iter()
        .fold(base.clone(), |path, step| match step {
            Step::Key(key) => path.join(key),
            Step::Index(index) => path.join(index),
        });
    let problem = match (severity, offset) {
        (Severity::Error, Some(offset)) => document.error_in(&path, offset, code, message),
        (Severity::Error, None) => document.error(&path, code, message),
        (Severity::Warning, _) => document.warning(&path, code, message),
    };
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
