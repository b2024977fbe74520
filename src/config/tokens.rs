//! The `token` section: what minted tokens are signed with. A reload changes it, and reads the keys again.

use std::path::{Path, PathBuf};

use super::files::beside;
use super::place::place;
use super::problem::{Problem, Problems};
use super::yaml::{Document, KeyPath};
use crate::identity::CheckedProviders;
use crate::token::{Minter, TokenSpec};

/// What the section says.
#[derive(Default)]
pub(super) struct Tokens {
    /// Who mints; none without a section, or with mistakes in it.
    pub(super) minter: Option<Minter>,
    /// The header of minted tokens, where there is a section, so that a mistake in it is reported once.
    pub(super) header: Option<String>,
}

/// The files of the keys, to be looked at before they are read: whatever changes later is another key.
pub(super) fn files(path: &Path, document: &Document) -> Vec<PathBuf> {
    let spec = document.decode_optional::<TokenSpec>(&KeyPath::root().join("token"));
    let spec = spec.ok().flatten();
    let keys = spec.iter().flat_map(|spec| spec.keys.items());
    keys.map(|key| beside(path, key)).collect()
}

impl Tokens {
    /// Checks the section of the file at `path`, and reports every problem.
    pub(super) fn read(
        path: &Path,
        document: &Document,
        providers: Option<&CheckedProviders>,
        problems: &mut Problems,
    ) -> Self {
        let base = KeyPath::root().join("token");
        let spec = match document.decode_optional::<TokenSpec>(&base) {
            Ok(None) => return Self::default(),
            Ok(Some(spec)) => spec,
            Err(wrong) => {
                problems.extend(wrong);
                return Self {
                    header: Some(TokenSpec::default_header().to_owned()),
                    ..Self::default()
                };
            }
        };
        let shared = providers.map(|providers| shared(&spec, providers, document, &base));
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let (minter, findings) = Minter::compile(spec, folder);
        problems.extend(findings.into_iter().map(|it| place(document, &base, it)));
        // What is wrong by itself is not compared with anything.
        let shared = shared.filter(|_| minter.is_some()).unwrap_or_default();
        let minter = minter.filter(|_| shared.is_empty());
        problems.extend(shared);
        let header = minter.as_ref().map(|it| it.header().to_string());
        Self {
            header: header.or_else(|| Some(TokenSpec::default_header().to_owned())),
            minter,
        }
    }

    /// What the version of the configuration depends on: the keys by their ids, and nothing of the keys themselves.
    pub(super) fn kids(&self) -> Vec<&str> {
        self.minter.iter().flat_map(Minter::kids).collect()
    }
}

/// What is minted here is no credential here: issuer and header are nobody else's.
fn shared(
    spec: &TokenSpec,
    providers: &CheckedProviders,
    document: &Document,
    base: &KeyPath,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(name) = providers.of_issuer(&spec.issuer) {
        let message = format!("provider `{name}` has this issuer: what it issues is a credential");
        let problem = document.error(&base.join("issuer"), "token-issuer", message);
        problems.push(problem.help("name an issuer of countersign's own"));
    }
    let dashed = |name: &str| name.replace('_', "-");
    let mut read = providers.headers();
    if let Some((name, _)) = read.find(|(_, header)| dashed(header) == dashed(&spec.header)) {
        let message = format!("provider `{name}` reads credentials from this header");
        let problem = document.error(&base.join("header"), "token-header", message);
        problems.push(problem.help("name another header, or leave it out"));
    }
    problems
}
