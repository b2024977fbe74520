//! A provider of signed access tokens, and how it is made of what the user wrote and what its preset knows.

use std::path::Path;

use super::check;
use super::place::Place;
use super::preset;
use super::reading::{Demands, Findings, Reading, ReadingSpec};
use super::spec::JwtSpec;
use super::token_type::TokenTypes;
use crate::keys::{Algorithm, KeySource};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;

/// A provider of signed access tokens.
#[derive(Debug)]
pub(super) struct Provider {
    /// The exact `iss`.
    pub(super) issuer: Box<str>,
    pub(super) source: KeySource,
    /// Where its tokens stand, if not in the `authorization` header.
    pub(super) place: Option<Place>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) types: TokenTypes,
    /// How their claims are read.
    pub(super) reading: Reading,
}

impl Provider {
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
        let reading = ReadingSpec {
            demands: Demands::SIGNED,
            leeway,
            max_delegation_depth,
            unregistered_client,
            client,
            claims,
            map,
        };
        let reading = Reading::compile(name, reading, preset, &mut findings);
        let provider = || {
            let () = checked?;
            Some(Self {
                issuer: issuer.into(),
                source: source?,
                place: place?,
                algorithms: algorithms?,
                types: types?,
                reading: reading?,
            })
        };
        provider().ok_or(findings.0)
    }
}
