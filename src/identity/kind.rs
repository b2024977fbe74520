//! The kinds of providers: from what the user wrote to what verifies.

use std::path::Path;
use std::time::Duration;

use super::api_key::{ApiKeyProvider, ApiKeys};
use super::introspection::{IntrospectionProvider, Introspector};
use super::mtls::{CLOCKS_APART, Mtls};
use super::place::Place;
use super::provider::Provider;
use super::resources::Resources;
use super::spec::ProviderSpec;
use super::svid::Svid;
use crate::keys::{KeySet, KeySource};
use crate::model::finding::Finding;
use crate::model::header::{AUTHORIZATION, DPOP};
use crate::model::name::ProviderName;
use crate::model::schema::ClaimDeclarations;

/// A provider whose configuration is sound, without what it needs at run time.
#[derive(Debug)]
pub(super) enum Checked {
    /// Signed access tokens.
    Jwt(Box<Provider>),
    /// Tokens of workloads.
    JwtSvid(Box<Svid>),
    /// Certificates of workloads.
    Mtls(Box<Mtls>),
    /// Opaque tokens.
    Introspection(Box<IntrospectionProvider>),
    /// API keys.
    ApiKey(Box<ApiKeyProvider>),
}

/// A provider that can verify.
#[derive(Debug)]
pub(super) enum Ready {
    /// Signed access tokens.
    Jwt {
        /// What its tokens look like.
        provider: Box<Provider>,
        /// What they are signed with.
        keys: KeySet,
    },
    /// Tokens of workloads.
    JwtSvid {
        /// Whose they are.
        provider: Box<Svid>,
        /// The keys of the trust domain's bundle.
        keys: KeySet,
    },
    /// Certificates of workloads.
    Mtls(Box<Mtls>),
    /// Opaque tokens.
    Introspection {
        /// What its tokens look like, and what is made of an answer.
        provider: Box<IntrospectionProvider>,
        /// Who knows, or asks.
        known: Introspector,
    },
    /// API keys.
    ApiKey {
        /// How its keys are proven.
        provider: Box<ApiKeyProvider>,
        /// The keys there are.
        keys: ApiKeys,
    },
}

impl Checked {
    /// Checks a specification, which has exactly one kind, and reports everything that is wrong with it.
    pub(super) fn compile(
        name: ProviderName,
        spec: ProviderSpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let under = |kind: &'static str| {
            move |wrong: Vec<Finding>| -> Vec<Finding> {
                wrong.into_iter().map(|it| it.under(kind)).collect()
            }
        };
        let ProviderSpec {
            jwt,
            introspection,
            jwt_svid,
            api_key,
            mtls,
        } = spec;
        match (jwt, introspection, jwt_svid, api_key, mtls) {
            (Some(jwt), None, None, None, None) => Provider::compile(name, *jwt, base)
                .map(|provider| Self::Jwt(Box::new(provider)))
                .map_err(under("jwt")),
            (None, Some(spec), None, None, None) => {
                IntrospectionProvider::compile(name, *spec, base)
                    .map(|provider| Self::Introspection(Box::new(provider)))
                    .map_err(under("introspection"))
            }
            (None, None, Some(svid), None, None) => Svid::compile(name, *svid, base)
                .map(|provider| Self::JwtSvid(Box::new(provider)))
                .map_err(under("jwt_svid")),
            (None, None, None, Some(api_key), None) => {
                ApiKeyProvider::compile(name, *api_key, base)
                    .map(|provider| Self::ApiKey(Box::new(provider)))
                    .map_err(under("api_key"))
            }
            (None, None, None, None, Some(mtls)) => Mtls::compile(*mtls)
                .map(|provider| Self::Mtls(Box::new(provider)))
                .map_err(under("mtls")),
            _ => Err(vec![one_kind()]),
        }
    }

    /// The word for its kind in the configuration.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Jwt(_) => "jwt",
            Self::Introspection(_) => "introspection",
            Self::JwtSvid(_) => "jwt_svid",
            Self::ApiKey(_) => "api_key",
            Self::Mtls(_) => "mtls",
        }
    }

    /// The exact `iss` of its credentials, where they have one.
    pub(super) fn issuer(&self) -> Option<&str> {
        match self {
            Self::Jwt(provider) => Some(&provider.issuer),
            Self::Introspection(provider) => provider.issuer.as_deref(),
            Self::JwtSvid(_) | Self::ApiKey(_) | Self::Mtls(_) => None,
        }
    }

    /// Where its keys come from, if it has any.
    pub(super) fn key_source(&self) -> Option<&KeySource> {
        match self {
            Self::Jwt(provider) => Some(&provider.source),
            Self::JwtSvid(provider) => Some(&provider.source),
            Self::Introspection(_) | Self::ApiKey(_) | Self::Mtls(_) => None,
        }
    }

    /// Where its tokens are asked for, if they are.
    pub(super) fn introspection(&self) -> Option<&IntrospectionProvider> {
        match self {
            Self::Introspection(provider) => Some(provider),
            Self::Jwt(_) | Self::JwtSvid(_) | Self::ApiKey(_) | Self::Mtls(_) => None,
        }
    }

    /// Where it looks for its credentials, if that is not the `authorization` header.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Jwt(provider) => provider.place.as_ref(),
            Self::ApiKey(provider) => Some(provider.place()),
            Self::Introspection(_) | Self::JwtSvid(_) | Self::Mtls(_) => None,
        }
    }

    /// The request headers that its credentials and their proofs are read from.
    pub(super) fn headers(&self) -> Vec<&str> {
        match self {
            Self::Jwt(provider) => {
                let place = provider.place.as_ref();
                vec![place.map_or(AUTHORIZATION, Place::header_name), DPOP]
            }
            Self::Introspection(_) => vec![AUTHORIZATION, DPOP],
            Self::JwtSvid(_) => vec![AUTHORIZATION],
            Self::ApiKey(provider) => vec![provider.place().header_name()],
            Self::Mtls(provider) => provider.hops.header().into_iter().collect(),
        }
    }

    /// The claims that policies may read of its credentials.
    pub(super) fn claims(&self) -> ClaimDeclarations {
        match self {
            Self::Jwt(provider) => provider.reading.declarations(),
            Self::Introspection(provider) => provider.reading.declarations(),
            Self::JwtSvid(_) | Self::ApiKey(_) | Self::Mtls(_) => ClaimDeclarations::default(),
        }
    }

    /// Gives it what it needs; none if `resources` does not have it.
    pub(super) fn with(self, name: &ProviderName, resources: &Resources) -> Option<Ready> {
        match self {
            Self::Jwt(provider) => {
                let keys = resources.key_sets.get(name)?.clone();
                Some(Ready::Jwt { provider, keys })
            }
            Self::JwtSvid(provider) => {
                let keys = resources.key_sets.get(name)?.clone();
                Some(Ready::JwtSvid { provider, keys })
            }
            Self::Mtls(provider) => Some(Ready::Mtls(provider)),
            Self::Introspection(provider) => {
                let known = resources.introspectors.get(name)?.clone();
                Some(Ready::Introspection { provider, known })
            }
            Self::ApiKey(provider) => {
                let keys = resources.api_keys.clone()?;
                Some(Ready::ApiKey { provider, keys })
            }
        }
    }
}

impl Ready {
    /// How far ahead the clock may be that dates its credentials.
    pub(super) fn leeway(&self) -> Duration {
        match self {
            Self::Jwt { provider, .. } => provider.reading.leeway,
            Self::JwtSvid { provider, .. } => provider.leeway,
            Self::Introspection { provider, .. } => provider.reading.leeway,
            // Certificates and keys are dated by clocks that nobody vouches for, and by ours.
            Self::Mtls(_) => CLOCKS_APART,
            Self::ApiKey { .. } => Duration::ZERO,
        }
    }
}

fn one_kind() -> Finding {
    Finding::error("invalid-provider", "a provider has exactly one kind").help(
        "write `jwt: { issuer: …, keys: … }` below its name, or one of `introspection`, `api_key`, `jwt_svid` and `mtls`",
    )
}
