//! The `token` section, checked, with its keys.

use std::path::Path;
use std::sync::Arc;

use super::accepted::Accepted;
use super::spec::ApprovalTokenSpec;
use crate::keys::{SigningKey, load_signing_keys};
use crate::model::finding::{Finding, Severity};
use crate::outbound::HttpUrl;

/// Most bytes of an issuer and of an audience.
const MAX_NAME: usize = 512;
/// Most other issuers.
const MAX_ACCEPTED: usize = 16;

/// Signs approvals, and verifies those that are presented. Immutable; a reload that changes its keys makes another one.
#[derive(Debug)]
pub struct ApprovalTokens {
    pub(super) issuer: Arc<str>,
    pub(super) audience: Arc<str>,
    pub(super) keys: Vec<SigningKey>,
    pub(super) accepted: Vec<Accepted>,
}

impl ApprovalTokens {
    /// Checks the section and reads its keys; relative files start at `base`. Everything that is wrong is reported, and what only
    /// looks wrong beside a sound one.
    pub fn compile(spec: ApprovalTokenSpec, base: &Path) -> (Option<Self>, Vec<Finding>) {
        let ApprovalTokenSpec {
            issuer,
            audience,
            keys,
            accept,
        } = spec;
        let mut findings = Vec::new();
        findings.extend(bad_issuer(&issuer).map(|it| it.under("issuer")));
        let audience = audience.unwrap_or_else(|| issuer.clone());
        findings.extend(bad_name("audience", &audience).map(|it| it.under("audience")));
        let keys = load_signing_keys(&keys, base, &mut findings);
        let mut accepted: Vec<Accepted> = Vec::new();
        if accept.len() > MAX_ACCEPTED {
            let message = format!("at most {MAX_ACCEPTED} other issuers are accepted");
            findings.push(Finding::error("out-of-range", message).under("accept"));
        }
        for (index, spec) in accept.into_iter().enumerate() {
            let twice =
                spec.issuer == issuer || accepted.iter().any(|it| *it.issuer == *spec.issuer);
            let read = if twice {
                let message = format!("`{}` is an issuer already", spec.issuer);
                Err(vec![
                    Finding::error("duplicate-issuer", message).under("issuer"),
                ])
            } else {
                Accepted::compile(index, spec, &audience, base)
            };
            match read {
                Ok(read) => accepted.push(read),
                Err(wrong) => {
                    findings.extend(wrong.into_iter().map(|it| it.under(index).under("accept")));
                }
            }
        }
        let sound = !findings.iter().any(|it| it.severity == Severity::Error);
        let tokens = sound.then(|| Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            accepted,
        });
        (tokens, findings)
    }

    /// Whoever signs approvals that are taken, this server first.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        let others = self.accepted.iter().map(|it| &*it.issuer);
        std::iter::once(&*self.issuer).chain(others)
    }

    /// The ids of its own keys, the one that signs first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(SigningKey::kid)
    }
}

/// What is wrong with an issuer: it is an URL without a query.
pub(super) fn bad_issuer(issuer: &str) -> Option<Finding> {
    let help = "write an URL such as `https://authz.example.com/approvals`";
    let wrong = match HttpUrl::parse(issuer, false) {
        Ok(url) if url.has_query() => "an issuer has no query".to_owned(),
        Ok(_) => return bad_name("issuer", issuer),
        Err(error) => format!("`{issuer}`: {error}"),
    };
    Some(Finding::error("token-issuer", wrong).help(help))
}

/// What is wrong with a name that tokens are compared with.
pub(super) fn bad_name(what: &str, name: &str) -> Option<Finding> {
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && (1..=MAX_NAME).contains(&name.len()) {
        return None;
    }
    let message = format!("an {what} has 1 to {MAX_NAME} visible characters");
    Some(Finding::error("token-issuer", message))
}
