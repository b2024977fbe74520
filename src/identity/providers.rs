//! All providers: checked, then ready with what they need; and the way of a credential through them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Instant;

use super::api_key::ApiKeyProvider;
use super::claims::Presented;
use super::kind::{Checked, Ready};
use super::mesh;
use super::place::Place;
use super::proof::{DpopSettings, Proofs};
use super::resources::Resources;
use super::spec::ProviderSpec;
use super::verified::{Epoch, VerifiedTokens};
use crate::keys::{KeySet, KeySource};
use crate::model::decision::{DpopFacts, Schemes};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::schema::ClaimDeclarations;

/// Providers whose configuration is sound; they have no keys, so they verify nothing.
#[derive(Debug)]
pub struct CheckedProviders(pub(super) BTreeMap<ProviderName, Checked>);

/// Providers with everything that they need.
#[derive(Debug)]
pub struct Providers {
    pub(super) ready: BTreeMap<ProviderName, Ready>,
    /// Where they look for credentials beside the `authorization` header, and who looks there.
    pub(super) places: BTreeMap<Place, Readers>,
    /// How possession of a token's key is shown, whichever provider verifies the token.
    pub(super) proofs: Proofs,
    /// Tokens that were verified before, by whichever set of providers.
    pub(super) verified: VerifiedTokens,
    /// Which set of providers this is.
    pub(super) epoch: Epoch,
}

/// Who looks for credentials in a place.
#[derive(Debug, Default)]
pub(super) struct Readers {
    names: Vec<ProviderName>,
    /// Whether they look for API keys; all readers of a place look for one kind.
    keys: bool,
}

/// The two moments of a verification that are not the request's own.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The monotonic clock of ages.
    pub now: Instant,
    /// When an answer is not heard any more; whatever is waited for is given up by then.
    pub until: Instant,
}

impl CheckedProviders {
    /// Checks the providers by name, and reports everything that is wrong with paths that start at a name. Relative
    /// files start at `base`. Two providers never share an `iss`, nor a trust domain in one kind of credential.
    pub fn compile(
        specs: impl IntoIterator<Item = (String, ProviderSpec)>,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut providers = BTreeMap::new();
        let mut issuers: BTreeMap<String, String> = BTreeMap::new();
        for (name, spec) in specs {
            match check(&name, spec, base) {
                Ok((checked_name, provider)) => {
                    if let Some(issuer) = provider.issuer() {
                        match issuers.entry(issuer.to_owned()) {
                            Entry::Occupied(other) => {
                                let finding = duplicate(other.get()).under(provider.word());
                                findings.push(finding.under(name.as_str()));
                            }
                            Entry::Vacant(entry) => {
                                entry.insert(name);
                            }
                        }
                    }
                    providers.insert(checked_name, provider);
                }
                Err(wrong) => {
                    findings.extend(wrong.into_iter().map(|it| it.under(name.as_str())));
                }
            }
        }
        findings.extend(mesh::conflicts(&providers));
        findings.extend(shared_places(&providers));
        if findings.is_empty() {
            Ok(Self(providers))
        } else {
            Err(findings)
        }
    }

    /// Where the keys of each provider come from; what [`CheckedProviders::with`] will look for.
    pub fn key_sources(&self) -> impl Iterator<Item = (&ProviderName, &KeySource)> {
        self.0
            .iter()
            .filter_map(|(name, provider)| Some((name, provider.key_source()?)))
    }

    /// The claims that policies may read, by provider: those of the presets included.
    pub fn claim_declarations(&self) -> BTreeMap<ProviderName, ClaimDeclarations> {
        self.0
            .iter()
            .map(|(name, provider)| (name.clone(), provider.claims()))
            .collect()
    }

    /// The provider whose tokens have exactly this `iss`.
    pub fn of_issuer(&self, iss: &str) -> Option<&ProviderName> {
        let mut all = self.0.iter();
        all.find_map(|(name, provider)| (provider.issuer() == Some(iss)).then_some(name))
    }

    /// The exact `iss` of a provider's credentials, where they have one.
    pub fn issuer(&self, name: &ProviderName) -> Option<&str> {
        self.0.get(name)?.issuer()
    }

    /// Whether any provider makes workloads known.
    pub fn knows_workloads(&self) -> bool {
        self.of_certificates().next().is_some()
    }

    /// The request headers that each provider reads: whatever stands before countersign has to send them.
    pub fn headers(&self) -> impl Iterator<Item = (&ProviderName, &str)> {
        self.0.iter().flat_map(|(name, provider)| {
            let headers = provider.headers().into_iter();
            headers.map(move |header| (name, header))
        })
    }

    /// The providers that read client certificates.
    pub fn of_certificates(&self) -> impl Iterator<Item = &ProviderName> {
        let all = self.0.iter();
        all.filter_map(|(name, provider)| match provider {
            Checked::Mtls(_) => Some(name),
            Checked::Jwt(_)
            | Checked::Introspection(_)
            | Checked::JwtSvid(_)
            | Checked::ApiKey(_) => None,
        })
    }

    /// The provider of API keys with this name.
    pub fn api_key(&self, name: &str) -> Option<&ApiKeyProvider> {
        self.api_keys()
            .find(|provider| provider.name().as_str() == name)
    }

    /// The headers that hold credentials of their own.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.api_keys()
            .filter_map(|provider| match provider.place() {
                Place::Header(name) => Some(&**name),
                Place::Cookie(_) => None,
            })
    }

    /// Every provider of API keys.
    pub fn api_keys(&self) -> impl Iterator<Item = &ApiKeyProvider> {
        self.0.values().filter_map(|checked| match checked {
            Checked::ApiKey(provider) => Some(&**provider),
            Checked::Jwt(_)
            | Checked::Introspection(_)
            | Checked::JwtSvid(_)
            | Checked::Mtls(_) => None,
        })
    }

    /// The providers' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.keys()
    }

    /// Gives each provider what it needs. One that `resources` has nothing for is left out: its credentials are then
    /// those of an unknown issuer. Proofs of possession are judged by `dpop`.
    #[must_use]
    pub fn with(self, dpop: DpopSettings, resources: &Resources) -> Providers {
        // Of all of them: what stands in the place of one that cannot verify is a credential all the same.
        let mut places: BTreeMap<Place, Readers> = BTreeMap::new();
        for (name, provider) in &self.0 {
            if let Some(place) = provider.place() {
                let readers = places.entry(place.clone()).or_default();
                readers.names.push(name.clone());
                readers.keys |= matches!(provider, Checked::ApiKey(_));
            }
        }
        let ready = self.0.into_iter().filter_map(|(name, provider)| {
            let ready = provider.with(&name, resources)?;
            Some((name, ready))
        });
        let ready: BTreeMap<_, _> = ready.collect();
        let proofs = Proofs::new(dpop, resources);
        Providers {
            ready,
            places,
            proofs,
            verified: resources.verified.clone(),
            epoch: Epoch::next(),
        }
    }
}

fn duplicate(other: &str) -> Finding {
    let message = format!("provider `{other}` has this issuer too: one `iss`, one provider");
    Finding::error("duplicate-issuer", message).under("issuer")
}

/// One place holds one kind of credential: API keys do not come where tokens do.
fn shared_places(providers: &BTreeMap<ProviderName, Checked>) -> Vec<Finding> {
    let tokens = providers
        .iter()
        .filter_map(|(name, checked)| match checked {
            Checked::Jwt(provider) => Some((provider.place.as_ref()?, name)),
            Checked::ApiKey(_)
            | Checked::Introspection(_)
            | Checked::JwtSvid(_)
            | Checked::Mtls(_) => None,
        });
    let tokens: BTreeMap<&Place, &ProviderName> = tokens.collect();
    let shared = providers
        .iter()
        .filter_map(|(name, checked)| match checked {
            Checked::ApiKey(provider) => Some((name, tokens.get(provider.place())?)),
            Checked::Jwt(_)
            | Checked::Introspection(_)
            | Checked::JwtSvid(_)
            | Checked::Mtls(_) => None,
        });
    let finding = |(name, other): (&ProviderName, &&ProviderName)| {
        let message = format!("tokens of provider `{other}` come in this cookie: name another");
        Finding::error("shared-cookie", message)
            .under("cookie")
            .under("api_key")
            .under(name.as_str())
    };
    shared.map(finding).collect()
}

fn check(
    name: &str,
    spec: ProviderSpec,
    base: &Path,
) -> Result<(ProviderName, Checked), Vec<Finding>> {
    let name = ProviderName::new(name)
        .map_err(|error| vec![Finding::error("invalid-name", error.to_string())])?;
    let checked = Checked::compile(name.clone(), spec, base)?;
    Ok((name, checked))
}

impl Providers {
    /// What an answer to a request to `route` tells about proofs of possession; none where no token is taken.
    pub fn dpop(&self, request: &AccessRequest, route: &Route, allowed: bool) -> Option<DpopFacts> {
        let Schemes {
            tokens,
            api_keys: _,
        } = self.schemes(route);
        tokens
            .then(|| self.proofs.facts(request, allowed))
            .flatten()
    }

    /// What a caller can be asked for on a route.
    pub fn schemes(&self, route: &Route) -> Schemes {
        let mut schemes = Schemes {
            tokens: false,
            api_keys: false,
        };
        let ready = route.providers.iter();
        for ready in ready.filter_map(|name| self.ready.get(name)) {
            match ready {
                Ready::Jwt { .. } | Ready::Introspection { .. } | Ready::JwtSvid { .. } => {
                    schemes.tokens = true;
                }
                Ready::ApiKey { .. } => schemes.api_keys = true,
                Ready::Mtls(_) => {}
            }
        }
        schemes
    }

    /// Whether there is a provider of this name.
    pub fn has(&self, name: &ProviderName) -> bool {
        self.ready.contains_key(name)
    }

    /// What a credential is presented to.
    pub(super) fn presented<'a>(
        &'a self,
        request: &AccessRequest,
        route: &'a Route,
    ) -> Presented<'a, impl Fn(&str) -> Option<ProviderName>> {
        Presented {
            now: request.now,
            audience: &route.audience,
            issuer: |iss: &str| self.issuer(route, iss).map(|(name, _)| name.clone()),
        }
    }

    /// The places that count on a route. Browsers send a cookie to every path of a host, so it counts only where one of
    /// the route's providers reads it.
    pub(super) fn places_for(&self, route: &Route) -> impl Iterator<Item = &Place> {
        self.places.iter().filter_map(|(place, readers)| {
            let counts = match place {
                Place::Cookie(_) => {
                    let mut names = readers.names.iter();
                    names.any(|name| route.providers.contains(name))
                }
                // Nobody sends such a header by accident: it is a credential on every route.
                Place::Header(_) => true,
            };
            counts.then_some(place)
        })
    }

    /// The provider of API keys with this name, for whoever issues one.
    pub fn issuer_of_keys(&self, name: &str) -> Option<&ApiKeyProvider> {
        self.ready.iter().find_map(|(known, ready)| match ready {
            Ready::ApiKey { provider, .. } if known.as_str() == name => Some(&**provider),
            Ready::ApiKey { .. }
            | Ready::Jwt { .. }
            | Ready::Introspection { .. }
            | Ready::Mtls(_)
            | Ready::JwtSvid { .. } => None,
        })
    }

    /// Whether what stands in `place` is an API key.
    pub(super) fn holds_api_keys(&self, place: &Place) -> bool {
        self.places.get(place).is_some_and(|readers| readers.keys)
    }

    /// The key set of every provider that has one, for readiness, metrics and reuse at the next reload.
    pub fn key_sets(&self) -> impl Iterator<Item = (&ProviderName, &KeySet)> {
        self.ready.iter().filter_map(|(name, ready)| match ready {
            Ready::Jwt { keys, .. } | Ready::JwtSvid { keys, .. } => Some((name, keys)),
            Ready::Introspection { .. } | Ready::ApiKey { .. } | Ready::Mtls(_) => None,
        })
    }

    /// Every provider.
    pub(super) fn each(&self) -> impl Iterator<Item = (&ProviderName, &Ready)> {
        self.ready.iter()
    }

    /// The provider of the route that has exactly this `iss`. No two have the same.
    pub(super) fn issuer(&self, route: &Route, iss: &str) -> Option<(&ProviderName, &Ready)> {
        let mut of_route = route
            .providers
            .iter()
            .filter_map(|name| self.ready.get_key_value(name));
        of_route.find(|(_, ready)| match ready {
            Ready::Jwt { provider, .. } => *provider.issuer == *iss,
            Ready::Introspection { provider, .. } => provider.issuer.as_deref() == Some(iss),
            Ready::JwtSvid { .. } | Ready::ApiKey { .. } | Ready::Mtls(_) => false,
        })
    }
}
