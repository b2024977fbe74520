//! What a route says publicly about the tokens that it takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kind::{Checked, Ready};
use super::providers::{CheckedProviders, Providers};
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
}

impl Providers {
    /// The tokens that `route` takes; none if it takes no tokens.
    pub fn accepted_tokens(&self, route: &Route) -> Option<AcceptedTokens> {
        if !self.schemes(route).tokens {
            return None;
        }
        let mut accepted = AcceptedTokens {
            issuers: BTreeSet::new(),
            in_header: false,
            dpop: self.proofs.algorithms(),
        };
        let of_route = route.providers.iter();
        for ready in of_route.filter_map(|name| self.ready.get(name)) {
            match ready {
                Ready::Jwt { provider, .. } => {
                    accepted.issuers.insert(provider.issuer.to_string());
                    accepted.in_header |= provider.place.is_none();
                }
                Ready::Introspection { provider, .. } => {
                    let issuer = provider.issuer.as_deref();
                    accepted.issuers.extend(issuer.map(ToOwned::to_owned));
                    accepted.in_header = true;
                }
                Ready::JwtSvid { .. } => accepted.in_header = true,
                Ready::ApiKey { .. } | Ready::Mtls(_) => {}
            }
        }
        Some(accepted)
    }
}
