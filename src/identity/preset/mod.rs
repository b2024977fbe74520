//! What is known about the tokens of well-known products. A preset fills in what the user leaves out; it is data, one
//! file a product, each with its source and a sample.
//!
//! Where a product's client acts as itself, its id is the client's id: then subject and client are one party, and the
//! registry lists it once. An expression that finds a token to be of no known shape gives `"unclear"` or `""`, which
//! refuses it.

mod auth0;
mod entra;
mod github_actions;
mod google;
mod keycloak;
mod kubernetes;
mod okta;
mod rfc9068;

use super::declared::DeclaredClaim;
use super::spec::PresetName;
use crate::keys::Algorithm;

/// The defaults of one product.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) algorithms: &'static [Algorithm],
    pub(super) types: &'static [&'static str],
    /// Claims that may name the client, the first that is there.
    pub(super) client: &'static [&'static str],
    /// A condition that access tokens meet and other tokens of the product do not; users cannot change it.
    pub(super) accepts: Option<&'static str>,
    pub(super) id: &'static str,
    /// `None`: the user must say.
    pub(super) kind: Option<&'static str>,
    pub(super) groups: &'static str,
    pub(super) scope: &'static str,
    pub(super) claims: &'static [PresetClaim],
}

/// A claim that policies may read.
#[derive(Debug)]
pub(super) struct PresetClaim {
    pub(super) name: &'static str,
    pub(super) of: &'static str,
    pub(super) required: bool,
    /// Where it stands; empty: at the top, under its own name.
    pub(super) from: &'static [&'static str],
}

impl PresetClaim {
    const fn optional(name: &'static str, of: &'static str, from: &'static [&'static str]) -> Self {
        Self {
            name,
            of,
            required: false,
            from,
        }
    }

    const fn required(name: &'static str, of: &'static str, from: &'static [&'static str]) -> Self {
        Self {
            name,
            of,
            required: true,
            from,
        }
    }

    /// The claim as users would declare it.
    pub(super) fn declared(&self) -> Option<DeclaredClaim> {
        DeclaredClaim::preset(self.name, self.of, self.required, self.from)
    }
}

/// Many products leave `typ` out or say `JWT`.
const LEGACY_TYPES: &[&str] = &["at+jwt", "JWT"];

/// The preset of this name; the profile of RFC 9068 if there is none.
pub(super) const fn find(name: Option<PresetName>) -> &'static Preset {
    match name {
        None => &rfc9068::PRESET,
        Some(PresetName::Keycloak) => &keycloak::PRESET,
        Some(PresetName::Auth0) => &auth0::PRESET,
        Some(PresetName::Okta) => &okta::PRESET,
        Some(PresetName::Entra) => &entra::PRESET,
        Some(PresetName::Google) => &google::PRESET,
        Some(PresetName::GithubActions) => &github_actions::PRESET,
        Some(PresetName::Kubernetes) => &kubernetes::PRESET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_of_every_preset_has_a_type() {
        let presets = [
            PresetName::Keycloak,
            PresetName::Auth0,
            PresetName::Okta,
            PresetName::Entra,
            PresetName::Google,
            PresetName::GithubActions,
            PresetName::Kubernetes,
        ];
        for claim in presets.iter().flat_map(|name| find(Some(*name)).claims) {
            assert!(claim.declared().is_some(), "{}", claim.name);
        }
    }
}
