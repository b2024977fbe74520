//! One decision: the verdict and everything that its answer, its record and its metrics say about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::identity::TokenFacts;
use super::lifecycle::Raised;
use super::name::{ActionId, ProviderName, RouteId};
use super::party::Parties;
use super::request::AccessRequest;
use super::risk::Risk;
use super::route::{Asked, Protocol, Tier};
use super::rpc::RpcFacts;
use super::spiffe::SpiffeId;
use super::time::Timestamp;
use super::verdict::Verdict;

/// The id of a decision: a `UUIDv7` in its usual form, so that ids sort by time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DecisionId(Arc<str>);

impl DecisionId {
    /// Wraps an id that the edge made.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A verdict and its circumstances.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its id; answer, record and access log share it.
    pub id: DecisionId,
    /// When it was made.
    pub at: Timestamp,
    /// How it ended.
    pub verdict: Verdict,
    /// The request, as far as it was understood.
    pub request: Option<RequestFacts>,
    /// Whether the caller speaks gRPC, and so reads a status where others read a document.
    pub grpc: bool,
    /// The Envoy that asked, where it had to show who it is.
    pub gateway: Option<Arc<str>>,
    /// The route, once found.
    pub route: Option<RouteFacts>,
    /// The message, where the route speaks JSON-RPC and the message could be read.
    pub rpc: Option<RpcFacts>,
    /// The document that answers a request for it; JSON.
    pub document: Option<Arc<str>>,
    /// The action, once found, and its tier.
    pub action: Option<(ActionId, Tier)>,
    /// The arguments that it was decided on, where it has any.
    pub arguments: Option<ArgumentFacts>,
    /// What the signals of the action say, where it has any.
    pub risk: Option<Risk>,
    /// The parties, once known.
    pub parties: Option<Parties>,
    /// The credential that was verified, and by which provider.
    pub credential: Option<(ProviderName, TokenFacts)>,
    /// The workload that called, once known.
    pub workload: Option<SpiffeId>,
    /// What the answer says about proofs of possession, where the route takes tokens.
    pub dpop: Option<DpopFacts>,
    /// What the checks of the identities' lives found: warnings, and at the end the one that denied, if one did.
    pub lifecycle: Vec<Raised>,
    /// The version of the snapshot that decided.
    pub policy_version: Arc<str>,
    /// How long it took.
    pub spent: Spent,
}

/// What a record says about a request: never a query, a header or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// Envoy's request id.
    pub id: Option<String>,
    /// Method.
    pub method: String,
    /// Canonical host.
    pub host: String,
    /// Canonical path.
    pub path: String,
}

impl From<&AccessRequest> for RequestFacts {
    fn from(request: &AccessRequest) -> Self {
        Self {
            id: request.id.clone(),
            method: request.method.clone(),
            host: request.host.clone(),
            path: request.path.clone(),
        }
    }
}

/// What a record says about arguments: never their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentFacts {
    /// The declared arguments that the request has.
    pub names: Vec<Arc<str>>,
    /// SHA-256 of the canonical form (RFC 8785) of all arguments, declared or not.
    pub digest: Option<[u8; 32]>,
}

impl ArgumentFacts {
    /// What was asked, without values; none if it has no arguments.
    pub fn of(asked: Asked) -> Option<Self> {
        let Asked {
            args,
            arguments_digest: digest,
            ..
        } = asked;
        let any = !args.is_empty() || digest.is_some();
        any.then(|| Self {
            names: args.into_keys().collect(),
            digest,
        })
    }
}

/// What an answer needs of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFacts {
    /// Its id.
    pub id: RouteId,
    /// Its external URL; the realm of its challenges.
    pub url: Arc<str>,
    /// What its challenges ask for.
    pub schemes: Schemes,
    /// What is spoken on it, and so how its refusals look.
    pub protocol: Protocol,
}

/// The kinds of credentials of a route that a challenge can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schemes {
    /// Tokens in the `authorization` header or in a cookie.
    pub tokens: bool,
    /// API keys.
    pub api_keys: bool,
}

/// What a caller is told about proofs of possession (RFC 9449, sections 7.1 and 8).
#[derive(Clone, PartialEq, Eq)]
pub struct DpopFacts {
    /// Whether this request presents its token with the scheme `DPoP`.
    pub presented: bool,
    /// The accepted algorithms, with spaces between them.
    pub algorithms: Arc<str>,
    /// The nonce for the next proof, where proofs need one.
    pub nonce: Option<Box<str>>,
}

impl fmt::Debug for DpopFacts {
    /// Without the nonce: no log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopFacts")
            .field("presented", &self.presented)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// Time that the phases of a check took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// From the request's arrival to the verdict.
    pub total: Duration,
    /// Verifying the credential and joining the parties.
    pub identity: Duration,
    /// Evaluating the rules.
    pub policy: Duration,
}
