//! Revocations: what is not good any more, and since when.

use std::fmt;
use std::sync::Arc;

use super::approval::ApprovalId;
use super::name::ProviderName;
use super::time::Timestamp;

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// One token, by its `jti`.
    Token(ProviderName, Arc<str>),
    /// Every credential on the authority of this identity.
    Subject(ProviderName, Arc<str>),
    /// Every call in which this identity acts: as the actor, as any hop of the chain, or as the client.
    Actor(ProviderName, Arc<str>),
    /// Every credential that was issued to this OAuth client.
    Client(ProviderName, Arc<str>),
    /// Every credential of this session (`sid`).
    Session(ProviderName, Arc<str>),
    /// Every credential that this key of the issuer's signed (`kid`).
    Key(ProviderName, Arc<str>),
    /// Every credential of this provider.
    Issuer(ProviderName),
    /// This workload.
    Spiffe(Arc<str>),
    /// Every workload whose SPIFFE ID begins with these whole segments.
    SpiffePrefix(Arc<str>),
    /// This API key.
    ApiKey(Arc<str>),
    /// Every credential that is bound to this key: `jkt:…` or `x5t:…`.
    ProofKey(Arc<str>),
    /// Every identity that this person answers for.
    Owner(Arc<str>),
    /// This approval.
    Approval(ApprovalId),
}

impl Target {
    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Token(..) => "token",
            Self::Subject(..) => "subject",
            Self::Actor(..) => "actor",
            Self::Client(..) => "client",
            Self::Session(..) => "session",
            Self::Key(..) => "key",
            Self::Issuer(_) => "issuer",
            Self::Spiffe(_) => "spiffe",
            Self::SpiffePrefix(_) => "spiffe_prefix",
            Self::ApiKey(_) => "api_key",
            Self::ProofKey(_) => "proof_key",
            Self::Owner(_) => "owner",
            Self::Approval(_) => "approval",
        }
    }

    /// The provider, where it belongs to one.
    pub const fn issuer(&self) -> Option<&ProviderName> {
        match self {
            Self::Token(issuer, _)
            | Self::Subject(issuer, _)
            | Self::Actor(issuer, _)
            | Self::Client(issuer, _)
            | Self::Session(issuer, _)
            | Self::Key(issuer, _)
            | Self::Issuer(issuer) => Some(issuer),
            Self::Spiffe(_)
            | Self::SpiffePrefix(_)
            | Self::ApiKey(_)
            | Self::ProofKey(_)
            | Self::Owner(_)
            | Self::Approval(_) => None,
        }
    }

    /// The value within its kind and provider; empty for a whole provider.
    pub fn value(&self) -> &str {
        match self {
            Self::Token(_, value)
            | Self::Subject(_, value)
            | Self::Actor(_, value)
            | Self::Client(_, value)
            | Self::Session(_, value)
            | Self::Key(_, value)
            | Self::Spiffe(value)
            | Self::SpiffePrefix(value)
            | Self::ApiKey(value)
            | Self::ProofKey(value)
            | Self::Owner(value) => value,
            Self::Approval(id) => id.as_str(),
            Self::Issuer(_) => "",
        }
    }
}

impl fmt::Display for Target {
    /// `subject corp/alice`, `issuer corp`, `owner ana@example.com`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.issuer() {
            Some(issuer) if self.value().is_empty() => write!(f, "{} {issuer}", self.kind()),
            Some(issuer) => write!(f, "{} {issuer}/{}", self.kind(), self.value()),
            None => write!(f, "{} {}", self.kind(), self.value()),
        }
    }
}

/// One revocation: every time in it is a maximum, so that merging is safe in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub target: Target,
    /// Credentials that were issued at this time or before are not good.
    pub not_before: Option<Timestamp>,
    /// When it was blocked altogether.
    pub blocked: Option<Timestamp>,
    /// When the block was lifted; it never lowers `not_before`.
    pub lifted: Option<Timestamp>,
    /// From when on nothing that it names can still be valid; none keeps it.
    pub expires: Option<Timestamp>,
    /// Why.
    pub reason: Arc<str>,
    /// Who said so: an operator, or the stream of events.
    pub by: Arc<str>,
    /// When it was acknowledged.
    pub at: Timestamp,
}

impl Revocation {
    /// Whether it is blocked altogether.
    pub fn is_blocked(&self) -> bool {
        self.blocked
            .is_some_and(|blocked| self.lifted.is_none_or(|lifted| blocked > lifted))
    }

    /// Whether it concerns a credential that was issued at `issued`; one that does not say when is concerned.
    pub fn concerns(&self, issued: Option<Timestamp>) -> bool {
        let too_old = |before| issued.is_none_or(|issued| issued <= before);
        self.is_blocked() || self.not_before.is_some_and(too_old)
    }

    /// Both at once: the maximum of each time. An entry without an end stays without one. Words are those of the later.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let later = (other.at, &other.reason, &other.by) > (self.at, &self.reason, &self.by);
        let (first, second) = if later { (other, self) } else { (self, other) };
        let expires = match (first.expires, second.expires) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (None, _) | (_, None) => None,
        };
        Self {
            not_before: first.not_before.max(second.not_before),
            blocked: first.blocked.max(second.blocked),
            lifted: first.lifted.max(second.lifted),
            expires,
            ..first
        }
    }
}
