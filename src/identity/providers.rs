//! All providers: checked, then ready with what they need; and the way of a credential through them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Instant;

use super::claims::{self, Presented};
use super::credential::{Credential, find};
use super::kind::{Checked, Ready};
use super::mesh;
use super::payload::Payload;
use super::refusal::Refusal;
use super::resources::Resources;
use super::spec::ProviderSpec;
use super::svid::Svid;
use crate::keys::{self, KeySet, KeySource, ParsedJws};
use crate::model::finding::Finding;
use crate::model::identity::Identity;
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::schema::ClaimDeclarations;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::Denial;

/// Providers whose configuration is sound; they have no keys, so they verify nothing.
#[derive(Debug)]
pub struct CheckedProviders(BTreeMap<ProviderName, Checked>);

/// Providers with everything that they need.
#[derive(Debug)]
pub struct Providers(BTreeMap<ProviderName, Ready>);

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
                                findings.push(duplicate(other.get()).under(name.as_str()));
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

    /// Whether any provider makes workloads known.
    pub fn knows_workloads(&self) -> bool {
        let mut kinds = self.0.values();
        kinds.any(|provider| matches!(provider, Checked::Mtls(_)))
    }

    /// The providers' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.keys()
    }

    /// Gives each provider what it needs. One that `resources` has nothing for is left out: its credentials are then
    /// those of an unknown issuer.
    #[must_use]
    pub fn with(self, resources: &Resources) -> Providers {
        let ready = self.0.into_iter().filter_map(|(name, provider)| {
            let ready = provider.with(&name, resources)?;
            Some((name, ready))
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
    /// Verifies the credential of a request to `route`: `None` if it carries none, a refusal if it carries one that is
    /// not accepted, never anything in between. Dates in the credential are compared with the request's own clock. What
    /// is verified offline never waits; the size of the credential bounds the work.
    #[expect(
        clippy::unused_async,
        reason = "kinds that ask somebody wait; this one does not"
    )]
    pub async fn authenticate(
        &self,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Option<Identity>, Refusal> {
        let Some(credential) = find(request)? else {
            return Ok(self.workload_party(request, route)?);
        };
        if route.providers.is_empty() {
            let denial = Denial::new(Reason::CredentialUnsupported);
            return Err(denial.because("the route accepts no credentials").into());
        }
        match credential {
            Credential::Bearer(token) => self.signed(token, request, route, clock).map(Some),
        }
    }

    /// Verifies a signed token: one of access by its `iss`, else one of a workload by the trust domain of its `sub`.
    fn signed(
        &self,
        token: &str,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Identity, Refusal> {
        let token = keys::parse(token)?;
        let issuer = token
            .unverified_issuer()
            .and_then(|iss| self.issuer(route, iss));
        let Some((_, Ready::Jwt { provider, keys })) = issuer else {
            return self.workload_token(token, request, route, clock);
        };
        let verified = token.verify(&provider.algorithms, keys, clock.now)?;
        provider
            .types
            .check(verified.typ.as_deref(), &verified.claims)?;
        let presented = Presented {
            now: request.now,
            audience: &route.audience,
            issuer: |iss: &str| self.issuer(route, iss).map(|(name, _)| name.clone()),
        };
        let payload = Payload(&verified.claims);
        let identity = claims::read(provider, payload, verified.kid.as_deref(), &presented)?;
        Ok(identity)
    }

    /// Verifies a JWT-SVID. It needs no `iss`, and one that nobody knows says nothing (JWT-SVID, section 3).
    fn workload_token(
        &self,
        token: ParsedJws<'_>,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Identity, Refusal> {
        let id = token.unverified_subject().and_then(SpiffeId::parse);
        let Some((provider, keys)) = id.and_then(|id| self.svid(route, &id)) else {
            let denial = Denial::new(Reason::TokenIssuer);
            return Err(denial
                .because("no provider of the route has the token's `iss`")
                .into());
        };
        let verified = token.verify(&provider.algorithms, keys, clock.now)?;
        let (typ, key) = (verified.typ.as_deref(), verified.kid.as_deref());
        provider.types.check(typ, &verified.claims)?;
        let payload = Payload(&verified.claims);
        Ok(provider.read(payload, key, request.now, &route.audience)?)
    }

    /// The key set of every provider that has one, for readiness, metrics and reuse at the next reload.
    pub fn key_sets(&self) -> impl Iterator<Item = (&ProviderName, &KeySet)> {
        self.0.iter().filter_map(|(name, ready)| match ready {
            Ready::Jwt { keys, .. } | Ready::JwtSvid { keys, .. } => Some((name, keys)),
            Ready::Mtls(_) => None,
        })
    }

    /// Every provider.
    pub(super) fn each(&self) -> impl Iterator<Item = (&ProviderName, &Ready)> {
        self.0.iter()
    }

    /// The provider of the route for JWT-SVIDs of this workload's trust domain. No two have the same.
    fn svid(&self, route: &Route, id: &SpiffeId) -> Option<(&Svid, &KeySet)> {
        let mut of_route = route.providers.iter().filter_map(|name| self.0.get(name));
        of_route.find_map(|ready| match ready {
            Ready::JwtSvid { provider, keys } if provider.trust_domain.has(id) => {
                Some((&**provider, keys))
            }
            Ready::JwtSvid { .. } | Ready::Jwt { .. } | Ready::Mtls(_) => None,
        })
    }

    /// The provider of the route that has exactly this `iss`. No two have the same.
    fn issuer(&self, route: &Route, iss: &str) -> Option<(&ProviderName, &Ready)> {
        let mut of_route = route
            .providers
            .iter()
            .filter_map(|name| self.0.get_key_value(name));
        of_route.find(|(_, ready)| match ready {
            Ready::Jwt { provider, .. } => *provider.issuer == *iss,
            Ready::JwtSvid { .. } | Ready::Mtls(_) => false,
        })
    }
}
