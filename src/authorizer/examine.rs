//! One request, from route to verdict, in the order that is the security argument.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::examined::{Described, Examined};
use super::life::{Life, how};
use super::parties::{everybody, join};
use super::seen::Sighting;
use super::snapshot::Snapshot;
use crate::action::{CompiledRoute, Reading};
use crate::cache::Moment;
use crate::identity::{Clock, Refusal};
use crate::model::decision::RouteFacts;
use crate::model::facts::Facts;
use crate::model::identity::Proof;
use crate::model::name::ProviderName;
use crate::model::party::{Parties, Party};
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Gateway};
use crate::model::risk::Risk;
use crate::model::route::{Asked, Route, Tier};
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::{Denial, Verdict};
use crate::policy::{Call, Demand, Mode, Ruling, Scan, Trace};

/// A request on its route.
#[derive(Clone, Copy)]
struct Asking<'a> {
    request: &'a AccessRequest,
    route: &'a CompiledRoute,
    reading: &'a Reading<'a>,
}

impl Snapshot {
    /// Examines a request: first its route, then who asks, then what is asked, then whether the rules let it pass.
    /// Nothing is waited for beyond `until`. Pass a trace to have the evaluation explained.
    pub async fn examine(
        &self,
        request: &AccessRequest,
        until: Instant,
        trace: Option<Trace>,
    ) -> Box<Examined> {
        let mut examined = Box::new(Examined::begun(trace));
        let verdict = match self.route(request, &mut examined) {
            Ok(route) => {
                // What the message says is looked at before anybody is known, and what is wrong with it is said only after: the
                // answer to a caller without a credential names the message, and tells nothing of how it was read.
                let reading = route.read(request);
                examined.rpc = reading.rpc().cloned();
                let now = Instant::now();
                let clock = Clock { now, until };
                let who = self.who(request, &route.route, clock, &mut examined).await;
                examined.identity = now.elapsed();
                let verdict = who.and_then(|who| {
                    let asking = Asking {
                        request,
                        route,
                        reading: &reading,
                    };
                    self.rules(asking, who, &mut examined)
                });
                let allowed = matches!(verdict, Ok(Verdict::Allow(_)));
                examined.dpop = self.providers.dpop(request, &route.route, allowed);
                verdict
            }
            Err(refusal) => Err(refusal),
        };
        examined.ended(verdict);
        examined
    }

    /// Examines a request as if these parties had presented a credential; what `test` and `explain` do.
    pub fn examine_described(
        &self,
        request: &AccessRequest,
        described: &Described,
        trace: Option<Trace>,
    ) -> Examined {
        let mut examined = Examined::begun(trace);
        let verdict = self.route(request, &mut examined).and_then(|route| {
            examined.workload = self.providers.described_workload(request);
            let reading = route.read(request);
            examined.rpc = reading.rpc().cloned();
            let who = accepted(described, &route.route)?;
            let ids = who.parties.each().map(|party| party.id.clone());
            let life = self.life(request, &route.route);
            life.of_identities(ids, &mut examined.lifecycle)?;
            let asking = Asking {
                request,
                route,
                reading: &reading,
            };
            self.rules(asking, who, &mut examined)
        });
        examined.ended(verdict);
        examined
    }

    fn route(
        &self,
        request: &AccessRequest,
        seen: &mut Examined,
    ) -> Result<&CompiledRoute, Refusal> {
        // Whoever has no token yet asks where to get one, so nobody is asked for one here.
        let described = self.documents.find(&self.routes, request);
        let route = match &described {
            Some((route, _)) => route,
            None => self.routes.find(request)?,
        };
        seen.route = Some(RouteFacts {
            id: route.route.id.clone(),
            url: Arc::clone(&route.route.url),
            schemes: self.providers.schemes(&route.route),
            protocol: route.route.protocol.clone(),
        });
        if let Some(gateway) = &request.gateway {
            may_ask(gateway, &route.route)?;
        }
        if let Some((_, document)) = described {
            seen.document = Some(document);
            return Err(Denial::new(Reason::Metadata).into());
        }
        Ok(route)
    }

    /// Who makes a request to a `route` that no policy has, verified as those of any other request are, up to what is asked.
    /// Nobody is anybody while what is known of revocations is too old for what matters.
    pub async fn parties(
        &self,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Described, Refusal> {
        let mut seen = Examined::begun(None);
        let who = self.who(request, route, clock, &mut seen).await?;
        if let Some((_, token)) = &who.token {
            self.live.fresh_for(Tier::High, clock.now)?;
            let how = how(request, &who.parties, token, None);
            self.life(request, route)
                .of_parties(&who.parties, &how, &mut seen.lifecycle)?;
        }
        Ok(who)
    }

    /// The parties of a request, verified; a credential that is present and invalid is never anonymous.
    async fn who(
        &self,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
        seen: &mut Examined,
    ) -> Result<Described, Refusal> {
        seen.workload = self.providers.workload(request)?;
        let Some(identity) = self.providers.authenticate(request, route, clock).await? else {
            seen.judged = Some(self.unrevoked_workload(request, seen.workload.as_ref())?);
            return Ok(Described {
                parties: Parties::alone(Party::anonymous()),
                token: None,
            });
        };
        seen.sighted = Sighting::of(&identity, &self.registry);
        let judged = self.unrevoked(request, &identity, seen.workload.as_ref())?;
        let life = self.life(request, route);
        life.of_identities(everybody(&identity), &mut seen.lifecycle)?;
        let parties = join(&identity, &self.registry)?;
        let (judged, token) = judged.of(identity, &parties);
        seen.judged = Some(judged);
        Ok(Described {
            parties,
            token: Some(token),
        })
    }

    fn life<'a>(&'a self, request: &AccessRequest, route: &'a Route) -> Life<'a> {
        Life {
            registry: &self.registry,
            lifecycle: &self.lifecycle,
            environment: route.environment.as_deref(),
            now: request.now,
        }
    }

    fn rules(
        &self,
        asking: Asking<'_>,
        who: Described,
        seen: &mut Examined,
    ) -> Result<Verdict, Refusal> {
        let Asking {
            request,
            route,
            reading,
        } = asking;
        let Described { parties, token } = who;
        seen.credential = token;
        let parties = &*seen.parties.insert(parties);
        let life = self.life(request, &route.route);
        if let Some((_, token)) = &seen.credential {
            let how = how(request, parties, token, seen.workload.as_ref());
            life.of_parties(parties, &how, &mut seen.lifecycle)?;
        }
        let asked = &*seen.asked.insert(route.find(request, reading)?);
        if self.policy.demands_token(&asked.action) {
            can_be_named(asked, reading)?;
        }
        if let Some((_, token)) = &seen.credential {
            life.of_tier(parties, asked.action.tier, token, &mut seen.lifecycle)?;
        }
        let conditions = self.live.conditions.over(&self.conditions, request.now);
        let facts = Facts {
            request,
            asked,
            parties,
            party: None,
            workload: seen.workload.as_ref().map(SpiffeId::as_str),
            proof: seen
                .credential
                .as_ref()
                .map_or(Proof::None, |(_, token)| token.proof),
            conditions: &conditions,
            risk: 0,
        };
        self.policy.check_query(&facts)?;

        let started = Instant::now();
        self.live.fresh_for(asked.action.tier, started)?;
        let at = Moment {
            revocations: self.live.revocations.revision(),
            now: started,
        };
        // Signals are weighed first and once: every rule, and a second evaluation too, sees the same score.
        seen.risk = self.policy.risk(&facts);
        let call = Call {
            facts: Facts {
                risk: seen.risk.as_ref().map_or(0, Risk::score),
                ..facts
            },
            token: seen.credential.as_ref().map(|(_, token)| &**token),
        };
        let ruling = match &mut seen.trace {
            // What is explained is evaluated, whatever is remembered.
            Some(trace) => self
                .policy
                .run(&call, Mode::Enforced, Scan::Linear, Some(trace)),
            None => self.rulings.ruling(&self.policy, &call, at),
        };
        seen.policy = started.elapsed();
        // A second evaluation sees the same ones, however late it comes.
        if let Cow::Owned(changed) = conditions {
            seen.conditions = Some(changed);
        }
        match ruling {
            Ruling::Decided(verdict) => Ok(verdict),
            Ruling::Awaits(awaited) => {
                can_be_approved(&awaited.demand, reading)?;
                Ok(seen.awaited.insert(awaited).unopened())
            }
        }
    }
}

/// Whether an Envoy that is bound to routes or to a tenant may ask about this route.
fn may_ask(gateway: &Gateway, route: &Route) -> Result<(), Denial> {
    let Gateway { id, tenant, routes } = gateway;
    let refused = |cause: &str| {
        let cause = format!("`{id}` may not ask about {cause}");
        Err(Denial::new(Reason::GatewayNotAllowed).because(cause))
    };
    if routes
        .as_ref()
        .is_some_and(|routes| !routes.contains(&route.id))
    {
        return refused("this route");
    }
    if tenant.is_some() && *tenant != route.tenant {
        return refused("routes of another tenant");
    }
    Ok(())
}

/// Whether a token can say which arguments were decided on: one that says nothing of them would be good for any.
fn can_be_named(asked: &Asked, reading: &Reading<'_>) -> Result<(), Denial> {
    if reading.is_hearsay() {
        let cause = "a token is demanded that names the arguments, and only Envoy's metadata came along; set \
                     `with_request_body` with `pack_as_bytes: true`";
        return Err(Denial::new(Reason::InputIncomplete).because(cause));
    }
    if asked.arguments_without_digest {
        let cause = "a token is demanded that names the arguments, and an integer among them is outside ±(2^53 − 1)";
        return Err(Denial::new(Reason::ArgumentInvalid).because(cause));
    }
    Ok(())
}

/// Whether approvers can be shown what they approve: what only Envoy has read says nothing of arguments.
fn can_be_approved(demand: &Demand, reading: &Reading<'_>) -> Result<(), Denial> {
    if demand.bind.takes_content() && reading.is_hearsay() {
        let cause = "an approval is bound to the arguments, and only Envoy's metadata came along; set `with_request_body` \
                     with `pack_as_bytes: true`";
        return Err(Denial::new(Reason::InputIncomplete).because(cause));
    }
    Ok(())
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
