//! What a provider states after it verified a credential: facts, not parties. The registry adds what it knows.

use std::sync::Arc;

use super::name::ProviderName;
use super::party::{Assurance, Claims, Kind, PartyId};
use super::time::Timestamp;

/// Facts of one verified credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The provider that verified it.
    pub provider: ProviderName,
    /// On whose authority the credential speaks.
    pub subject: PartyId,
    /// The subject's kind, as the provider's mapping states it.
    pub kind: Kind,
    /// The subject's groups, as the provider's mapping states them.
    pub groups: Arc<[Arc<str>]>,
    /// Who answers for the subject, where the credential has an owner of its own, as an API key does.
    pub owner: Option<Arc<str>>,
    /// The subject's declared claims.
    pub claims: Arc<Claims>,
    /// How the subject authenticated.
    pub assurance: Assurance,
    /// The OAuth client that holds the credential (`client_id`, `azp`).
    pub client: Option<Arc<str>>,
    /// What becomes of an actor that the registry does not know.
    pub unregistered_client: UnregisteredClient,
    /// The `act` entries (RFC 8693, section 4.1), outermost first.
    pub chain: Vec<PartyId>,
    /// What the credential itself allows.
    pub token: Arc<TokenFacts>,
}

/// Facts that belong to the credential, so to the whole call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Granted scopes.
    pub scope: Vec<Arc<str>>,
    /// Whom it is meant for.
    pub audience: Vec<Arc<str>>,
    /// When it ends to be valid; none if that is not known, as for a certificate that Envoy does not show.
    pub expires: Option<Timestamp>,
    /// When it was issued.
    pub issued: Option<Timestamp>,
    /// Its id (`jti`).
    pub id: Option<Arc<str>>,
    /// The key that signed it.
    pub key: Option<Arc<str>>,
    /// Whether its issuer can bind it to a key of the caller's: so it is with tokens, and not with API keys and
    /// certificates.
    pub bindable: bool,
    /// How the caller has proven that the credential is its own.
    pub proof: Proof,
    /// The key that it is bound to: `jkt:` and a thumbprint (RFC 7638), or `x5t:` and one of a certificate (RFC 8705). Both,
    /// with a space between, where it is bound to both.
    pub bound: Option<Arc<str>>,
    /// The session that it belongs to (`sid`).
    pub session: Option<Arc<str>>,
}

/// How a caller has proven to hold the key that its credential is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Proof {
    /// Not at all: whoever has the credential can use it.
    #[default]
    None,
    /// With a signature over this request (RFC 9449).
    Dpop,
    /// With the client certificate of the connection (RFC 8705), or because that certificate is the credential.
    Mtls,
}

impl Proof {
    /// Every proof, and that there is none.
    pub const ALL: [Self; 3] = [Self::None, Self::Dpop, Self::Mtls];

    /// The word that policies and records use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop => "dpop",
            Self::Mtls => "mtls",
        }
    }
}

/// What a client that the registry does not list becomes; every provider says so, there is no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnregisteredClient {
    /// The credential is refused.
    Deny,
    /// The client is no party of its own: the subject acts.
    Subject,
    /// The client is an actor of kind `service`, without groups.
    Service,
    /// The client is an actor of kind `agent`, without groups.
    Agent,
}
