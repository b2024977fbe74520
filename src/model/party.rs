//! Parties: who signs for a call.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::name::ProviderName;
use super::time::Timestamp;
use super::value::Value;

/// What kind of identity a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person.
    Human,
    /// A service account, workload or automation.
    Service,
    /// An AI agent.
    Agent,
    /// A caller that presented no credential.
    Anonymous,
}

impl Kind {
    /// The word that rules, records and metadata use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Service => "service",
            Self::Agent => "agent",
            Self::Anonymous => "anonymous",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind: use `human`, `service`, `agent` or `anonymous`")]
pub struct KindError(String);

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        match text {
            "human" => Ok(Self::Human),
            "service" => Ok(Self::Service),
            "agent" => Ok(Self::Agent),
            "anonymous" => Ok(Self::Anonymous),
            other => Err(KindError(other.to_owned())),
        }
    }
}

/// Who a party is: the provider that vouches for it and its id there. The same id from two providers is two parties.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartyId {
    /// The provider; `None` only for the anonymous party.
    pub issuer: Option<ProviderName>,
    /// The id, as the provider's mapping gives it; empty only for the anonymous party.
    pub id: Arc<str>,
}

impl PartyId {
    /// The identity `id` that `issuer` vouches for.
    pub fn new(issuer: ProviderName, id: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: Some(issuer),
            id: id.into(),
        }
    }
}

impl fmt::Display for PartyId {
    /// `issuer/id`, or `anonymous`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "{issuer}/{}", self.id),
            None => f.write_str("anonymous"),
        }
    }
}

impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How, and when, a human proved who they are (RFC 9068, section 2.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assurance {
    /// Authentication context class that was satisfied.
    pub acr: Option<Arc<str>>,
    /// Authentication methods that were used.
    pub amr: Vec<Arc<str>>,
    /// When the person authenticated.
    pub auth_time: Option<Timestamp>,
}

/// Declared claims of a party, typed as the provider declares them; absent stays absent.
pub type Claims = BTreeMap<Arc<str>, Value>;

/// A verified identity, complete with what the registry knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Party {
    /// Its kind.
    pub kind: Kind,
    /// Who it is.
    pub id: PartyId,
    /// Who answers for a non-human identity: as the registry says, else as its credential does.
    pub owner: Option<Arc<str>>,
    /// Its groups.
    pub groups: Arc<[Arc<str>]>,
    /// Its claims; only a subject has any.
    pub claims: Arc<Claims>,
    /// Its assurance; only a subject has any.
    pub assurance: Assurance,
}

impl Party {
    /// A party of which only kind and id are known.
    pub fn bare(kind: Kind, id: PartyId) -> Self {
        let assurance = Assurance {
            acr: None,
            amr: Vec::new(),
            auth_time: None,
        };
        Self {
            kind,
            id,
            owner: None,
            groups: Arc::default(),
            claims: Arc::default(),
            assurance,
        }
    }

    /// The caller without a credential.
    pub fn anonymous() -> Self {
        Self::bare(
            Kind::Anonymous,
            PartyId {
                issuer: None,
                id: Arc::from(""),
            },
        )
    }
}

/// Somebody whom the credential names as having acted before: no party to the call, so it grants nothing, and may deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prior {
    /// Who it is.
    pub id: PartyId,
    /// Who answers for it, if it is registered.
    pub owner: Option<Arc<str>>,
}

/// The parties of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Parties {
    /// On whose authority.
    pub subject: Party,
    /// Who acts, when that is somebody else than the subject.
    pub actor: Option<Party>,
    /// Number of `act` entries.
    pub depth: usize,
    /// Everybody else whom the credential names: inner `act` entries, and a client beside them.
    pub prior: Vec<Prior>,
}

impl Parties {
    /// One party alone: it is its own actor.
    pub fn alone(subject: Party) -> Self {
        Self {
            subject,
            actor: None,
            depth: 0,
            prior: Vec::new(),
        }
    }

    /// Whether somebody acts for somebody else.
    pub const fn delegated(&self) -> bool {
        self.actor.is_some()
    }

    /// The party that acts: the actor, else the subject.
    pub fn acting(&self) -> &Party {
        self.actor.as_ref().unwrap_or(&self.subject)
    }

    /// Every party that needs a permit of its own.
    pub fn each(&self) -> impl Iterator<Item = &Party> {
        std::iter::once(&self.subject).chain(self.actor.as_ref())
    }
}
