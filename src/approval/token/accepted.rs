//! Another issuer whose approvals are taken.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::settings::{ApprovalTokens, bad_issuer, bad_name};
use super::spec::AcceptedSpec;
use crate::keys::{Algorithm, KeySet, KeySource};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;

/// What another issuer may sign with unless the configuration says so.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];

/// An issuer, and where its keys come from.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) issuer: Arc<str>,
    pub(super) audience: Arc<str>,
    pub(super) algorithms: Vec<Algorithm>,
    /// Its key set's name among those of the providers; theirs never begin so.
    name: ProviderName,
    source: KeySource,
    /// None until it is given one: then nothing of this issuer is taken.
    pub(super) keys: Option<KeySet>,
}

impl Accepted {
    /// Checks the issuer at this place in the list.
    pub(super) fn compile(
        index: usize,
        spec: AcceptedSpec,
        own_audience: &str,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let AcceptedSpec {
            issuer,
            audience,
            keys,
            algorithms,
        } = spec;
        let mut findings = Vec::new();
        findings.extend(bad_issuer(&issuer).map(|it| it.under("issuer")));
        let audience = audience.unwrap_or_else(|| own_audience.to_owned());
        findings.extend(bad_name("audience", &audience).map(|it| it.under("audience")));
        let algorithms = algorithms.map_or_else(|| ALGORITHMS.to_vec(), |it| it.items().to_vec());
        if algorithms.is_empty() {
            let message = "no algorithm is accepted, so no token is: name at least one";
            findings.push(Finding::error("no-algorithm", message).under("algorithms"));
        }
        let text = format!("approvals.token.accept.{index}");
        let name = ProviderName::new(&text)
            .map_err(|error| vec![Finding::error("invalid-name", error.to_string())])?;
        match KeySource::compile(&text, keys, base) {
            Ok(source) if findings.is_empty() => Ok(Self {
                issuer: issuer.into(),
                audience: audience.into(),
                algorithms,
                name,
                source,
                keys: None,
            }),
            Ok(_) => Err(findings),
            Err(error) => {
                findings.push(Finding::error("invalid-keys", error.to_string()).under("keys"));
                Err(findings)
            }
        }
    }
}

impl ApprovalTokens {
    /// Where the keys of other issuers come from; what [`ApprovalTokens::with`] will look for.
    pub fn key_sources(&self) -> impl Iterator<Item = (&ProviderName, &KeySource)> {
        self.accepted.iter().map(|it| (&it.name, &it.source))
    }

    /// Gives each issuer its keys. Nothing is taken of one that has none.
    #[must_use]
    pub fn with(mut self, sets: &BTreeMap<ProviderName, KeySet>) -> Self {
        for accepted in &mut self.accepted {
            accepted.keys = sets.get(&accepted.name).cloned();
        }
        self
    }
}
