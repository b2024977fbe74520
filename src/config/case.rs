//! Test cases as they are written: the `tests:` of policy files and `*.test.yaml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::problem::Position;
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// One test: given these parties, this call must end like this.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSpec {
    /// What it shows.
    pub name: String,
    /// Who asks, and under which circumstances; none is an anonymous caller.
    #[serde(default)]
    pub given: GivenSpec,
    /// What is asked.
    pub call: CallSpec,
    /// How it must end.
    pub expect: ExpectSpec,
}

/// Who asks, as if a credential had been verified.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenSpec {
    /// The provider that vouches for the parties.
    pub issuer: Option<String>,
    /// On whose authority.
    pub subject: Option<PartySpec>,
    /// Who acts, if it is somebody else.
    pub actor: Option<PartySpec>,
    /// Number of `act` entries; 1 with an actor unless said.
    pub depth: Option<usize>,
    /// Scopes of the token.
    #[serde(default)]
    pub scope: OneOrMany<String>,
    /// How long the token is good for, from its issue to its end; `5m` unless said.
    pub lifetime: Option<HumanDuration>,
    /// SPIFFE ID of the calling workload.
    pub workload: Option<String>,
    /// How the caller has proven that the token is its own: `none`, `dpop` or `mtls`.
    pub proof: Option<String>,
    /// Conditions that are set.
    #[serde(default)]
    pub conditions: BTreeMap<String, bool>,
    /// The moment of the call, for example `2026-01-31T09:00:00Z`.
    pub time: Option<String>,
    /// Whether the call was approved, or who has approved it.
    pub approved: Option<ApprovedSpec>,
}

/// `approved: true`, or `approved: { by: [{ id: ana, groups: [crm-leads] }] }`.
#[derive(Clone, Debug)]
pub enum ApprovedSpec {
    /// As if everybody had approved whose approval is needed; `false` is as if nothing was written.
    Wholly(bool),
    /// By these, and whether that is enough is looked at.
    By(Vec<VoterSpec>),
}

/// A described approver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoterSpec {
    /// `human` (unless said), `service` or `agent`.
    pub kind: Option<String>,
    /// Its id.
    pub id: String,
    /// Its issuer, if it is not the one of the call.
    pub issuer: Option<String>,
    /// Its groups.
    #[serde(default)]
    pub groups: OneOrMany<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The id of whoever acts for it, from the same issuer.
    pub actor: Option<String>,
}

impl<'de> Deserialize<'de> for ApprovedSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct By {
            by: Vec<VoterSpec>,
        }
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = ApprovedSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`true`, or `{ by: [{ id: ana, groups: [crm-leads] }] }`")
            }

            fn visit_bool<E: serde::de::Error>(self, wholly: bool) -> Result<ApprovedSpec, E> {
                Ok(ApprovedSpec::Wholly(wholly))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<ApprovedSpec, A::Error> {
                let By { by } = By::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(ApprovedSpec::By(by))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A described party.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySpec {
    /// `human`, `service` or `agent`.
    pub kind: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// Its issuer, if it is not the one of the call.
    pub issuer: Option<String>,
    /// Its groups.
    #[serde(default)]
    pub groups: OneOrMany<String>,
    /// Its owner.
    pub owner: Option<String>,
    /// Its declared claims.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Authentication context class.
    pub acr: Option<String>,
    /// Authentication methods.
    #[serde(default)]
    pub amr: OneOrMany<String>,
    /// How long ago it authenticated.
    pub authenticated: Option<HumanDuration>,
}

/// A described request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSpec {
    /// The route; its first host is called.
    pub route: Option<String>,
    /// The host, if no route is named.
    pub host: Option<String>,
    /// `METHOD /path?query`.
    pub http: Option<String>,
    /// `package.Service/Method`.
    pub grpc: Option<String>,
    /// MCP: the tool that is called.
    pub tool: Option<String>,
    /// MCP: the prompt that is got.
    pub prompt: Option<String>,
    /// MCP: the resource that is read.
    pub uri: Option<String>,
    /// MCP: any method, for example `tools/list`.
    pub mcp: Option<String>,
    /// The arguments of the tool or prompt.
    pub args: Option<Map<String, Value>>,
    /// The `params` of the method.
    pub params: Option<Map<String, Value>>,
    /// The JSON body of an HTTP request.
    pub body: Option<Value>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Envoy's context extensions.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
}

impl CallSpec {
    /// The keys that say what is called; a call has exactly one.
    pub fn kinds(&self) -> Vec<&'static str> {
        let written = [
            ("http", self.http.is_some()),
            ("grpc", self.grpc.is_some()),
            ("tool", self.tool.is_some()),
            ("prompt", self.prompt.is_some()),
            ("uri", self.uri.is_some()),
            ("mcp", self.mcp.is_some()),
        ];
        let kinds = written.into_iter().filter(|(_, written)| *written);
        kinds.map(|(key, _)| key).collect()
    }

    /// The key that makes it a message to an MCP server, if it is one.
    pub fn message(&self) -> Option<&'static str> {
        let of_mcp = |key: &&'static str| !matches!(*key, "http" | "grpc");
        self.kinds().into_iter().find(of_mcp)
    }
}

/// What must come out; what is not named is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// `allow`, `deny`, `pending` or `fault`.
    pub verdict: String,
    /// Reason code.
    pub reason: Option<String>,
    /// The rule that decides.
    pub rule: Option<String>,
    /// The action that was asked for.
    pub action: Option<String>,
    /// The score of the request, 0 to 100.
    pub risk: Option<u64>,
    /// Scopes that the answer names as missing.
    pub missing_scope: Option<OneOrMany<String>>,
    /// Codes of the checks of identities' lives that warn, all of them; `[]` means that none does.
    pub warnings: Option<OneOrMany<String>>,
    /// The token that is minted for the upstream.
    pub token: Option<ExpectTokenSpec>,
    /// Request headers that are set, among others; `{}` means that none is.
    pub headers: Option<BTreeMap<String, String>>,
    /// Query parameters that are set, among others; `{}` means that none is.
    pub query: Option<BTreeMap<String, String>>,
}

/// A token that the upstream gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectTokenSpec {
    /// Whom it is meant for.
    pub audience: Option<String>,
    /// Its scopes, all of them.
    pub scope: Option<OneOrMany<String>>,
}

/// A case and where it stands.
#[derive(Clone, Debug)]
pub struct PlacedCase {
    /// The case.
    pub spec: CaseSpec,
    /// The file that holds it.
    pub file: PathBuf,
    /// Where in the file.
    pub position: Position,
}
