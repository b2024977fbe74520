//! The `approvals` section: how approvals are asked for. A reload changes it, and reads its keys again.

use std::path::{Path, PathBuf};

use super::files::beside;
use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::approval::token::ApprovalTokens;
use crate::approval::{ApprovalSettings, ApprovalsSpec};
use crate::identity::CheckedProviders;

/// The files of the keys, to be looked at before they are read: whatever changes later is another key.
pub(super) fn files(path: &Path, spec: &ApprovalsSpec) -> Vec<PathBuf> {
    let keys = spec.token.iter().flat_map(|token| token.keys.items());
    keys.map(|key| beside(path, key)).collect()
}

/// Checks the section of the file at `path`; mistakes and warnings go to `problems`.
pub(super) fn read(
    path: &Path,
    document: &Document,
    spec: ApprovalsSpec,
    (providers, files): (Option<&CheckedProviders>, bool),
    problems: &mut Problems,
) -> Option<ApprovalSettings> {
    let base = KeyPath::root().join("approvals");
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut spec = spec;
    spec.relative_to(path);
    let (settings, findings) = ApprovalSettings::compile(spec, folder, files);
    problems.extend(findings.into_iter().map(|it| place(document, &base, it)));
    let issuers = settings.iter().flat_map(|it| &it.tokens);
    for issuer in issuers.flat_map(ApprovalTokens::issuers) {
        if let Some(name) = providers.and_then(|providers| providers.of_issuer(issuer)) {
            let message = format!(
                "provider `{name}` has the issuer `{issuer}`: whoever signs credentials signs no approvals"
            );
            let problem = document.error(&base.join("token"), "token-issuer", message);
            problems.push(problem.help("give approvals an issuer, and keys, of their own"));
        }
    }
    settings
}

/// What the version of the configuration depends on: the keys by their ids, and nothing of the keys themselves.
pub(super) fn kids(settings: Option<&ApprovalSettings>) -> Vec<&str> {
    let tokens = settings.and_then(|it| it.tokens.as_ref());
    tokens.iter().flat_map(|it| it.kids()).collect()
}
