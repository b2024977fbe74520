//! What a call names, as it stands in the call: borrowed, so that looking for it allocates nothing.

use std::hash::{BuildHasher, RandomState};

use crate::model::approval::ApprovalId;
use crate::model::name::ProviderName;
use crate::model::revocation::Target;

/// Something that may be revoked, as a call names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// The credential's own id (`jti`).
    Token(&'a ProviderName, &'a str),
    /// On whose authority the credential speaks.
    Subject(&'a ProviderName, &'a str),
    /// Somebody who acts, in whatever role.
    Actor(&'a ProviderName, &'a str),
    /// The OAuth client that holds the credential.
    Client(&'a ProviderName, &'a str),
    /// The session that the credential belongs to (`sid`).
    Session(&'a ProviderName, &'a str),
    /// The key that signed the credential (`kid`).
    Key(&'a ProviderName, &'a str),
    /// A provider that vouches for something in the call.
    Issuer(&'a ProviderName),
    /// A workload; its own entry and those of its prefixes count.
    Spiffe(&'a str),
    /// Whole leading segments of a SPIFFE ID.
    SpiffePrefix(&'a str),
    /// The API key that the credential is.
    ApiKey(&'a str),
    /// A key that the caller has shown: `jkt:…` or `x5t:…`.
    ProofKey(&'a str),
    /// Who answers for somebody in the call.
    Owner(&'a str),
    /// An approval.
    Approval(&'a ApprovalId),
}

impl<'a> Name<'a> {
    /// The name that a target is an entry of.
    pub(super) fn of(target: &'a Target) -> Self {
        match target {
            Target::Token(issuer, id) => Self::Token(issuer, id),
            Target::Subject(issuer, id) => Self::Subject(issuer, id),
            Target::Actor(issuer, id) => Self::Actor(issuer, id),
            Target::Client(issuer, id) => Self::Client(issuer, id),
            Target::Session(issuer, id) => Self::Session(issuer, id),
            Target::Key(issuer, id) => Self::Key(issuer, id),
            Target::Issuer(issuer) => Self::Issuer(issuer),
            Target::Spiffe(id) => Self::Spiffe(id),
            Target::SpiffePrefix(id) => Self::SpiffePrefix(id),
            Target::ApiKey(id) => Self::ApiKey(id),
            Target::ProofKey(thumbprint) => Self::ProofKey(thumbprint),
            Target::Owner(owner) => Self::Owner(owner),
            Target::Approval(id) => Self::Approval(id),
        }
    }

    /// The parts that tell it from every other: kind, provider, value.
    fn parts(&self) -> (u16, Option<&'a ProviderName>, &'a str) {
        match *self {
            Self::Token(issuer, id) => (0, Some(issuer), id),
            Self::Subject(issuer, id) => (1, Some(issuer), id),
            Self::Actor(issuer, id) => (2, Some(issuer), id),
            Self::Client(issuer, id) => (3, Some(issuer), id),
            Self::Session(issuer, id) => (4, Some(issuer), id),
            Self::Key(issuer, id) => (5, Some(issuer), id),
            Self::Issuer(issuer) => (6, Some(issuer), ""),
            Self::Spiffe(id) => (7, None, id),
            Self::SpiffePrefix(id) => (8, None, id),
            Self::ApiKey(id) => (9, None, id),
            Self::ProofKey(thumbprint) => (10, None, thumbprint),
            Self::Owner(owner) => (11, None, owner),
            Self::Approval(id) => (12, None, id.as_str()),
        }
    }

    /// One bit of its own for every kind.
    pub(super) fn bit(&self) -> u16 {
        1 << self.parts().0
    }

    /// Its hash under a key that nobody outside knows.
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one(self.parts())
    }

    /// A workload's leading segments: the trust domain alone, then one segment more each time, the whole ID at the end.
    pub(super) fn prefixes(id: &'a str) -> impl Iterator<Item = Self> {
        let scheme = "spiffe://".len();
        let rest = id.get(scheme..).unwrap_or_default();
        let slashes = rest.match_indices('/').map(move |(at, _)| scheme + at);
        slashes
            .chain(std::iter::once(id.len()))
            .filter_map(|end| id.get(..end))
            .map(Self::SpiffePrefix)
    }
}
