//! Routes and the catalogues of actions on them: what can be asked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::name::{ActionId, ProviderName, RouteId};
use super::value::{Type, Value};

/// The route that countersign itself is: voting on approvals is an action under policy.
pub const COUNTERSIGN: &str = "countersign";

/// A protected resource (RFC 9728).
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// Which requests belong to it.
    pub matches: RouteMatch,
    /// Its external origin and path, as callers write it.
    pub url: Arc<str>,
    /// The audience that a credential must be meant for.
    pub audience: Arc<str>,
    /// Providers whose credentials it accepts.
    pub providers: Vec<ProviderName>,
    /// Whose it is, where one server decides for several.
    pub tenant: Option<Arc<str>>,
    /// The environment that it belongs to, for example `production`.
    pub environment: Option<Arc<str>>,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Its catalogue.
    pub actions: Vec<Arc<Action>>,
}

/// What is spoken on a route, and how its refusals look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP and gRPC: an action is a method and a path.
    Http,
    /// The Model Context Protocol: an action is what a message asks for.
    Mcp(Mcp),
}

/// An MCP server behind a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mcp {
    /// Its name; what requests say about it is never used.
    pub server: Arc<str>,
    /// How refusals look.
    pub deny_style: DenyStyle,
    /// Whether what is forbidden looks like what is not there.
    pub hide_existence: bool,
    /// Whether clients of revision 2025-11-25 are asked to send people to a URL: their calls do not say whether they can.
    pub elicits_url: bool,
}

/// How a refused MCP request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyStyle {
    /// With an HTTP status, a challenge where one helps, and a JSON-RPC error.
    Http,
    /// With HTTP 200 and a JSON-RPC error.
    JsonRpc,
    /// With HTTP 200 and the result of a tool that failed, which the model reads.
    ToolError,
}

impl DenyStyle {
    /// Every style.
    pub const ALL: [Self; 3] = [Self::Http, Self::JsonRpc, Self::ToolError];

    /// The word that policies use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::JsonRpc => "jsonrpc",
            Self::ToolError => "tool_error",
        }
    }
}

/// Which requests belong to a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteMatch {
    /// Those on one of these hosts, below this prefix of whole segments (`/` is everything).
    Host {
        /// Canonical hosts.
        hosts: Vec<String>,
        /// `/`, or segments without a trailing slash.
        prefix: String,
    },
    /// Those that Envoy marks with this route's id in `context_extensions`, key `route`.
    Extension,
}

/// One named entry of a route's catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its name.
    pub id: ActionId,
    /// The route that it stands on.
    pub route: RouteId,
    /// How much harm it can do.
    pub tier: Tier,
    /// Scopes that the token needs, whoever asks.
    pub scope: Vec<Arc<str>>,
    /// The requests that it stands for.
    pub operations: Vec<Operation>,
    /// Path parameters and their types.
    pub params: BTreeMap<Arc<str>, Type>,
    /// Declared query parameters.
    pub query: BTreeMap<Arc<str>, QueryParameter>,
    /// Declared arguments: members of a tool's or prompt's arguments, or of a JSON body.
    pub args: BTreeMap<Arc<str>, Argument>,
    /// Whether arguments that are not declared may be there.
    pub extra: bool,
    /// The hash of the tool's definition that was reviewed.
    pub definition: Option<Arc<str>>,
    /// Whether the protocol or countersign itself brings it, and no policy.
    pub builtin: bool,
    /// The type of the resource that it touches, where it names one.
    pub resource: Option<Arc<str>>,
}

/// A request that an action stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An HTTP request; no method means any.
    Http {
        /// Case-sensitive method.
        method: Option<String>,
        /// Absolute path pattern: literals, `{name}` for one segment, `{*name}` for the rest.
        pattern: String,
    },
    /// A gRPC call: `package.Service/Method`, or `package.Service/*`.
    Grpc {
        /// Fully qualified service.
        service: String,
        /// Method; none means every method of the service.
        method: Option<String>,
    },
    /// An MCP message.
    Mcp(McpOperation),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { method, pattern } => {
                write!(f, "{} {pattern}", method.as_deref().unwrap_or("*"))
            }
            Self::Grpc { service, method } => {
                write!(f, "{service}/{}", method.as_deref().unwrap_or("*"))
            }
            Self::Mcp(operation) => operation.fmt(f),
        }
    }
}

/// A declared argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its type; [`Type::Dyn`] is JSON of any shape.
    pub of: Type,
    /// Whether a request may leave it out.
    pub optional: bool,
    /// Where it stands, if not in the member of its name: a JSON Pointer (RFC 6901).
    pub at: Option<Arc<str>>,
}

/// What an MCP action stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum McpOperation {
    /// `tools/call` of the tool of this name.
    Tool(Arc<str>),
    /// `prompts/get` of the prompt of this name.
    Prompt(Arc<str>),
    /// `resources/read` of the URIs that this pattern matches: `*` stays within a segment.
    Uri(Arc<str>),
    /// A method of the protocol.
    Method(Arc<str>),
}

impl fmt::Display for McpOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(name) => write!(f, "tools/call {name}"),
            Self::Prompt(name) => write!(f, "prompts/get {name}"),
            Self::Uri(pattern) => write!(f, "resources/read {pattern}"),
            Self::Method(method) => f.write_str(method),
        }
    }
}

/// A declared query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParameter {
    /// Its type.
    pub of: Type,
    /// Whether a request may leave it out.
    pub optional: bool,
}

/// How much harm an action can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// The default.
    Low,
    /// Noticeable harm.
    Medium,
    /// Serious harm.
    High,
    /// Harm that cannot be undone.
    Critical,
}

impl Tier {
    /// The word that policies use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Why a text is not a tier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tier: use `low`, `medium`, `high` or `critical`")]
pub struct TierError(String);

impl FromStr for Tier {
    type Err = TierError;

    fn from_str(text: &str) -> Result<Self, TierError> {
        match text {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            "critical" => Ok(Self::Critical),
            other => Err(TierError(other.to_owned())),
        }
    }
}

/// What a request asks for, once its route knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The action.
    pub action: Arc<Action>,
    /// Path parameters, typed.
    pub params: BTreeMap<Arc<str>, Value>,
    /// Query parameters: declared ones typed, others as text.
    pub query: BTreeMap<Arc<str>, Value>,
    /// Declared arguments, typed; optional ones that were left out are absent.
    pub args: BTreeMap<Arc<str>, Value>,
    /// SHA-256 of the canonical form (RFC 8785) of all arguments, declared or not; none if there are none, or if the body was
    /// not needed and not read.
    pub arguments_digest: Option<[u8; 32]>,
    /// That canonical form itself, for those who are asked to approve it.
    pub canonical_arguments: Option<String>,
    /// Whether there are arguments that have no canonical form, and so no digest: an integer among them that is not declared
    /// is outside ±(2^53 − 1).
    pub arguments_without_digest: bool,
    /// The resource that it touches.
    pub resource: Option<Resource>,
    /// The tool, prompt or resource that a message names: an action may stand for several.
    pub target: Option<Arc<str>>,
    /// What else a message says; none if the request is none.
    pub said: Option<Said>,
}

/// What a message says beside its target and its arguments: the server gets all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its method; `GET` and `DELETE` stand for themselves.
    pub method: Arc<str>,
    /// The canonical form (RFC 8785) of what else it holds, but for what a client says anew with every attempt; none if there is
    /// nothing else, or if only Envoy has read the message.
    pub rest: Option<String>,
    /// Whether there is something else, and it has no canonical form.
    pub without_digest: bool,
}

/// What an action touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type, from the catalogue.
    pub kind: Arc<str>,
    /// Its id, from the request.
    pub id: Arc<str>,
}
