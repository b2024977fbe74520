//! One request, from route to verdict, in the order that is the security argument.

use std::time::{Duration, Instant};

use super::parties::join;
use super::snapshot::Snapshot;
use super::workload::workload;
use crate::identity::Refusal;
use crate::model::decision::RouteFacts;
use crate::model::facts::Facts;
use crate::model::identity::TokenFacts;
use crate::model::name::ProviderName;
use crate::model::party::{Parties, Party};
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Asked, Route};
use crate::model::verdict::{Denial, Verdict};
use crate::policy::{Call, Mode, Scan, Trace};

/// Where the parties of a request come from.
#[derive(Debug)]
pub enum Caller {
    /// The credential that the request carries; what a server does.
    Credential,
    /// A description; what `test` and `explain` do.
    Described(Box<Described>),
}

/// Described parties, as if a credential had been verified.
#[derive(Clone, Debug)]
pub struct Described {
    /// Who signs for the call.
    pub parties: Parties,
    /// What the credential allows; none for anonymous callers.
    pub token: Option<(ProviderName, TokenFacts)>,
}

/// How far a request came, and how it ended.
#[derive(Debug)]
pub struct Examined {
    /// How it ended.
    pub verdict: Verdict,
    /// The route, once found.
    pub route: Option<RouteFacts>,
    /// What was asked, once known.
    pub asked: Option<Asked>,
    /// The parties, once known.
    pub parties: Option<Parties>,
    /// The credential that was verified.
    pub credential: Option<(ProviderName, TokenFacts)>,
    /// Time spent on identity.
    pub identity: Duration,
    /// Time spent on rules.
    pub policy: Duration,
    /// The trace of the evaluation, if it was asked for.
    pub trace: Option<Trace>,
}

impl Examined {
    /// A request that never came as far as its route.
    pub fn refused(verdict: Verdict) -> Self {
        Self {
            verdict,
            route: None,
            asked: None,
            parties: None,
            credential: None,
            identity: Duration::ZERO,
            policy: Duration::ZERO,
            trace: None,
        }
    }
}

impl Snapshot {
    /// Examines a request: first its route, then who asks, then what is asked, then whether the rules let it pass.
    /// Pass a trace to have the evaluation explained.
    pub fn examine(
        &self,
        request: &AccessRequest,
        caller: &Caller,
        trace: Option<Trace>,
    ) -> Examined {
        let mut examined = Examined::refused(Verdict::Deny(Denial::new(Reason::NoRoute)));
        examined.trace = trace;
        examined.verdict = self
            .walk(request, caller, &mut examined)
            .unwrap_or_else(|stop| match stop {
                Refusal::Deny(denial) => Verdict::Deny(denial),
                Refusal::Fault(fault) => Verdict::Fault(fault),
            });
        examined
    }

    fn walk(
        &self,
        request: &AccessRequest,
        caller: &Caller,
        seen: &mut Examined,
    ) -> Result<Verdict, Refusal> {
        let route = self.routes.find(request).map_err(Refusal::Deny)?;
        seen.route = Some(RouteFacts {
            id: route.route.id.clone(),
            url: std::sync::Arc::clone(&route.route.url),
        });

        let started = Instant::now();
        let who = self.who(request, caller, &route.route, started);
        seen.identity = started.elapsed();
        let Described { parties, token } = who?;
        seen.credential = token;
        let parties = &*seen.parties.insert(parties);

        let asked = &*seen
            .asked
            .insert(route.find(request).map_err(Refusal::Deny)?);
        let facts = Facts {
            request,
            asked,
            parties,
            party: None,
            workload: workload(request.source.principal.as_deref()),
            conditions: &self.conditions,
        };
        let call = Call {
            facts,
            token: seen.credential.as_ref().map(|(_, token)| token),
        };
        self.policy.check_query(&call).map_err(Refusal::Deny)?;

        let started = Instant::now();
        let scan = if seen.trace.is_some() {
            Scan::Linear
        } else {
            Scan::Indexed
        };
        let verdict = self
            .policy
            .run(&call, Mode::Enforced, scan, seen.trace.as_mut());
        seen.policy = started.elapsed();
        Ok(verdict)
    }

    /// The parties of the request, verified; a credential that is present and invalid is never anonymous.
    fn who(
        &self,
        request: &AccessRequest,
        caller: &Caller,
        route: &Route,
        now: Instant,
    ) -> Result<Described, Refusal> {
        match caller {
            Caller::Described(described) => accepted(described, route).map_err(Refusal::Deny),
            Caller::Credential => match self.providers.authenticate(request, route, now)? {
                None => Ok(Described {
                    parties: Parties::alone(Party::anonymous()),
                    token: None,
                }),
                Some(identity) => {
                    let parties =
                        join(&identity, &self.registry, request.now).map_err(Refusal::Deny)?;
                    Ok(Described {
                        parties,
                        token: Some((identity.provider, identity.token)),
                    })
                }
            },
        }
    }
}

/// Described parties, if the route accepts the credential that they would have presented.
fn accepted(described: &Described, route: &Route) -> Result<Described, Denial> {
    let refused = |reason, name: &ProviderName| {
        let cause = format!("the route accepts no credential of provider `{name}`");
        Err(Denial::new(reason).because(cause))
    };
    let Described { parties, token } = described;
    match token {
        Some((name, _)) if !route.providers.contains(name) => refused(Reason::TokenIssuer, name),
        _ => match parties
            .each()
            .filter_map(|party| party.id.issuer.as_ref())
            .find(|name| !route.providers.contains(name))
        {
            Some(name) => refused(Reason::DelegationMalformed, name),
            None => Ok(described.clone()),
        },
    }
}
