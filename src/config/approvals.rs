//! The `approvals` section: how approvals are asked for. A reload changes it.

use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::approval::{ApprovalSettings, ApprovalsSpec};

/// Checks the section; mistakes go to `problems`.
pub(super) fn read(
    document: &Document,
    spec: ApprovalsSpec,
    problems: &mut Problems,
) -> Option<ApprovalSettings> {
    let base = KeyPath::root().join("approvals");
    let read = ApprovalSettings::compile(spec);
    problems.keep(read.map_err(|findings| {
        let placed = findings.into_iter().map(|it| place(document, &base, it));
        placed.collect::<Vec<_>>()
    }))
}
