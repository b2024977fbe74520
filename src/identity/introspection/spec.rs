//! What the user writes about a provider of opaque tokens.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::identity::spec::{
    ClaimSpec, MapSpec, UnregisteredClientSpec, default_depth, default_leeway,
};
use crate::keys::secret::SecretSpec;
use crate::model::duration::HumanDuration;

/// Opaque tokens of one issuer, asked for at its introspection endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSpec {
    /// Where tokens are asked for; `https`, or a loopback host.
    pub endpoint: String,
    /// Who asks.
    pub client: ClientSpec,
    /// What an answer's `iss` must be, if it has one; compared byte for byte.
    #[serde(default)]
    pub issuer: Option<String>,
    /// How its tokens begin; without it, it takes every token that no other provider of the route takes.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Whether an answer without `aud` is accepted; one with another audience never is.
    #[serde(default)]
    pub audience: AudienceSpec,
    /// How long answers are remembered, and how many.
    #[serde(default)]
    pub cache: CacheSpec,
    /// The time limit of one request; at most `10s`.
    #[serde(default = "default_timeout")]
    pub timeout: HumanDuration,
    /// How far the issuer's clock may be off; at most `60s`.
    #[serde(default = "default_leeway")]
    pub leeway: HumanDuration,
    /// How many `act` entries an answer may have; at most 8.
    #[serde(default = "default_depth")]
    pub max_delegation_depth: usize,
    /// What a client becomes that the registry does not know. Required: there is no safe guess.
    #[serde(default)]
    pub unregistered_client: Option<UnregisteredClientSpec>,
    /// The member that names the client that holds the token: `client_id`, else `azp`.
    #[serde(default)]
    pub client_claim: Option<String>,
    /// Members of the answer that policies may read, by the name that policies use.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimSpec>,
    /// How an answer becomes an identity.
    #[serde(default)]
    pub map: MapSpec,
}

/// The client that this server is at the issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// Its id.
    pub id: String,
    /// Its secret, read when it is used.
    pub secret: SecretSpec,
    /// How it authenticates itself.
    #[serde(default)]
    pub auth: ClientAuthSpec,
}

/// How a client authenticates itself (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthSpec {
    /// In the `authorization` header.
    #[default]
    Basic,
    /// In the form.
    Post,
}

/// Whether an answer must have `aud`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudienceSpec {
    /// It must.
    #[default]
    Required,
    /// It may be left out.
    Optional,
}

/// How long answers are remembered, and how many.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSpec {
    /// How long a good answer serves; a token that is revoked stops working within this time.
    #[serde(default = "default_for", rename = "for")]
    pub keep: HumanDuration,
    /// The most good answers, and the most bad ones.
    #[serde(default = "default_entries")]
    pub entries: u64,
    /// How long a bad answer serves.
    #[serde(default = "default_refused_for")]
    pub refused_for: HumanDuration,
}

impl Default for CacheSpec {
    fn default() -> Self {
        Self {
            keep: default_for(),
            entries: default_entries(),
            refused_for: default_refused_for(),
        }
    }
}

const fn default_timeout() -> HumanDuration {
    HumanDuration::from_secs(2)
}

const fn default_for() -> HumanDuration {
    HumanDuration::from_secs(60)
}

const fn default_entries() -> u64 {
    10_000
}

const fn default_refused_for() -> HumanDuration {
    HumanDuration::from_secs(5)
}
