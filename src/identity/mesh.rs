//! All providers of workloads together: one trust domain belongs to one of them, and who the caller is does not depend
//! on which of them is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kind::{Checked, Ready};
use super::mtls::{Caller, Hops, Mtls};
use super::payload::Payload;
use super::proof::Unproven;
use super::providers::Providers;
use super::refusal::{Refusal, unknown_issuer};
use super::signed::Coming;
use super::svid::Svid;
use crate::keys::{KeySet, ParsedJws};
use crate::model::finding::Finding;
use crate::model::identity::Identity;
use crate::model::name::ProviderName;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// What two providers of workloads contradict each other in.
pub(super) fn conflicts(providers: &BTreeMap<ProviderName, Checked>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut meshes: Vec<(&ProviderName, &Mtls)> = Vec::new();
    let mut svids: Vec<(&ProviderName, &Svid)> = Vec::new();
    for (name, provider) in providers {
        match provider {
            Checked::Mtls(mtls) => {
                findings.extend(meshes.iter().filter_map(|known| shared(*known, name, mtls)));
                findings.extend(meshes.first().and_then(|first| differ(*first, name, mtls)));
                meshes.push((name, mtls));
            }
            Checked::JwtSvid(svid) => {
                let same = |(_, other): &&(_, &Svid)| other.trust_domain == svid.trust_domain;
                if let Some((other, _)) = svids.iter().find(same) {
                    let message = format!(
                        "provider `{other}` has this trust domain too: one trust domain, one provider"
                    );
                    let finding = Finding::error("duplicate-trust-domain", message);
                    let finding = finding.under("trust_domain").under("jwt_svid");
                    findings.push(finding.under(name.as_str()));
                }
                svids.push((name, svid));
            }
            Checked::Jwt(_) | Checked::Introspection(_) | Checked::ApiKey(_) => {}
        }
    }
    findings
}

/// A workload that were known to two providers would be two parties.
fn shared(
    (other, known): (&ProviderName, &Mtls),
    name: &ProviderName,
    mtls: &Mtls,
) -> Option<Finding> {
    let domains = known.trust_domains.iter();
    let domain = domains
        .into_iter()
        .find(|it| mtls.trust_domains.contains(it))?;
    let message = format!(
        "provider `{other}` has trust domain `{domain}` too: one trust domain, one provider"
    );
    let finding = Finding::error("duplicate-trust-domain", message);
    Some(
        finding
            .under("trust_domains")
            .under("mtls")
            .under(name.as_str()),
    )
}

/// A request has one caller, whichever provider knows it.
fn differ(
    (other, known): (&ProviderName, &Mtls),
    name: &ProviderName,
    mtls: &Mtls,
) -> Option<Finding> {
    (known.hops != mtls.hops).then(|| {
        let message = format!(
            "`trusted_hops` and `hops` are not those of provider `{other}`: every request goes the same way"
        );
        let finding = Finding::error("conflicting-hops", message);
        finding.under("mtls").under(name.as_str())
    })
}

impl Providers {
    /// The workload that calls, beside any credential: whoever showed a certificate that Envoy verified, or a proxy that
    /// is trusted with that. It is known only through a provider of its trust domain, whether the route lists that
    /// provider or not; a certificate that contradicts itself or the request is refused.
    pub fn workload(&self, request: &AccessRequest) -> Result<Option<SpiffeId>, Denial> {
        if self.meshes().next().is_none() {
            return Ok(None);
        }
        let id = self.caller(request)?.id;
        Ok(id.filter(|id| self.mesh_of(id).is_some()))
    }

    /// The workload that a description names, as if its certificate had been verified.
    pub fn described_workload(&self, request: &AccessRequest) -> Option<SpiffeId> {
        let id = SpiffeId::parse(request.source.principal.as_deref()?)?;
        self.mesh_of(&id).is_some().then_some(id)
    }

    /// The thumbprint of the caller's certificate (`x5t#S256`, RFC 8705, section 3.1): of the one that Envoy verified, or
    /// that a trusted proxy did. It needs no provider of workloads: a token names the certificate, and who trusts it is
    /// Envoy's to say.
    pub(super) fn caller_thumbprint(
        &self,
        request: &AccessRequest,
    ) -> Result<Option<Arc<str>>, Denial> {
        Ok(self.caller(request)?.thumbprint)
    }

    /// The caller's certificate as something that can be revoked: `x5t:` and its thumbprint.
    pub fn caller_key(&self, request: &AccessRequest) -> Option<String> {
        let thumbprint = self.caller(request).ok()?.thumbprint?;
        Some(format!("x5t:{thumbprint}"))
    }

    /// When the caller's certificate was issued, as far as it says; none if it was not sent.
    pub fn caller_issued(&self, request: &AccessRequest) -> Option<Timestamp> {
        let certificate = self.caller(request).ok()?.certificate?;
        Some(certificate.not_before())
    }

    /// The workload as the party of a request without another credential, where the route lists its provider.
    pub(super) fn workload_party(
        &self,
        request: &AccessRequest,
        route: &Route,
    ) -> Result<Option<Identity>, Denial> {
        let listed = |(name, _): (&ProviderName, _)| route.providers.contains(name);
        if !self.meshes().any(listed) {
            return Ok(None);
        }
        let caller = self.caller(request)?;
        let Some(id) = &caller.id else {
            return Ok(None);
        };
        let mesh = self.mesh_of(id).filter(|mesh| listed(*mesh));
        Ok(mesh.map(|(name, mtls)| mtls.identity(name, id, &caller)))
    }

    /// Verifies a JWT-SVID, which stands in the `authorization` header alone. It needs no `iss`, and one that nobody knows
    /// says nothing (JWT-SVID, section 3).
    pub(super) fn workload_token(
        &self,
        token: ParsedJws<'_>,
        coming: Coming<'_>,
    ) -> Result<Unproven, Refusal> {
        let Coming {
            token: _,
            key: _,
            place,
            request,
            route,
            clock,
        } = coming;
        let has_issuer = token.unverified_issuer().is_some();
        let id = token.unverified_subject().and_then(SpiffeId::parse);
        let id = id.filter(|_| place.is_none());
        let (provider, keys) = id
            .and_then(|id| self.svid(route, &id))
            .ok_or_else(unknown_issuer)?;
        let grounds = self.grounds(keys, clock);
        let verified = token.verify(&provider.algorithms, keys, clock.now)?;
        provider.types.check(verified.typ(), &verified.claims)?;
        let payload = Payload(&verified.claims);
        let unproven =
            provider.read(payload, verified.kid.clone(), request.now, &route.audience)?;
        // One with an `iss` could be an access token on another route.
        self.remember(coming, &unproven, grounds.filter(|_| !has_issuer));
        Ok(unproven)
    }

    /// Whether any provider verifies JWT-SVIDs with this `sub`.
    pub(super) fn vouches(&self, sub: &str) -> bool {
        let id = SpiffeId::parse(sub);
        let has = |ready: &Ready| match ready {
            Ready::JwtSvid { provider, .. } => {
                id.as_ref().is_some_and(|id| provider.trust_domain.has(id))
            }
            Ready::Jwt { .. }
            | Ready::Introspection { .. }
            | Ready::ApiKey { .. }
            | Ready::Mtls(_) => false,
        };
        self.each().any(|(_, ready)| has(ready))
    }

    /// The provider of the route for JWT-SVIDs of this workload's trust domain. No two have the same.
    fn svid(&self, route: &Route, id: &SpiffeId) -> Option<(&Svid, &KeySet)> {
        let mut of_route = self
            .each()
            .filter(|(name, _)| route.providers.contains(name));
        of_route.find_map(|(_, ready)| match ready {
            Ready::JwtSvid { provider, keys } if provider.trust_domain.has(id) => {
                Some((&**provider, keys))
            }
            Ready::JwtSvid { .. }
            | Ready::Jwt { .. }
            | Ready::Introspection { .. }
            | Ready::ApiKey { .. }
            | Ready::Mtls(_) => None,
        })
    }

    fn caller(&self, request: &AccessRequest) -> Result<Caller, Denial> {
        let nobody = Hops::default();
        let hops = self.meshes().next().map_or(&nobody, |(_, mtls)| &mtls.hops);
        hops.caller(request, |id| self.mesh_of(id).is_some())
    }

    /// The one provider of the workload's trust domain.
    fn mesh_of(&self, id: &SpiffeId) -> Option<(&ProviderName, &Mtls)> {
        self.meshes().find(|(_, mtls)| mtls.has(id))
    }

    fn meshes(&self) -> impl Iterator<Item = (&ProviderName, &Mtls)> {
        self.each().filter_map(|(name, ready)| match ready {
            Ready::Mtls(mtls) => Some((name, &**mtls)),
            Ready::Jwt { .. }
            | Ready::Introspection { .. }
            | Ready::JwtSvid { .. }
            | Ready::ApiKey { .. } => None,
        })
    }
}
