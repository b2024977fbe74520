//! Routes and actions as they are written in policy files.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::list::OneOrMany;

/// `routes.<id>`, without its `actions`: those are read one by one, so that one mistake does not hide the next.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// Which requests belong to it.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    /// External origin and path; the default audience.
    pub url: String,
    /// Audience that credentials must be meant for, if it is not the URL.
    pub audience: Option<String>,
    /// The environment that it belongs to; identities of another one have no business there.
    pub environment: Option<String>,
    /// Providers whose credentials it accepts; none means that only anonymous callers can be permitted.
    #[serde(default)]
    pub providers: Vec<String>,
    /// What is spoken on it: `http` (default) or `mcp`.
    pub protocol: Option<String>,
    /// The name of the MCP server behind it.
    pub server: Option<String>,
    /// How refusals of an MCP route look: `http` (default), `jsonrpc` or `tool_error`.
    pub deny_style: Option<String>,
    /// Whether what is forbidden on an MCP route looks like what is not there.
    pub hide_existence: Option<bool>,
    /// `url` lets answers of an MCP route ask clients of revision 2025-11-25 to send people to a URL.
    pub elicitation: Option<String>,
    /// Whose it is: an Envoy that is bound to a tenant may ask about that tenant's routes only.
    pub tenant: Option<String>,
}

/// `routes.<id>.match`: either `host` with an optional `path`, or `route`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchSpec {
    /// Exact hosts.
    pub host: Option<OneOrMany<String>>,
    /// Prefix of whole segments.
    pub path: Option<String>,
    /// The route id that Envoy sets in `context_extensions`; it must be the route's own id.
    pub route: Option<String>,
}

/// `routes.<id>.actions.<id>`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// `METHOD /path/{parameter}`; `*` as the method means any.
    pub http: Option<OneOrMany<String>>,
    /// `package.Service/Method`, or `package.Service/*`.
    pub grpc: Option<OneOrMany<String>>,
    /// `tools/call` of this tool, on an MCP route.
    pub tool: Option<OneOrMany<String>>,
    /// `prompts/get` of this prompt, on an MCP route.
    pub prompt: Option<OneOrMany<String>>,
    /// `resources/read` of the URIs that this pattern matches, on an MCP route.
    pub uri: Option<OneOrMany<String>>,
    /// `low` (default), `medium`, `high` or `critical`.
    pub tier: Option<String>,
    /// Scopes that the token needs.
    #[serde(default)]
    pub scope: OneOrMany<String>,
    /// Types of path parameters; those not named are strings.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Declared query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, ParameterSpec>,
    /// Declared arguments: members of a tool's or prompt's arguments, or of a JSON body.
    #[serde(default)]
    pub args: BTreeMap<String, ParameterSpec>,
    /// `allow` lets arguments pass that are not declared.
    pub extra: Option<String>,
    /// The hash of the tool's definition that was reviewed.
    pub definition: Option<String>,
    /// What it touches.
    pub resource: Option<ResourceSpec>,
}

/// A declared query parameter or argument: its type, or its type and whether it may be left out.
#[derive(Clone, Debug)]
pub struct ParameterSpec {
    /// The type.
    pub of: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// Of an argument: where it stands, as a JSON Pointer.
    pub at: Option<String>,
}

/// `resource: { type: secret, id: params.name }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// A CEL expression over `params` and `query` that gives a string.
    pub id: String,
}

impl<'de> Deserialize<'de> for ParameterSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            #[serde(rename = "type")]
            of: String,
            #[serde(default)]
            optional: bool,
            at: Option<String>,
        }
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = ParameterSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a type like `int`, or `{ type: int, optional: true }`")
            }

            fn visit_str<E: serde::de::Error>(self, of: &str) -> Result<ParameterSpec, E> {
                Ok(ParameterSpec {
                    of: of.to_owned(),
                    optional: false,
                    at: None,
                })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<ParameterSpec, A::Error> {
                let Long { of, optional, at } =
                    Long::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(ParameterSpec { of, optional, at })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
