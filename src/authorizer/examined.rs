//! How far a request came, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use super::revoked::Judged;
use super::seen::Sighting;
use crate::condition::Values;
use crate::identity::Refusal;
use crate::model::decision::{DpopFacts, RouteFacts};
use crate::model::identity::TokenFacts;
use crate::model::lifecycle::Raised;
use crate::model::name::ProviderName;
use crate::model::party::Parties;
use crate::model::reason::Reason;
use crate::model::risk::Risk;
use crate::model::route::Asked;
use crate::model::rpc::RpcFacts;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::{Denial, Verdict};
use crate::policy::{Awaited, Trace};

/// Described parties, as if a credential had been verified.
#[derive(Clone, Debug)]
pub struct Described {
    /// Who signs for the call.
    pub parties: Parties,
    /// What the credential allows; none for anonymous callers.
    pub token: Option<(ProviderName, Arc<TokenFacts>)>,
}

/// How far a request came, and how it ended.
#[derive(Debug)]
pub struct Examined {
    /// How it ended.
    pub verdict: Verdict,
    /// The route, once found.
    pub route: Option<RouteFacts>,
    /// The message, where the route speaks JSON-RPC and it could be read.
    pub rpc: Option<RpcFacts>,
    /// The document that answers a request for it.
    pub document: Option<Arc<str>>,
    /// What was asked, once known.
    pub asked: Option<Asked>,
    /// What the signals of the action say, where it has any.
    pub risk: Option<Risk>,
    /// The parties, once known.
    pub parties: Option<Parties>,
    /// The workload that calls, once known.
    pub workload: Option<SpiffeId>,
    /// The credential that was verified.
    pub credential: Option<(ProviderName, Arc<TokenFacts>)>,
    /// What the answer says about proofs of possession.
    pub dpop: Option<DpopFacts>,
    /// Whoever the credential speaks of.
    pub sighted: Vec<Sighting>,
    /// What the checks of their lives found: warnings, and at the end the one that denied, if one did.
    pub lifecycle: Vec<Raised>,
    /// Time spent on identity.
    pub identity: Duration,
    /// Time spent on rules.
    pub policy: Duration,
    /// What is demanded and granted, where an approval is all that is missing.
    pub awaited: Option<Box<Awaited>>,
    /// What nothing was found against, for whoever has to look again.
    pub(super) judged: Option<Judged>,
    /// The conditions that the rules saw, where somebody has set one to something else than the file does.
    pub conditions: Option<Values>,
    /// The trace of the evaluation, if it was asked for.
    pub trace: Option<Trace>,
}

impl Examined {
    /// A request that never came as far as its route.
    pub fn refused(verdict: Verdict) -> Self {
        Self {
            verdict,
            route: None,
            rpc: None,
            document: None,
            asked: None,
            risk: None,
            parties: None,
            workload: None,
            credential: None,
            dpop: None,
            sighted: Vec::new(),
            lifecycle: Vec::new(),
            identity: Duration::ZERO,
            policy: Duration::ZERO,
            awaited: None,
            judged: None,
            conditions: None,
            trace: None,
        }
    }

    pub(super) fn begun(trace: Option<Trace>) -> Self {
        let mut examined = Self::refused(Verdict::Deny(Denial::new(Reason::NoRoute)));
        examined.trace = trace;
        examined
    }

    pub(super) fn ended(&mut self, verdict: Result<Verdict, Refusal>) {
        self.verdict = verdict.unwrap_or_else(|stop| match stop {
            Refusal::Deny(denial) => Verdict::Deny(denial),
            Refusal::Fault(fault) => Verdict::Fault(fault),
        });
    }
}
