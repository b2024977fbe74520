//! What the user writes about a provider.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use super::api_key::ApiKeySpec;
use super::introspection::IntrospectionSpec;
use super::mtls::MtlsSpec;
use super::svid::JwtSvidSpec;
use crate::keys::{Algorithm, KeySourceSpec};
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// One provider: exactly one way to verify credentials of one source, so exactly one key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Signed access tokens of one issuer (RFC 9068, or what a preset says).
    pub jwt: Option<Box<JwtSpec>>,
    /// Opaque tokens of one issuer (RFC 7662).
    pub introspection: Option<Box<IntrospectionSpec>>,
    /// API keys that countersign issues itself.
    pub api_key: Option<Box<ApiKeySpec>>,
    /// Tokens with which workloads of one trust domain say who they are (SPIFFE JWT-SVID).
    pub jwt_svid: Option<Box<JwtSvidSpec>>,
    /// Workloads that show a certificate (SPIFFE X509-SVID).
    pub mtls: Option<Box<MtlsSpec>>,
}

/// Access tokens of one issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSpec {
    /// The exact `iss` of its tokens; compared byte for byte.
    pub issuer: String,
    /// Where its keys come from. Without a place: discovery of `issuer`.
    #[serde(default)]
    pub keys: Option<KeySourceSpec>,
    /// The cookie that holds its tokens; without it they come in the `authorization` header, and never in both.
    #[serde(default)]
    pub cookie: Option<String>,
    /// Whose tokens these are; fills in what is left out below.
    #[serde(default)]
    pub preset: Option<PresetName>,
    /// Accepted signature algorithms. Without a preset: `RS256`, `ES256` and `EdDSA`.
    #[serde(default)]
    pub algorithms: Option<OneOrMany<Algorithm>>,
    /// Accepted `typ` headers. Without a preset: `at+jwt` (RFC 9068, section 2.1). `JWT` also accepts tokens without one.
    #[serde(default)]
    pub typ: Option<OneOrMany<String>>,
    /// How far the issuer's clock may be off; at most `60s`.
    #[serde(default = "default_leeway")]
    pub leeway: HumanDuration,
    /// The longest that its tokens may be good, from `iat` to `exp`: one that is good for longer, or has no `iat`, is refused. With
    /// it, what is revoked up to a moment can be forgotten once no such token is left.
    #[serde(default)]
    pub max_lifetime: Option<HumanDuration>,
    /// How many `act` entries a token may have; at most 8.
    #[serde(default = "default_depth")]
    pub max_delegation_depth: usize,
    /// What a client becomes that the registry does not know. Required: there is no safe guess.
    #[serde(default)]
    pub unregistered_client: Option<UnregisteredClientSpec>,
    /// The claim that names the client. Without a preset: `client_id`, else `azp`.
    #[serde(default)]
    pub client: Option<String>,
    /// Claims that policies may read, by the name that policies use; added to those of the preset.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimSpec>,
    /// How claims become an identity.
    #[serde(default)]
    pub map: MapSpec,
}

pub(super) const fn default_leeway() -> HumanDuration {
    HumanDuration::from_secs(30)
}

pub(super) const fn default_depth() -> usize {
    4
}

/// The products whose tokens are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresetName {
    /// Access tokens of a Keycloak realm.
    Keycloak,
    /// Access tokens of an Auth0 tenant.
    Auth0,
    /// Access tokens of a custom authorization server of Okta.
    Okta,
    /// Access tokens of a Microsoft Entra tenant.
    Entra,
    /// Identity tokens of Google Cloud service accounts.
    Google,
    /// Tokens of GitHub Actions jobs.
    GithubActions,
    /// Tokens of Kubernetes service accounts.
    Kubernetes,
}

/// What a client becomes that the registry does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnregisteredClientSpec {
    /// The credential is refused.
    Deny,
    /// The client is no party: the subject acts itself.
    Subject,
    /// The client is an actor of kind `service`.
    Service,
    /// The client is an actor of kind `agent`.
    Agent,
}

/// CEL expressions over `claims`, the token's payload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSpec {
    /// The subject's id, a text. Without a preset: `claims.sub`.
    #[serde(default)]
    pub id: Option<String>,
    /// `"human"`, `"service"` or `"agent"`. Required without a preset.
    #[serde(default)]
    pub kind: Option<String>,
    /// The subject's groups, a list of texts. Without a preset: the claim `groups`, or none.
    #[serde(default)]
    pub groups: Option<String>,
    /// The token's scopes, a list of texts or one text with spaces. Without a preset: the claim `scope`, or none.
    #[serde(default)]
    pub scope: Option<String>,
}

/// A claim that policies may read: its type, or more.
#[derive(Clone, Debug)]
pub enum ClaimSpec {
    /// Only its type: it is optional, and has the same name in the token.
    Type(String),
    /// All of it.
    Fields(ClaimFields),
}

/// All that can be said about a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimFields {
    /// Its type, for example `string` or `list<string>`.
    #[serde(rename = "type")]
    pub of: String,
    /// Whether a token without it is refused.
    #[serde(default)]
    pub required: bool,
    /// Where it stands in the token: names with dots between them, or a list of exact names. Without it: the
    /// claim's own name, as it is.
    #[serde(default)]
    pub from: Option<OneOrMany<String>>,
}

impl<'de> Deserialize<'de> for ClaimSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeOrFields;

        impl<'de> Visitor<'de> for TypeOrFields {
            type Value = ClaimSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type such as `string`, or `{ type: string, required: true }`")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ClaimSpec::Type(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let fields = ClaimFields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ClaimSpec::Fields(fields))
            }
        }

        deserializer.deserialize_any(TypeOrFields)
    }
}
