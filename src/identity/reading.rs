//! How the claims of a verified credential become an identity; the same for a signed token and for an answer about one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::declared::DeclaredClaim;
use super::mapping::Mapping;
use super::preset::Preset;
use super::spec::{ClaimSpec, MapSpec, UnregisteredClientSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::identity::UnregisteredClient;
use crate::model::name::ProviderName;
use crate::model::schema::ClaimDeclarations;

/// Whether a credential must have a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Without it the credential is refused.
    Required,
    /// It may be left out; if it is there, it is checked.
    Optional,
}

/// The standard claims that kinds of credentials differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demands {
    /// `iss`; the kind itself checks it, and mappings read it bare where it is required.
    pub(super) issuer: Presence,
    /// `exp`
    pub(super) expiry: Presence,
    /// `aud`
    pub(super) audience: Presence,
}

impl Demands {
    /// What a signed access token must have (RFC 9068, section 2.2).
    pub(super) const SIGNED: Self = Self {
        issuer: Presence::Required,
        expiry: Presence::Required,
        audience: Presence::Required,
    };
}

/// How the claims of one provider are read.
#[derive(Debug)]
pub(super) struct Reading {
    /// The provider.
    pub(super) name: ProviderName,
    pub(super) demands: Demands,
    pub(super) leeway: Duration,
    pub(super) max_delegation_depth: usize,
    pub(super) unregistered_client: UnregisteredClient,
    /// Claims that may name the client; the first that is there does.
    pub(super) client: Vec<Box<str>>,
    pub(super) claims: Vec<DeclaredClaim>,
    pub(super) mapping: Mapping,
}

/// What the user writes about it, whatever the kind of the provider.
pub(super) struct ReadingSpec {
    pub(super) demands: Demands,
    pub(super) leeway: HumanDuration,
    pub(super) max_delegation_depth: usize,
    pub(super) unregistered_client: Option<UnregisteredClientSpec>,
    pub(super) client: Option<String>,
    pub(super) claims: BTreeMap<String, ClaimSpec>,
    pub(super) map: MapSpec,
}

impl Reading {
    /// Checks a specification, with what `preset` says about the rest.
    pub(super) fn compile(
        name: ProviderName,
        spec: ReadingSpec,
        preset: &Preset,
        findings: &mut Findings,
    ) -> Option<Self> {
        let ReadingSpec {
            demands,
            leeway,
            max_delegation_depth,
            unregistered_client,
            client,
            claims,
            map,
        } = spec;
        let leeway = findings.keep("leeway", check::leeway(leeway));
        let depth = findings.keep("max_delegation_depth", check::depth(max_delegation_depth));
        let unregistered_client = findings.keep(
            "unregistered_client",
            check::unregistered(unregistered_client),
        );
        let client = findings.keep("client", check::client(client, preset));
        let claims = findings.keep_all(check::claims(claims, preset));
        let mapping = findings.keep_all(Mapping::compile(map, preset, demands.issuer));
        Some(Self {
            name,
            demands,
            leeway: leeway?,
            max_delegation_depth: depth?,
            unregistered_client: unregistered_client?,
            client: client?,
            claims: claims?,
            mapping: mapping?,
        })
    }

    /// The claims that policies may read.
    pub(super) fn declarations(&self) -> ClaimDeclarations {
        let claims = self.claims.iter();
        claims
            .map(|claim| (Arc::clone(&claim.name), claim.declaration.clone()))
            .collect()
    }
}

/// Everything that is wrong so far.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// What `field` came to.
    pub(super) fn keep<T>(&mut self, field: &str, result: Result<T, Finding>) -> Option<T> {
        self.keep_all(result.map_err(|finding| vec![finding.under(field)]))
    }

    /// What came out, if nothing was wrong.
    pub(super) fn keep_all<T>(&mut self, result: Result<T, Vec<Finding>>) -> Option<T> {
        result.map_err(|findings| self.0.extend(findings)).ok()
    }
}
