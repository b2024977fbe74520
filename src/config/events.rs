//! The `events` section: streams of security events. A reload changes it.

use std::path::Path;

use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::admin::{EventsSpec, Streams};
use crate::identity::CheckedProviders;

/// Checks the section of the file at `path`, and reports every problem. Without providers, which are reported where they stand, there
/// is nothing to check it against. `files` looks at the secrets too.
pub(super) fn read(
    path: &Path,
    document: &Document,
    mut spec: EventsSpec,
    (providers, files): (Option<&CheckedProviders>, bool),
    problems: &mut Problems,
) -> Option<Streams> {
    spec.relative_to(path);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let (streams, findings) = Streams::compile(spec, folder, providers?, files);
    let base = KeyPath::root().join("events");
    problems.extend(findings.into_iter().map(|it| place(document, &base, it)));
    streams
}
