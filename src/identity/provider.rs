//! One checked provider, and how it is made of what the user wrote and what its preset knows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::declared::DeclaredClaim;
use super::mapping::Mapping;
use super::place::Place;
use super::preset;
use super::spec::JwtSpec;
use super::token_type::TokenTypes;
use crate::keys::{Algorithm, KeySource};
use crate::model::finding::Finding;
use crate::model::identity::UnregisteredClient;
use crate::model::name::ProviderName;
use crate::model::schema::ClaimDeclarations;

/// A provider of signed access tokens.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) name: ProviderName,
    /// The exact `iss`.
    pub(super) issuer: Box<str>,
    pub(super) source: KeySource,
    /// Where its tokens stand, if not in the `authorization` header.
    pub(super) place: Option<Place>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) types: TokenTypes,
    pub(super) leeway: Duration,
    pub(super) max_delegation_depth: usize,
    pub(super) unregistered_client: UnregisteredClient,
    /// Claims that may name the client; the first that is there does.
    pub(super) client: Vec<Box<str>>,
    pub(super) claims: Vec<DeclaredClaim>,
    pub(super) mapping: Mapping,
}

impl Provider {
    /// The claims that policies may read.
    pub(super) fn declarations(&self) -> ClaimDeclarations {
        let claims = self.claims.iter();
        claims
            .map(|claim| (Arc::clone(&claim.name), claim.declaration.clone()))
            .collect()
    }

    /// Checks a specification and reports everything that is wrong with it; relative files start at `base`.
    pub(super) fn compile(
        name: ProviderName,
        spec: JwtSpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let JwtSpec {
            issuer,
            keys,
            cookie,
            preset,
            algorithms,
            typ,
            leeway,
            max_delegation_depth,
            unregistered_client,
            client,
            claims,
            map,
        } = spec;
        let preset = preset::find(preset);
        let mut findings = Findings::default();
        let checked = findings.keep("issuer", check::issuer(&issuer));
        let source = findings.keep("keys", check::key_source(&name, &issuer, keys, base));
        let place = findings.keep("cookie", cookie.map(Place::cookie).transpose());
        let algorithms = findings.keep("algorithms", check::algorithms(algorithms, preset));
        let types = findings.keep_all(check::types(typ, preset));
        let leeway = findings.keep("leeway", check::leeway(leeway));
        let depth = findings.keep("max_delegation_depth", check::depth(max_delegation_depth));
        let unregistered_client = findings.keep(
            "unregistered_client",
            check::unregistered(unregistered_client),
        );
        let client = findings.keep("client", check::client(client, preset));
        let claims = findings.keep_all(check::claims(claims, preset));
        let mapping = findings.keep_all(Mapping::compile(map, preset));
        let provider = || {
            let () = checked?;
            Some(Self {
                name,
                issuer: issuer.into(),
                source: source?,
                place: place?,
                algorithms: algorithms?,
                types: types?,
                leeway: leeway?,
                max_delegation_depth: depth?,
                unregistered_client: unregistered_client?,
                client: client?,
                claims: claims?,
                mapping: mapping?,
            })
        };
        provider().ok_or(findings.0)
    }
}

/// Everything that is wrong so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn keep<T>(&mut self, field: &str, result: Result<T, Finding>) -> Option<T> {
        self.keep_all(result.map_err(|finding| vec![finding.under(field)]))
    }

    fn keep_all<T>(&mut self, result: Result<T, Vec<Finding>>) -> Option<T> {
        result.map_err(|findings| self.0.extend(findings)).ok()
    }
}
