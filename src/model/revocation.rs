//! Revocations: what is not good any more, and since when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::approval::{ApprovalId, ApprovalIdError};
use super::name::{NameError, ProviderName};
use super::spiffe::{SpiffeId, TrustDomain};
use super::time::Timestamp;

/// Longest value of a target, in bytes: no credential has a longer one. A SPIFFE ID has a bound of its own.
pub const MAX_VALUE: usize = 1024;
/// How long an entry stays beyond the last moment at which what it names can be valid: clocks differ, and clocks are set.
pub const MARGIN: Duration = Duration::from_hours(24);
/// Characters of a SHA-256 in base64url without padding.
const THUMBPRINT: usize = 43;

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

/// Why a text names nothing that can be revoked. None of the messages has the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no such kind.
    #[error("there is nothing of this kind to revoke: use one of {}", Target::KINDS.join(", "))]
    Kind,
    /// The kind belongs to a provider, and none is named.
    #[error("a {0} belongs to a provider: name it as the issuer")]
    NoIssuer(&'static str),
    /// The kind belongs to no provider, and one is named.
    #[error("a {0} belongs to no provider: leave the issuer out")]
    Issuer(&'static str),
    /// The provider's name is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The value is empty, too long, or has control characters.
    #[error("a {0} has 1 to {MAX_VALUE} bytes without control characters")]
    Value(&'static str),
    /// A whole token stands where its id belongs.
    #[error("write the token's id (its `jti`), never the token")]
    WholeToken,
    /// A whole key stands where its id belongs, or something else that is no id.
    #[error("write the key's id, as `countersign keys list` shows it, never the key")]
    ApiKey,
    /// A whole provider has no value beside its name.
    #[error("an issuer is named once: leave the other name out")]
    Twice,
    /// The value is no SPIFFE ID.
    #[error("write a SPIFFE ID such as `spiffe://example.org/ci/deployer`")]
    Spiffe,
    /// The value is no trust domain and no SPIFFE ID.
    #[error(
        "write a trust domain or whole segments below it, such as `spiffe://example.org` or `spiffe://example.org/ci`"
    )]
    SpiffePrefix,
    /// The value is no thumbprint.
    #[error(
        "write `jkt:` and the thumbprint of a key, or `x5t:` and that of a certificate: a SHA-256 in base64url"
    )]
    ProofKey,
    /// The value is no approval's id.
    #[error(transparent)]
    Approval(#[from] ApprovalIdError),
}

impl Target {
    /// The word for every kind.
    pub const KINDS: [&'static str; 13] = [
        "token",
        "subject",
        "actor",
        "client",
        "session",
        "key",
        "issuer",
        "spiffe",
        "spiffe_prefix",
        "api_key",
        "proof_key",
        "owner",
        "approval",
    ];

    /// Reads a target. `issuer` is the provider's name for kinds that belong to one; of a whole provider the name is either
    /// the issuer or the value. Every target is what `parse` makes of its kind, issuer and value.
    pub fn parse(kind: &str, issuer: Option<&str>, value: &str) -> Result<Self, TargetError> {
        let word = Self::KINDS.into_iter().find(|word| *word == kind);
        let word = word.ok_or(TargetError::Kind)?;
        match word {
            // A JWS would be kept and shown everywhere where its id is.
            "token" if value.starts_with("eyJ") && value.contains('.') => {
                Err(TargetError::WholeToken)
            }
            "token" | "subject" | "actor" | "client" | "session" | "key" => {
                let issuer = issuer.ok_or(TargetError::NoIssuer(word))?;
                Self::of_provider(word, ProviderName::new(issuer)?, text(word, value)?)
            }
            "issuer" => match (issuer, value) {
                (Some(name), "") | (None, name) => Ok(Self::Issuer(ProviderName::new(name)?)),
                (Some(_), _) => Err(TargetError::Twice),
            },
            _ if issuer.is_some() => Err(TargetError::Issuer(word)),
            "spiffe" => {
                let id = SpiffeId::parse(value).ok_or(TargetError::Spiffe)?;
                Ok(Self::Spiffe(id.shared()))
            }
            "spiffe_prefix" => spiffe_prefix(value).map(Self::SpiffePrefix),
            "api_key" if !value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                Err(TargetError::ApiKey)
            }
            "api_key" => text(word, value).map(Self::ApiKey),
            "proof_key" => proof_key(value).map(Self::ProofKey),
            "owner" => text(word, value).map(Self::Owner),
            "approval" => Ok(Self::Approval(ApprovalId::parse(value)?)),
            _ => Err(TargetError::Kind),
        }
    }

    fn of_provider(word: &str, issuer: ProviderName, value: Arc<str>) -> Result<Self, TargetError> {
        match word {
            "token" => Ok(Self::Token(issuer, value)),
            "subject" => Ok(Self::Subject(issuer, value)),
            "actor" => Ok(Self::Actor(issuer, value)),
            "client" => Ok(Self::Client(issuer, value)),
            "session" => Ok(Self::Session(issuer, value)),
            "key" => Ok(Self::Key(issuer, value)),
            _ => Err(TargetError::Kind),
        }
    }

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

fn text(word: &'static str, value: &str) -> Result<Arc<str>, TargetError> {
    let fit = !value.is_empty() && value.len() <= MAX_VALUE && !value.contains(char::is_control);
    fit.then(|| Arc::from(value))
        .ok_or(TargetError::Value(word))
}

/// A trust domain alone, or whole segments below one; never a part of a segment.
fn spiffe_prefix(value: &str) -> Result<Arc<str>, TargetError> {
    let domain = value.strip_prefix("spiffe://").and_then(TrustDomain::parse);
    let sound = domain.is_some() || SpiffeId::parse(value).is_some();
    sound
        .then(|| Arc::from(value))
        .ok_or(TargetError::SpiffePrefix)
}

fn proof_key(value: &str) -> Result<Arc<str>, TargetError> {
    let thumbprint = value
        .strip_prefix("jkt:")
        .or_else(|| value.strip_prefix("x5t:"));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    thumbprint
        .filter(|text| text.len() == THUMBPRINT && text.bytes().all(allowed))
        .map(|_| Arc::from(value))
        .ok_or(TargetError::ProofKey)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn parse(kind: &str, issuer: Option<&str>, value: &str) -> Result<Target, TargetError> {
        Target::parse(kind, issuer, value)
    }

    #[test]
    fn every_kind_is_what_is_read_of_its_parts() {
        let jkt = format!("jkt:{KEY}");
        let x5t = format!("x5t:{KEY}");
        for (kind, issuer, value) in [
            ("token", Some("corp"), "t-1"),
            ("subject", Some("corp"), "alice"),
            ("actor", Some("corp"), "crm-bot"),
            ("client", Some("corp"), "web"),
            ("session", Some("corp"), "s-1"),
            ("key", Some("corp"), "k-1"),
            ("issuer", Some("corp"), ""),
            ("spiffe", None, "spiffe://example.org/ci/deployer"),
            ("spiffe_prefix", None, "spiffe://example.org/ci"),
            ("spiffe_prefix", None, "spiffe://example.org"),
            ("api_key", None, "7Hq0ZtB4nVxW9aKc"),
            ("proof_key", None, &jkt),
            ("proof_key", None, &x5t),
            ("owner", None, "ana@example.com"),
            ("approval", None, "apr_AAAAAAAAAAAAAAAAAAAAAA"),
        ] {
            let target = parse(kind, issuer, value).unwrap();
            let issuer = target.issuer().map(ProviderName::as_str);
            assert_eq!(target.kind(), kind);
            let again = parse(target.kind(), issuer, target.value());
            assert_eq!(again.as_ref(), Ok(&target), "{target}");
        }
        assert_eq!(
            parse("issuer", None, "corp"),
            parse("issuer", Some("corp"), "")
        );
    }

    #[test]
    fn what_names_nothing_is_refused() {
        let long = "x".repeat(MAX_VALUE + 1);
        for (kind, issuer, value, error) in [
            ("Token", Some("corp"), "t", TargetError::Kind),
            ("token", None, "t", TargetError::NoIssuer("token")),
            ("owner", Some("corp"), "ana", TargetError::Issuer("owner")),
            ("subject", Some("corp"), "", TargetError::Value("subject")),
            (
                "subject",
                Some("corp"),
                "a\nb",
                TargetError::Value("subject"),
            ),
            (
                "subject",
                Some("corp"),
                &long,
                TargetError::Value("subject"),
            ),
            ("issuer", Some("corp"), "ci", TargetError::Twice),
            ("spiffe", None, "spiffe://example.org", TargetError::Spiffe),
            (
                "spiffe_prefix",
                None,
                "spiffe://example.org/ci/",
                TargetError::SpiffePrefix,
            ),
            (
                "spiffe_prefix",
                None,
                "spiffe://example.org/ci/*",
                TargetError::SpiffePrefix,
            ),
            (
                "spiffe_prefix",
                None,
                "spiffe://",
                TargetError::SpiffePrefix,
            ),
            ("proof_key", None, KEY, TargetError::ProofKey),
            ("proof_key", None, "jkt:x", TargetError::ProofKey),
            (
                "token",
                Some("corp"),
                "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
                TargetError::WholeToken,
            ),
            (
                "api_key",
                None,
                "csk_7Hq0ZtB4nVxW9aKc_0123",
                TargetError::ApiKey,
            ),
            (
                "approval",
                None,
                "apr_",
                TargetError::Approval(ApprovalIdError),
            ),
        ] {
            assert_eq!(parse(kind, issuer, value), Err(error), "{kind} {value}");
        }
        assert!(matches!(
            parse("token", Some("a b"), "t"),
            Err(TargetError::Name(_))
        ));
    }

    fn entry() -> impl Strategy<Value = Revocation> {
        let time = || proptest::option::of((0..4_i64).prop_map(Timestamp::from_millis));
        let word = || prop_oneof![Just("a"), Just("b")].prop_map(Arc::<str>::from);
        let times = (time(), time(), time(), time());
        (times, word(), word(), 0..3_i64).prop_map(|(times, reason, by, at)| {
            let (not_before, blocked, lifted, expires) = times;
            Revocation {
                target: Target::Owner(Arc::from("ana")),
                not_before,
                blocked,
                lifted,
                expires,
                reason,
                by,
                at: Timestamp::from_millis(at),
            }
        })
    }

    proptest! {
        #[test]
        fn merging_is_safe_in_any_order(a in entry(), b in entry(), c in entry()) {
            let merge = |a: &Revocation, b: &Revocation| a.clone().merge(b.clone());
            prop_assert_eq!(merge(&a, &b), merge(&b, &a));
            prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
            prop_assert_eq!(merge(&a, &a), a.clone());
            let merged = merge(&a, &b);
            prop_assert_eq!(&merge(&merged, &a), &merged);
        }

        #[test]
        fn merging_forgets_no_cut_and_no_block_that_was_not_lifted(a in entry(), b in entry(), at in 0..4_i64) {
            let merged = a.clone().merge(b.clone());
            let issued = Some(Timestamp::from_millis(at));
            let cut = |it: &Revocation| it.not_before.is_some_and(|cut| cut >= Timestamp::from_millis(at));
            prop_assert_eq!(merged.concerns(issued), merged.is_blocked() || cut(&a) || cut(&b));
            let lifted = a.lifted.max(b.lifted);
            for one in [&a, &b] {
                let stays = one.blocked.is_some_and(|blocked| lifted.is_none_or(|lifted| blocked > lifted));
                prop_assert!(!stays || merged.is_blocked());
            }
        }
    }
}
