//! What a route says publicly about the tokens that it takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kind::Checked;
use super::proof::DpopSettings;
use super::providers::CheckedProviders;
use crate::model::name::ProviderName;
use crate::model::route::Route;

/// The tokens that a route takes, as its metadata describes them (RFC 9728, section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedTokens {
    /// The issuers that clients get them from: those of workloads' own tokens are no authorization servers.
    pub issuers: BTreeSet<String>,
    /// Whether any of them may stand in the `authorization` header.
    pub in_header: bool,
    /// The algorithms that proofs of possession may be signed with, with spaces between them.
    pub dpop: Arc<str>,
}

impl CheckedProviders {
    /// Whether any of these providers takes tokens.
    pub fn takes_tokens(&self, names: &[ProviderName]) -> bool {
        let mut providers = names.iter().filter_map(|name| self.0.get(name));
        providers.any(|checked| match checked {
            Checked::Jwt(_) | Checked::Introspection(_) | Checked::JwtSvid(_) => true,
            Checked::ApiKey(_) | Checked::Mtls(_) => false,
        })
    }

    /// The tokens that `route` takes; none if it takes no tokens. What verifies them need not be there: a description of a
    /// route is the same where no server runs.
    pub fn accepted_tokens(&self, route: &Route, dpop: &DpopSettings) -> Option<AcceptedTokens> {
        if !self.takes_tokens(&route.providers) {
            return None;
        }
        let mut accepted = AcceptedTokens {
            issuers: BTreeSet::new(),
            in_header: false,
            dpop: dpop.algorithms(),
        };
        for checked in route.providers.iter().filter_map(|name| self.0.get(name)) {
            match checked {
                Checked::Jwt(provider) => {
                    accepted.issuers.insert(provider.issuer.to_string());
                    accepted.in_header |= provider.place.is_none();
                }
                Checked::Introspection(provider) => {
                    let issuer = provider.issuer.as_deref();
                    accepted.issuers.extend(issuer.map(ToOwned::to_owned));
                    accepted.in_header = true;
                }
                Checked::JwtSvid(_) => accepted.in_header = true,
                Checked::ApiKey(_) | Checked::Mtls(_) => {}
            }
        }
        Some(accepted)
    }
}
