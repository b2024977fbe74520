//! A provider of signed access tokens, and how it is made of what the user wrote and what its preset knows.

use std::path::Path;
use std::time::Duration;

use super::check;
use super::place::Place;
use super::preset;
use super::reading::{Demands, Findings, Reading, ReadingSpec};
use super::refusal;
use super::spec::JwtSpec;
use super::token_type::TokenTypes;
use crate::keys::{Algorithm, KeySource};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::identity::TokenFacts;
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

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
    /// The longest that its tokens may be good, from `iat` to `exp`.
    max_lifetime: Option<Duration>,
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
            max_lifetime,
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
                max_lifetime: max_lifetime.map(HumanDuration::get),
                reading: reading?,
            })
        };
        provider().ok_or(findings.0)
    }

    /// Refuses a token that is good for longer than this provider's may be.
    pub(super) fn check_lifetime(&self, token: &TokenFacts) -> Result<(), Denial> {
        let Some(longest) = self.max_lifetime else {
            return Ok(());
        };
        let (Some(issued), Some(expires)) = (token.issued, token.expires) else {
            return Err(refusal::claims(
                "`iat` is missing, and the provider has a `max_lifetime`",
            ));
        };
        if expires > issued.plus(longest) {
            let cause = "from `iat` to `exp` it is more than the provider's `max_lifetime`";
            return Err(Denial::new(Reason::TokenLifetime).because(cause));
        }
        Ok(())
    }

    /// How long after a moment a token that was issued by then can still be accepted, if there is a bound.
    pub(super) fn outlives(&self) -> Option<Duration> {
        // Issued by a clock that is ahead, and accepted until a clock that is behind says that it is over.
        self.max_lifetime.map(|life| life + 2 * self.reading.leeway)
    }
}
