//! How a check ends. A denial is a value, not an error; a fault is "could not decide".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::approval::{ApprovalFacts, Ticket};
use super::identity::Proof;
use super::name::RuleId;
use super::reason::{FaultCode, Reason};
use super::value::Value;

/// The answer to one check. There is no default: whoever makes one says which.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The request passes, constrained as the grant says.
    Allow(Grant),
    /// The request is refused.
    Deny(Denial),
    /// The request is refused until somebody approves it.
    Pending(Ticket),
    /// No decision could be made; the request is refused.
    Fault(Fault),
}

impl Verdict {
    /// `allow`, `deny`, `pending` or `fault`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Deny(_) => "deny",
            Self::Pending(_) => "pending",
            Self::Fault(_) => "fault",
        }
    }

    /// The reason code; `permitted` for a grant.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Allow(_) => "permitted",
            Self::Deny(denial) => denial.reason.as_str(),
            Self::Pending(_) => Reason::ApprovalRequired.as_str(),
            Self::Fault(fault) => fault.code.as_str(),
        }
    }

    /// The rule that decided, for logs: the subject's permit, the forbid, or the guard.
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Allow(grant) => grant.permits.first(),
            Self::Deny(denial) => denial.rule.as_ref(),
            Self::Pending(ticket) => ticket.rule.as_ref(),
            Self::Fault(fault) => fault.rule.as_ref(),
        }
    }
}

/// A request that passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// The permit that each party used, the subject's first.
    pub permits: Vec<RuleId>,
    /// What is done to the request.
    pub constraints: Constraints,
    /// The approval that was used, where one was needed.
    pub approval: Option<ApprovalFacts>,
}

/// Most bytes of names and texts in a grant's metadata; every value counts 8 more.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;
/// Deepest nesting of a grant's metadata.
pub const MAX_METADATA_DEPTH: usize = 16;

/// What is done to an allowed request; the merge of all guards that apply.
#[derive(Clone, Default, PartialEq)]
pub struct Constraints {
    /// Request headers that are set, by lower-case name.
    pub headers: BTreeMap<Arc<str>, String>,
    /// Request headers that are removed; never shares a name with `headers`.
    pub strip: BTreeSet<Arc<str>>,
    /// Query parameters that are set.
    pub query: BTreeMap<Arc<str>, String>,
    /// Query parameters that are removed; never shares a name with `query`.
    pub strip_query: BTreeSet<Arc<str>>,
    /// Headers that the response gets.
    pub response_headers: BTreeMap<Arc<str>, String>,
    /// Dynamic metadata for Envoy's later filters and its access log; within [`MAX_METADATA_BYTES`] and
    /// [`MAX_METADATA_DEPTH`].
    pub metadata: BTreeMap<Arc<str>, Value>,
    /// The token that the upstream gets in place of the caller's credential.
    pub token: Option<TokenDemand>,
}

impl fmt::Debug for Constraints {
    /// Names without values: a header that is set may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            headers,
            strip,
            query,
            strip_query,
            response_headers,
            metadata,
            token,
        } = self;
        f.debug_struct("Constraints")
            .field("headers", &headers.keys())
            .field("strip", strip)
            .field("query", &query.keys())
            .field("strip_query", strip_query)
            .field("response_headers", &response_headers.keys())
            .field("metadata", &metadata.keys())
            .field("token", token)
            .finish()
    }
}

/// A short-lived token that is minted for an allowed request: never good for more than the caller's own credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDemand {
    /// Whom it is meant for; another audience than the route's.
    pub audience: Arc<str>,
    /// What it allows: scopes that the caller's credential has; never empty.
    pub scope: BTreeSet<Arc<str>>,
    /// How long it is good, at most.
    pub ttl: Duration,
}

/// A request that is refused. `reason` and `remedy` are for the client, `rule` and `cause` for the log only.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// Why, as the client may know it.
    pub reason: Reason,
    /// The smallest thing that the caller can add to be let in.
    pub remedy: Option<Remedy>,
    /// The rule that decided.
    pub rule: Option<RuleId>,
    /// What exactly was wrong; holds no secret.
    pub cause: Option<String>,
}

impl Denial {
    /// A denial without a remedy.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            remedy: None,
            rule: None,
            cause: None,
        }
    }

    /// Adds what the log should say.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn by(mut self, rule: &RuleId) -> Self {
        self.rule = Some(rule.clone());
        self
    }

    /// Names the remedy.
    #[must_use]
    pub fn with(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

/// What a caller can add to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Present a valid credential of the route's issuers.
    Authenticate,
    /// Present a token that has these scopes too.
    Scope {
        /// All that is missing.
        missing: Vec<Arc<str>>,
        /// All that the call needs, also what the token has: whoever asks for exactly these gets a token that will do.
        needed: Vec<Arc<str>>,
    },
    /// Authenticate the person again (RFC 9470).
    StepUp(StepUp),
    /// Come back with a token that is bound to a key, and with one of these proofs of having it.
    Proof(Vec<Proof>),
}

/// A demand for stronger or fresher authentication of the human subject (RFC 9470).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    /// Acceptable classes, in order of preference; empty means any.
    pub acr: Vec<Arc<str>>,
    /// Oldest acceptable authentication, in seconds.
    pub max_age: Option<u64>,
}

/// A check that could not be decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What failed, as the client may know it.
    pub code: FaultCode,
    /// What failed, for the log.
    pub cause: String,
    /// The rule at which it failed.
    pub rule: Option<RuleId>,
}

impl Fault {
    /// A fault outside any rule.
    pub fn new(code: FaultCode, cause: impl Into<String>) -> Self {
        Self {
            code,
            cause: cause.into(),
            rule: None,
        }
    }
}
