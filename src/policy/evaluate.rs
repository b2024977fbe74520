//! The evaluation, one stage a function; the first of these decides: a forbid, an unmet `must` or workload, a party
//! without a permit, an unmet requirement, a constraint that cannot be carried out.
#![deny(clippy::wildcard_enum_match_arm)]

use super::action_rules::ActionRules;
use super::approval::{self, Awaited, Ruling, matter};
use super::bound::{Bound, Coverage};
use super::constrain::Merge;
use super::index::{Candidates, Scan};
use super::planner::{Demand, Planned, plan};
use super::requirement::{Brought, Requirement};
use super::trace::{Considered, Effect, Outcome, Trace};
use crate::model::facts::Facts;
use crate::model::identity::TokenFacts;
use crate::model::name::RuleId;
use crate::model::party::{Kind, Party};
use crate::model::reason::Reason;
use crate::model::verdict::{Denial, Grant, Remedy, Verdict};

/// Everything about one call that rules can depend on.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its attributes.
    pub facts: Facts<'a>,
    /// What its credential allows; none for anonymous callers.
    pub token: Option<&'a TokenFacts>,
}

/// Which rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Enforced rules: the verdict that counts.
    Enforced,
    /// Shadow rules too: what would be if they were enforced.
    WithShadow,
}

/// One evaluation.
pub(super) struct Run<'a, 't> {
    pub(super) rules: &'a ActionRules,
    pub(super) call: &'a Call<'a>,
    pub(super) mode: Mode,
    pub(super) scan: Scan,
    pub(super) trace: Option<&'t mut Trace>,
    guards: Vec<&'a Bound>,
    permits: Vec<RuleId>,
    /// What is demanded, where an approval is all that is missing.
    awaited: Option<approval::Demand>,
}

type Stage<'a, 't> = fn(&mut Run<'a, 't>) -> Option<Verdict>;

impl<'a, 't> Run<'a, 't> {
    pub(super) fn new(
        rules: &'a ActionRules,
        call: &'a Call<'a>,
        mode: Mode,
        scan: Scan,
        trace: Option<&'t mut Trace>,
    ) -> Self {
        Self {
            rules,
            call,
            mode,
            scan,
            trace,
            guards: Vec::new(),
            permits: Vec::new(),
            awaited: None,
        }
    }

    /// The first stage that decides, decides; a trace goes on to show what the later ones would have said.
    pub(super) fn ruling(mut self) -> Ruling {
        let stages: [Stage<'a, 't>; 4] = [
            Self::forbids,
            Self::musts,
            Self::permits,
            Self::requirements,
        ];
        let mut decided = None;
        for stage in stages {
            let verdict = stage(&mut self);
            decided = decided.or(verdict);
            if decided.is_some() && self.trace.is_none() {
                break;
            }
        }
        match decided {
            Some(verdict) => Ruling::Decided(verdict),
            None => self.passes(),
        }
    }

    /// Nothing stands against it: it passes, at once or once it is approved. What could not be carried out then is said now.
    fn passes(mut self) -> Ruling {
        let Some(demand) = self.awaited.take() else {
            return Ruling::Decided(self.grant());
        };
        let (rules, call) = (self.rules, self.call);
        let grant = match self.grant() {
            Verdict::Allow(grant) => grant,
            other @ (Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_)) => {
                return Ruling::Decided(other);
            }
        };
        let proof = call.token.and_then(|token| token.bound.as_deref());
        let weighed = !rules.signals.is_empty();
        match matter(
            &call.facts,
            rules.tenant.as_ref(),
            proof,
            &demand.bind,
            weighed,
        ) {
            Ok(matter) => Ruling::Awaits(Box::new(Awaited {
                demand,
                matter,
                grant,
            })),
            Err(denial) => Ruling::Decided(Verdict::Deny(denial)),
        }
    }

    fn asks(&self, bound: &Bound) -> bool {
        !bound.rule.shadow || self.mode == Mode::WithShadow
    }

    fn note(
        &mut self,
        bound: &Bound,
        party: Option<&'static str>,
        outcome: impl FnOnce() -> Outcome,
    ) {
        if let Some(trace) = self.trace.as_deref_mut() {
            let (rule, effect) = (bound.rule.id.clone(), bound.rule.effect);
            trace.0.push(Considered {
                rule,
                effect,
                party,
                outcome: outcome(),
            });
        }
    }

    fn parties(&self) -> impl Iterator<Item = (&'static str, &'a Party)> + use<'a> {
        let parties = self.call.facts.parties;
        std::iter::once(("subject", &parties.subject))
            .chain(parties.actor.as_ref().map(|actor| ("actor", actor)))
    }

    /// Whether a permit or forbid matches for `party`. An error lets nobody in: a permit does not match, a forbid does.
    fn matches(&mut self, bound: &'a Bound, name: &'static str, party: &'a Party) -> bool {
        if !self.asks(bound) {
            self.note(bound, Some(name), || Outcome::Shadow);
            return false;
        }
        let facts = self.call.facts.for_party(party);
        match bound.covers(Some(party), &facts) {
            Coverage::No(outcome) => {
                self.note(bound, Some(name), || outcome);
                false
            }
            Coverage::Yes => {
                self.note(bound, Some(name), || Outcome::Matched);
                true
            }
            Coverage::Failed(error) => {
                self.note(bound, Some(name), || Outcome::Failed(error));
                match bound.rule.effect {
                    Effect::Permit => false,
                    Effect::Forbid | Effect::Guard => true,
                }
            }
        }
    }

    /// The first rule of `candidates` that matches; a trace looks at all of them.
    fn first(
        &mut self,
        candidates: &Candidates<'a>,
        name: &'static str,
        party: &'a Party,
    ) -> Option<&'a Bound> {
        let mut found = None;
        for bound in candidates.iter() {
            if self.matches(bound, name, party) {
                found = found.or(Some(bound));
            }
            if found.is_some() && self.trace.is_none() {
                break;
            }
        }
        found
    }

    fn forbids(&mut self) -> Option<Verdict> {
        let rules = self.rules;
        let mut hits = Vec::new();
        for (name, party) in self.parties() {
            hits.extend(self.first(&rules.forbids.candidates(party, self.scan), name, party));
        }
        let hit = hits.into_iter().min_by(|a, b| a.rule.id.cmp(&b.rule.id))?;
        Some(Verdict::Deny(
            Denial::new(Reason::Forbidden).by(&hit.rule.id),
        ))
    }

    /// Finds the guards that apply, and refuses if a `must` or a workload demand is not met: those have no remedy.
    fn musts(&mut self) -> Option<Verdict> {
        let mut unmet: Option<Denial> = None;
        for bound in self.guards_for_parties() {
            let denial = match bound.holds(&self.call.facts) {
                Coverage::No(outcome) => {
                    self.note(bound, None, || outcome);
                    continue;
                }
                Coverage::Failed(error) => {
                    self.note(bound, None, || Outcome::Failed(error.clone()));
                    Some(
                        Denial::new(Reason::GuardUnmet)
                            .by(&bound.rule.id)
                            .because(error),
                    )
                }
                Coverage::Yes => self.must(bound),
            };
            self.guards.push(bound);
            // A `must` is named before a workload, whichever guard comes first: rule order never matters.
            let is_must = |denial: &Denial| denial.reason == Reason::GuardUnmet;
            unmet = match (unmet, denial) {
                (Some(known), Some(new)) if is_must(&new) && !is_must(&known) => Some(new),
                (None, new) => new,
                (known, _) => known,
            };
        }
        unmet.map(Verdict::Deny)
    }

    /// Guards whose `to` matches any party, each once, in the order of their ids.
    fn guards_for_parties(&mut self) -> Vec<&'a Bound> {
        let rules = self.rules;
        let mut chosen: Vec<&'a Bound> = Vec::new();
        for (_, party) in self.parties() {
            chosen.extend(rules.guards.candidates(party, self.scan).iter());
        }
        chosen.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
        chosen.dedup_by(|a, b| a.rule.id == b.rule.id);
        let mut applying = Vec::new();
        for bound in chosen {
            let mismatch = bound.rule.to.as_ref().and_then(|to| {
                let mut mismatches = self.parties().map(|(_, party)| to.mismatch(party));
                let first = mismatches.next().flatten()?;
                mismatches
                    .all(|mismatch| mismatch.is_some())
                    .then_some(first)
            });
            match mismatch {
                Some(attribute) => self.note(bound, None, || Outcome::OtherParty(attribute)),
                None if !self.asks(bound) => self.note(bound, None, || Outcome::Shadow),
                None => applying.push(bound),
            }
        }
        applying
    }

    fn must(&mut self, bound: &'a Bound) -> Option<Denial> {
        let denial = |reason| Denial::new(reason).by(&bound.rule.id);
        match bound
            .must
            .as_ref()
            .map(|must| must.evaluate(&self.call.facts))
        {
            Some(Ok(false)) => {
                self.note(bound, None, || Outcome::MustFalse);
                return Some(denial(Reason::GuardUnmet));
            }
            Some(Err(error)) => {
                self.note(bound, None, || Outcome::MustFailed(error.to_string()));
                return Some(denial(Reason::GuardUnmet).because(format!("`must`: {error}")));
            }
            Some(Ok(true)) | None => {}
        }
        let brought = self.brought();
        let unmet: Vec<&Requirement> = bound
            .rule
            .require
            .iter()
            .filter(|needed| !needed.is_met(&brought))
            .collect();
        self.note(bound, None, || match unmet.first() {
            Some(needed) => Outcome::Unmet(needed.describe()),
            None => Outcome::Met,
        });
        let workload = unmet.iter().find(|needed| needed.is_of_workload())?;
        Some(denial(Reason::WorkloadRequired).because(format!("missing {}", workload.describe())))
    }

    fn brought(&self) -> Brought<'a> {
        Brought {
            facts: self.call.facts,
            token: self.call.token,
        }
    }

    /// Every party needs a permit of its own.
    fn permits(&mut self) -> Option<Verdict> {
        let rules = self.rules;
        let mut missing = None;
        for (name, party) in self.parties() {
            match self.first(&rules.permits.candidates(party, self.scan), name, party) {
                Some(bound) => self.permits.push(bound.rule.id.clone()),
                None => missing = missing.or(Some((name, party))),
            }
        }
        let (name, party) = missing?;
        let denial = if party.kind == Kind::Anonymous {
            Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate)
        } else {
            Denial::new(Reason::NotPermitted)
                .because(format!("no permit matches the {name} `{}`", party.id))
        };
        Some(Verdict::Deny(denial))
    }

    fn requirements(&mut self) -> Option<Verdict> {
        let brought = self.brought();
        let scope = Requirement::Scope(self.call.facts.asked.action.scope.clone());
        let own = std::iter::once((None, &scope));
        let of_guards = self.guards.iter().flat_map(|bound| {
            let requirements = bound.rule.require.iter();
            requirements.map(move |requirement| (Some(&bound.rule.id), requirement))
        });
        let demands = own
            .chain(of_guards)
            .map(|(rule, requirement)| Demand { rule, requirement });
        let is_met = |demand: &Demand<'_>| demand.requirement.is_met(&brought);
        // Nothing is collected of a call that has everything.
        if demands.clone().all(|demand| is_met(&demand)) {
            return None;
        }
        let (met, unmet): (Vec<_>, Vec<_>) = demands.partition(is_met);
        match plan(&unmet, &met, &brought) {
            Planned::Refuse(denial) => Some(Verdict::Deny(denial)),
            Planned::Await(demand) => {
                self.awaited = Some(demand);
                None
            }
        }
    }

    fn grant(self) -> Verdict {
        let mut merge = Merge::default();
        for bound in &self.guards {
            if let Some(constrain) = &bound.constrain
                && let Err(fault) = merge.add(&bound.rule.id, constrain, &self.call.facts)
            {
                return Verdict::Fault(fault);
            }
        }
        match merge.finish(&self.call.facts, self.call.token) {
            Ok(constraints) => Verdict::Allow(Grant {
                permits: self.permits,
                constraints,
                approval: None,
            }),
            Err(verdict) => verdict,
        }
    }
}
