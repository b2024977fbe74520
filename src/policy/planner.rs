//! The one planner: from everything that a call lacks to the one smallest remedy, or none.
//! Remedies rank scope before step-up before proof before approval: nobody is asked to approve what would not pass then.

use std::sync::Arc;

use super::approval::{self, Wanted};
use super::requirement::{Brought, Requirement, missing_scopes};
use crate::model::identity::Proof;
use crate::model::name::RuleId;
use crate::model::party::Kind;
use crate::model::reason::Reason;
use crate::model::verdict::{Denial, Remedy, StepUp};

/// A requirement of a call, and the guard that states it (none: the action itself).
#[derive(Debug)]
pub(super) struct Demand<'a> {
    pub(super) rule: Option<&'a RuleId>,
    pub(super) requirement: &'a Requirement,
}

/// What becomes of a call that lacks something.
#[derive(Debug)]
pub(super) enum Planned {
    /// It is refused; the denial says what is missing, or that nothing helps.
    Refuse(Denial),
    /// An approval is all that is missing.
    Await(approval::Demand),
}

/// What this caller would have to add.
#[derive(Debug, Default)]
struct Plan<'a> {
    scopes: Vec<Arc<str>>,
    /// Those too that the token has.
    needed: Vec<Arc<str>>,
    step_up: Option<StepUp>,
    scope_rule: Option<&'a RuleId>,
    step_up_rule: Option<&'a RuleId>,
    proof: Option<Vec<Proof>>,
    proof_rule: Option<&'a RuleId>,
    approvals: Vec<(&'a RuleId, &'a Wanted)>,
}

/// The denial for `unmet`, which is not empty, beside what the call has `met`. It names no remedy if something is missing
/// that this caller cannot add: there is no use in sending somebody for a scope that will not help.
pub(super) fn plan(unmet: &[Demand<'_>], met: &[Demand<'_>], brought: &Brought<'_>) -> Planned {
    let takes_credential = |item: &&Demand<'_>| item.requirement.takes_credential();
    if brought.token.is_none()
        && let Some(Demand { rule, requirement }) = unmet.iter().find(takes_credential)
    {
        // What a credential would lack cannot be known before there is one (RFC 6750, section 3.1).
        let denial = Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate);
        let cause = format!("missing {}, so a credential", requirement.describe());
        return Planned::Refuse(named(denial.because(cause), *rule));
    }
    let held = met
        .iter()
        .flat_map(|item| item.requirement.scopes_met(brought));
    let mut plan = Plan {
        needed: held.cloned().collect(),
        ..Plan::default()
    };
    for Demand { rule, requirement } in unmet {
        let Some(choice) = cheapest(requirement, brought) else {
            let denial = Denial::new(Reason::RequirementUnmet).because(format!(
                "this caller cannot add: {}",
                requirement.describe()
            ));
            return Planned::Refuse(named(denial, *rule));
        };
        if !plan.add(choice, *rule, brought) {
            let denial =
                Denial::new(Reason::RequirementUnmet).because("the demands exclude each other");
            return Planned::Refuse(named(denial, *rule));
        }
    }
    plan.ended()
}

fn named(denial: Denial, rule: Option<&RuleId>) -> Denial {
    match rule {
        Some(rule) => denial.by(rule),
        None => denial,
    }
}

/// The requirement itself, or of alternatives the cheapest that this caller can meet.
fn cheapest<'a>(requirement: &'a Requirement, brought: &Brought<'_>) -> Option<&'a Requirement> {
    match requirement {
        Requirement::AnyOf(items) => {
            let choices = items.iter().filter_map(|item| cheapest(item, brought));
            choices.min_by_key(|choice| rank(choice))
        }
        Requirement::Workload(_) => None,
        Requirement::StepUp(_) if brought.facts.parties.subject.kind != Kind::Human => None,
        // An API key or a certificate cannot be bound to anything else.
        Requirement::Proof(_) if !brought.token.is_some_and(|token| token.bindable) => None,
        Requirement::Scope(_)
        | Requirement::StepUp(_)
        | Requirement::Proof(_)
        | Requirement::Approval(_) => Some(requirement),
    }
}

const fn rank(requirement: &Requirement) -> u8 {
    match requirement {
        Requirement::Scope(_) => 0,
        Requirement::StepUp(_) => 1,
        Requirement::Proof(_) => 2,
        Requirement::Approval(_) => 3,
        Requirement::Workload(_) | Requirement::AnyOf(_) => u8::MAX,
    }
}

impl<'a> Plan<'a> {
    /// Adds a demand to those already there; false if both cannot be met together.
    fn add(
        &mut self,
        requirement: &'a Requirement,
        rule: Option<&'a RuleId>,
        brought: &Brought<'_>,
    ) -> bool {
        match requirement {
            Requirement::Scope(scopes) => {
                self.scopes.extend(missing_scopes(scopes, brought.token));
                self.needed.extend(scopes.iter().cloned());
                self.scope_rule = self.scope_rule.or(rule);
                true
            }
            Requirement::StepUp(demand) => {
                self.step_up_rule = self.step_up_rule.or(rule);
                match self
                    .step_up
                    .take()
                    .map_or_else(|| Some(demand.clone()), |other| both(&other, demand))
                {
                    Some(merged) => {
                        self.step_up = Some(merged);
                        true
                    }
                    None => false,
                }
            }
            Requirement::Proof(kinds) => {
                self.proof_rule = self.proof_rule.or(rule);
                let mut either = self.proof.take().unwrap_or_else(|| kinds.clone());
                either.retain(|kind| kinds.contains(kind));
                let possible = !either.is_empty();
                self.proof = Some(either);
                possible
            }
            // Only a guard asks for one.
            Requirement::Approval(wanted) => {
                self.approvals.extend(rule.map(|rule| (rule, &**wanted)));
                rule.is_some()
            }
            Requirement::Workload(_) | Requirement::AnyOf(_) => false,
        }
    }

    fn ended(mut self) -> Planned {
        let approvals = std::mem::take(&mut self.approvals);
        let nothing_else = self.scopes.is_empty() && self.step_up.is_none() && self.proof.is_none();
        match approval::Demand::of(approvals).filter(|_| nothing_else) {
            Some(demand) => Planned::Await(demand),
            None => Planned::Refuse(self.denial()),
        }
    }

    fn denial(mut self) -> Denial {
        for scopes in [&mut self.scopes, &mut self.needed] {
            scopes.sort();
            scopes.dedup();
        }
        if !self.scopes.is_empty() {
            let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
                missing: self.scopes,
                needed: self.needed,
            });
            return named(denial, self.scope_rule);
        }
        if let Some(demand) = self.step_up {
            let denial = Denial::new(Reason::StepUpRequired).with(Remedy::StepUp(demand));
            return named(denial, self.step_up_rule);
        }
        match self.proof {
            Some(kinds) => named(
                Denial::new(Reason::ProofRequired).with(Remedy::Proof(kinds)),
                self.proof_rule,
            ),
            None => Denial::new(Reason::RequirementUnmet),
        }
    }
}

/// Both demands at once: classes that both accept, the shorter age.
fn both(a: &StepUp, b: &StepUp) -> Option<StepUp> {
    let max_age = match (a.max_age, b.max_age) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (x, y) => x.or(y),
    };
    let acr: Vec<Arc<str>> = match (a.acr.is_empty(), b.acr.is_empty()) {
        (true, _) => b.acr.clone(),
        (_, true) => a.acr.clone(),
        (false, false) => a
            .acr
            .iter()
            .filter(|class| b.acr.contains(class))
            .cloned()
            .collect(),
    };
    let exclusive = acr.is_empty() && !(a.acr.is_empty() && b.acr.is_empty());
    if exclusive {
        None
    } else {
        Some(StepUp { acr, max_age })
    }
}
