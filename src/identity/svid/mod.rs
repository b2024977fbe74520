//! JWT-SVIDs: tokens with which a workload says who it is (JWT-SVID specification). They are no access tokens: they have
//! no issuer, no scope and nobody on whose authority they speak but the workload itself.
//!
//! A token goes here if the route has a provider of its `sub`'s trust domain and no provider of access tokens with its
//! `iss`. Which of both it is, is decided once: what one refuses, the other one is not asked about. Their keys are apart
//! as well: a bundle's keys are for `jwt-svid` and a key set's are for `sig`.

mod compile;
mod read;
mod spec;
#[cfg(test)]
mod tests;

pub use spec::{BundleSpec, JwtSvidSpec};

use std::time::Duration;

use super::token_type::TokenTypes;
use crate::keys::{Algorithm, KeySource};
use crate::model::name::ProviderName;
use crate::model::party::Kind;
use crate::model::spiffe::TrustDomain;

/// A provider of JWT-SVIDs of one trust domain.
#[derive(Debug)]
pub(super) struct Svid {
    pub(super) name: ProviderName,
    pub(super) trust_domain: TrustDomain,
    /// Where the trust domain's bundle is.
    pub(super) source: KeySource,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) types: TokenTypes,
    pub(super) leeway: Duration,
    kind: Kind,
}
