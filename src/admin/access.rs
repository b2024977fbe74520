//! Who may change something: the entries of `admin.access`, and which of them an operator is.

use std::path::Path;
use std::sync::Arc;

use crate::certificate::Certificate;
use crate::keys::hmac;
use crate::keys::secret::{Secret, SecretSpec};
use crate::model::glob::Glob;
use crate::model::name::ProviderName;
use crate::model::party::{Kind, Parties, Party};
use crate::model::spiffe::SpiffeId;

/// Shortest token in bytes: nobody guesses 32 random ones.
pub(super) const MIN_TOKEN: usize = 32;

/// The entries; an operator is listed if one of them covers it.
#[derive(Clone, Debug, Default)]
pub(super) struct Access(Arc<[Entry]>);

/// One who may change something.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// Whoever has the token.
    Token { name: Arc<str>, secret: SecretSpec },
    /// Whoever has the key of a certificate with one of these names.
    Certificate {
        name: Option<Arc<str>>,
        sans: Vec<San>,
    },
    /// Whom a provider knows.
    Party {
        name: Option<Arc<str>>,
        provider: ProviderName,
        kinds: Option<Vec<Kind>>,
        ids: Option<Vec<Glob>>,
        groups: Option<Vec<Glob>>,
    },
}

/// A name in a certificate. Names of different types are never compared with each other.
#[derive(Clone, Debug)]
pub(super) enum San {
    /// The SPIFFE ID of a workload; `*` stands for a part of one segment.
    Spiffe(Glob),
    /// A DNS name, in full and in lower case.
    Dns(Box<str>),
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    /// The entry's name.
    pub(super) name: Option<Arc<str>>,
    /// How it was verified.
    pub(super) method: Method,
    /// Who it is, where that is known: `corp/alice`, `spiffe://example.org/ops/ada`.
    pub(super) id: Option<String>,
    /// Who acts for it, where somebody does.
    pub(super) actor: Option<String>,
}

/// How an operator was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Token,
    Mtls,
    Provider,
    /// By the signature of a message.
    Webhook,
    /// By the signature of a security event.
    Event,
}

impl Operator {
    /// What is remembered of who changed something.
    pub(super) fn called(&self) -> Arc<str> {
        let name = self.id.as_deref().or(self.name.as_deref());
        Arc::from(name.unwrap_or(self.method.as_str()))
    }
}

impl Method {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Mtls => "mtls",
            Self::Provider => "provider",
            Self::Webhook => "webhook",
            Self::Event => "event",
        }
    }
}

impl Operator {
    /// What others are told about who did something: who it is, else what the entry is called.
    pub(super) fn label(&self) -> Arc<str> {
        let known = self.id.as_deref().or(self.name.as_deref());
        Arc::from(known.unwrap_or("an operator"))
    }
}

impl Access {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self(entries.into())
    }

    /// Whether nobody is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text can be a token: long enough, and of the characters that a credential has (RFC 6750, section 2.1).
    pub(super) fn is_token(bytes: &[u8]) -> bool {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        bytes.len() >= MIN_TOKEN && bytes.iter().all(allowed)
    }

    /// The providers whose credentials are listed, each as often as it occurs.
    pub(super) fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Party { provider, .. } => Some(provider),
            Entry::Token { .. } | Entry::Certificate { .. } => None,
        })
    }

    /// Whether any entry is a token.
    pub(super) fn has_tokens(&self) -> bool {
        let token = |entry: &Entry| matches!(entry, Entry::Token { .. });
        self.0.iter().any(token)
    }

    /// Whether any entry is a certificate.
    pub(super) fn has_certificates(&self) -> bool {
        let certificate = |entry: &Entry| matches!(entry, Entry::Certificate { .. });
        self.0.iter().any(certificate)
    }

    /// Whose token this is. Files are read every time, so that a replaced one counts for the next request; every entry is
    /// compared, each in constant time under `key`, which nobody else knows. Blocks.
    pub(super) fn token(&self, key: &[u8], presented: &[u8]) -> Option<Operator> {
        let tag = hmac::sign(key, presented);
        let mut found = None;
        for entry in &*self.0 {
            let Entry::Token { name, secret } = entry else {
                continue;
            };
            match Secret::load(secret, Path::new("")) {
                Ok(secret) => {
                    let fits = Self::is_token(secret.expose());
                    if hmac::verify(key, secret.expose(), &tag) && fits {
                        found = Some(name);
                    }
                }
                Err(error) => {
                    tracing::warn!(access = %name, %error, "the token cannot be read: nobody comes in with it");
                }
            }
        }
        found.map(|name| Operator {
            name: Some(Arc::clone(name)),
            method: Method::Token,
            id: None,
            actor: None,
        })
    }

    /// Whose certificate this is.
    pub(super) fn certificate(&self, certificate: &Certificate) -> Option<Operator> {
        // A certificate with a malformed SPIFFE ID, or with two, has none; it is not asked for another name then.
        let spiffe = certificate.spiffe_id().ok()?;
        self.0.iter().find_map(|entry| {
            let Entry::Certificate { name, sans } = entry else {
                return None;
            };
            let id = sans
                .iter()
                .find_map(|san| san.find(spiffe.as_ref(), certificate))?;
            Some(Operator {
                name: name.clone(),
                method: Method::Mtls,
                id: Some(id),
                actor: None,
            })
        })
    }

    /// Who these parties are. Each of them must be listed: somebody who acts for an operator is none for that.
    pub(super) fn parties(&self, parties: &Parties) -> Option<Operator> {
        let listed: Option<Vec<_>> = parties.each().map(|party| self.entry_of(party)).collect();
        let name = listed?.first()?.name();
        Some(Operator {
            name: name.map(Arc::clone),
            method: Method::Provider,
            id: Some(parties.subject.id.to_string()),
            actor: parties.actor.as_ref().map(|actor| actor.id.to_string()),
        })
    }

    /// The entry that lists a party.
    fn entry_of(&self, party: &Party) -> Option<&Entry> {
        let issuer = party.id.issuer.as_ref()?;
        self.0.iter().find(|entry| {
            let Entry::Party {
                name: _,
                provider,
                kinds,
                ids,
                groups,
            } = entry
            else {
                return false;
            };
            let kind = kinds.as_ref().is_none_or(|it| it.contains(&party.kind));
            let id = covers(ids.as_deref(), &[Arc::clone(&party.id.id)]);
            let group = covers(groups.as_deref(), &party.groups);
            provider == issuer && kind && id && group
        })
    }
}

impl Entry {
    fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Token { name, .. } => Some(name),
            Self::Certificate { name, .. } | Self::Party { name, .. } => name.as_ref(),
        }
    }
}

/// Whether one of the texts is meant; without patterns every one is.
fn covers(globs: Option<&[Glob]>, texts: &[Arc<str>]) -> bool {
    globs.is_none_or(|globs| {
        let meant = |text: &Arc<str>| globs.iter().any(|glob| glob.matches(text));
        texts.iter().any(meant)
    })
}

impl San {
    /// Reads `spiffe://…` or `dns:…`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("dns:") {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            let sound = !name.is_empty() && name.chars().all(plain);
            return sound.then(|| Self::Dns(name.to_ascii_lowercase().into()));
        }
        // A pattern is an ID but for its stars, and the domain that vouches for it is written out.
        let id = SpiffeId::parse(&text.replace('*', "x"))?;
        let domain = format!("spiffe://{}/", id.trust_domain());
        text.starts_with(&domain)
            .then(|| Self::Spiffe(Glob::identifier(text)))
    }

    /// The name that a certificate has of this kind.
    fn find(&self, spiffe: Option<&SpiffeId>, certificate: &Certificate) -> Option<String> {
        match self {
            Self::Spiffe(glob) => {
                let id = spiffe?.as_str();
                glob.matches(id).then(|| id.to_owned())
            }
            Self::Dns(name) => {
                let names = certificate.dns_names();
                let has = names.iter().any(|it| it.eq_ignore_ascii_case(name));
                has.then(|| format!("dns:{name}"))
            }
        }
    }
}
