//! Routes and the catalogues of actions on them: what can be asked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::name::{ActionId, ProviderName, RouteId};
use super::value::{Type, Value};

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
    /// Its catalogue.
    pub actions: Vec<Arc<Action>>,
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
    /// The resource that it touches.
    pub resource: Option<Resource>,
}

/// What an action touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type, from the catalogue.
    pub kind: Arc<str>,
    /// Its id, from the request.
    pub id: Arc<str>,
}
