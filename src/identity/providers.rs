//! All providers: checked, then ready with their keys; and the way of a credential through them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::claims::{self, Presented};
use super::credential::bearer_token;
use super::payload::Payload;
use super::provider::Provider;
use super::refusal::Refusal;
use super::spec::{JwtSpec, ProviderSpec};
use crate::keys::{self, KeySet, KeySource};
use crate::model::finding::Finding;
use crate::model::identity::Identity;
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::schema::ClaimDeclarations;
use crate::model::verdict::Denial;

/// Providers whose configuration is sound; they have no keys, so they verify nothing.
#[derive(Debug)]
pub struct CheckedProviders(BTreeMap<ProviderName, Provider>);

/// Providers with their keys.
#[derive(Debug)]
pub struct Providers(BTreeMap<ProviderName, Ready>);

#[derive(Debug)]
struct Ready {
    provider: Provider,
    keys: KeySet,
}

impl CheckedProviders {
    /// Checks the providers by name, and reports everything that is wrong with paths that start at a name. Relative
    /// files start at `base`. Two providers never share an `iss`.
    pub fn compile(
        specs: impl IntoIterator<Item = (String, ProviderSpec)>,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut providers = BTreeMap::new();
        let mut issuers: BTreeMap<String, String> = BTreeMap::new();
        for (name, ProviderSpec { jwt }) in specs {
            let mut place = |wrong: Vec<Finding>| {
                findings.extend(
                    wrong
                        .into_iter()
                        .map(|finding| finding.under(name.as_str())),
                );
            };
            match issuers.entry(jwt.issuer.clone()) {
                Entry::Occupied(other) => place(vec![duplicate(other.get())]),
                Entry::Vacant(entry) => {
                    entry.insert(name.clone());
                }
            }
            match check(&name, jwt, base) {
                Ok(provider) => {
                    providers.insert(provider.name.clone(), provider);
                }
                Err(wrong) => place(wrong),
            }
        }
        if findings.is_empty() {
            Ok(Self(providers))
        } else {
            Err(findings)
        }
    }

    /// Where the keys of each provider come from; what [`CheckedProviders::with_keys`] will ask for.
    pub fn key_sources(&self) -> impl Iterator<Item = (&ProviderName, &KeySource)> {
        self.0
            .iter()
            .map(|(name, provider)| (name, &provider.source))
    }

    /// The claims that policies may read, by provider: those of the presets included.
    pub fn claim_declarations(&self) -> BTreeMap<ProviderName, ClaimDeclarations> {
        let of = |provider: &Provider| {
            let claims = provider.claims.iter();
            claims
                .map(|claim| (Arc::clone(&claim.name), claim.declaration.clone()))
                .collect()
        };
        self.0
            .iter()
            .map(|(name, provider)| (name.clone(), of(provider)))
            .collect()
    }

    /// The providers' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.keys()
    }

    /// Gives each provider its keys: a new key set, or one that a provider with an equal source has already. A provider
    /// without keys is left out: its credentials are then those of an unknown issuer.
    #[must_use]
    pub fn with_keys(
        self,
        mut keys: impl FnMut(&ProviderName, &KeySource) -> Option<KeySet>,
    ) -> Providers {
        let ready = self.0.into_iter().filter_map(|(name, provider)| {
            let keys = keys(&name, &provider.source)?;
            Some((name, Ready { provider, keys }))
        });
        Providers(ready.collect())
    }
}

fn duplicate(other: &str) -> Finding {
    let message = format!("provider `{other}` has this issuer too: one `iss`, one provider");
    Finding::error("duplicate-issuer", message)
        .under("issuer")
        .under("jwt")
}

fn check(name: &str, spec: JwtSpec, base: &Path) -> Result<Provider, Vec<Finding>> {
    let name = ProviderName::new(name)
        .map_err(|error| vec![Finding::error("invalid-name", error.to_string())])?;
    Provider::compile(name, spec, base).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|finding| finding.under("jwt"))
            .collect()
    })
}

impl Providers {
    /// Verifies the credential of a request to `route`: `None` if it carries none, a refusal if it carries one that is
    /// not accepted, never anything in between. `now` is the monotonic clock of the keys' age; dates in the token are
    /// compared with the request's own clock. No fetch, no wait; the size of the token bounds the work.
    pub fn authenticate(
        &self,
        request: &AccessRequest,
        route: &Route,
        now: Instant,
    ) -> Result<Option<Identity>, Refusal> {
        let Some(header) = request.headers.get("authorization") else {
            return Ok(None);
        };
        if route.providers.is_empty() {
            let denial = Denial::new(Reason::CredentialUnsupported);
            return Err(denial.because("the route accepts no credentials").into());
        }
        let token = keys::parse(bearer_token(header)?)?;
        let issuer = token
            .unverified_issuer()
            .and_then(|iss| self.issuer(route, iss));
        let Some(Ready { provider, keys }) = issuer else {
            let denial = Denial::new(Reason::TokenIssuer);
            return Err(denial
                .because("no provider of the route has the token's `iss`")
                .into());
        };
        let verified = token.verify(&provider.algorithms, keys, now)?;
        provider
            .types
            .check(verified.typ.as_deref(), &verified.claims)?;
        let presented = Presented {
            now: request.now,
            audience: &route.audience,
            issuer: |iss: &str| {
                self.issuer(route, iss)
                    .map(|ready| ready.provider.name.clone())
            },
        };
        let payload = Payload(&verified.claims);
        let identity = claims::read(provider, payload, verified.kid.as_deref(), &presented)?;
        Ok(Some(identity))
    }

    /// The key set of every provider, for readiness, metrics and reuse at the next reload.
    pub fn key_sets(&self) -> impl Iterator<Item = (&ProviderName, &KeySet)> {
        self.0.iter().map(|(name, ready)| (name, &ready.keys))
    }

    /// The provider of the route that has exactly this `iss`. No two have the same.
    fn issuer(&self, route: &Route, iss: &str) -> Option<&Ready> {
        let mut of_route = route.providers.iter().filter_map(|name| self.0.get(name));
        of_route.find(|ready| *ready.provider.issuer == *iss)
    }
}
