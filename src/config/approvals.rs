//! The `approvals` section: how approvals are asked for. A reload changes it.

use std::path::Path;

use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::approval::{ApprovalSettings, ApprovalsSpec};

/// Checks the section; mistakes go to `problems`.
pub(super) fn read(
    document: &Document,
    (path, mut spec, files): (&Path, ApprovalsSpec, bool),
    problems: &mut Problems,
) -> Option<ApprovalSettings> {
    let base = KeyPath::root().join("approvals");
    spec.relative_to(path);
    let read = ApprovalSettings::compile(spec, files);
    problems.keep(read.map_err(|findings| {
        let placed = findings.into_iter().map(|it| place(document, &base, it));
        placed.collect::<Vec<_>>()
    }))
}
