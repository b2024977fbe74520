//! The `dpop` section: how proofs of possession are judged. A reload changes it.

use std::path::Path;

use super::fixed::Fixed;
use super::place::place;
use super::problem::Problems;
use super::server::ServerSpec;
use super::yaml::{Document, KeyPath};
use crate::identity::DpopSettings;

/// Checks the section of the file at `path`, and reports every problem.
pub(super) fn read(
    path: &Path,
    document: &Document,
    spec: &ServerSpec,
    problems: &mut Problems,
) -> Option<DpopSettings> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let base = KeyPath::root().join("dpop");
    DpopSettings::compile(spec.dpop.clone(), folder)
        .map_err(|findings| {
            let placed = findings.into_iter().map(|it| place(document, &base, it));
            problems.extend(placed);
        })
        .ok()
}

/// A replay memory that ends with the process protects nothing after a restart, unless the nonces end with it.
pub(super) fn warn_of_forgetting(
    dpop: &DpopSettings,
    fixed: &Fixed,
    document: &Document,
    problems: &mut Problems,
) {
    if !fixed.store.is_lasting() && dpop.forgets_with_the_store() {
        let message = "without `store.file` a restart forgets which proofs were used";
        let problem = document.warning(&KeyPath::root().join("dpop"), "forgetful-replay", message);
        problems.push(problem.help(
            "set `store: { file: … }`, or leave `nonce` and `nonce_key` out: then old proofs end with the process",
        ));
    }
}
