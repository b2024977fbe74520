//! What a policy needs to be told about a request, and what it changes: for those who check the other side.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::approval::Demand;
use super::bound::Bound;
use super::compile::Policy;
use super::requirement::Requirement;
use super::signal::Signal;
use crate::model::name::{ActionId, RouteId, RuleId, SignalId};
use crate::model::route::Action;

/// What of a policy reads an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader<'a> {
    /// The conditions of a rule, or the values that it computes.
    Rule(&'a RuleId),
    /// A signal of risk.
    Signal(&'a SignalId),
}

impl Policy {
    /// Every attribute path that a rule or signal can read, shadow rules among them, and which one it is. A map that is read by a
    /// computed key is its own path.
    pub fn reads(&self) -> BTreeSet<(&[Box<str>], Reader<'_>)> {
        let of_rules = self.bound().flat_map(|bound| {
            let reader = Reader::Rule(&bound.rule.id);
            bound.reads().map(move |path| (path, reader))
        });
        let of_signals = self.signals().flat_map(|signal| {
            let reader = Reader::Signal(&signal.id);
            signal.reads().map(move |path| (path, reader))
        });
        of_rules.chain(of_signals).collect()
    }

    /// Whether a rule or signal asks for the workload that calls.
    pub fn demands_workload(&self) -> bool {
        self.bound().any(Bound::asks_workload) || self.signals().any(Signal::asks_workload)
    }

    /// Whether a rule can only be met with a client certificate.
    pub fn demands_certificate(&self) -> bool {
        let mut required = self.bound().flat_map(|bound| &bound.rule.require);
        required.any(Requirement::is_of_certificate)
    }

    /// Whether a rule can let a request of this action through with a token of our own. Such a token speaks of the
    /// arguments, so they have to be known, whatever the rules themselves read.
    pub fn demands_token(&self, action: &Action) -> bool {
        self.rules_of(action)
            .is_some_and(|rules| rules.demands_token)
    }

    /// Whether any rule does so.
    pub fn demands_tokens(&self) -> bool {
        let mut enforced = self.bound().filter(|bound| !bound.rule.shadow);
        enforced.any(Bound::demands_token)
    }

    /// Whether a rule of this action asks for an approval of the arguments or the body, so that they have to be known.
    pub fn binds_content(&self, action: &Action) -> bool {
        self.rules_of(action).is_some_and(|rules| {
            let mut enforced = rules.each().filter(|bound| !bound.rule.shadow);
            enforced.any(Bound::binds_content)
        })
    }

    /// What these rules of an action demand of an approval as they are now; none if none of them does any more. For those who ask
    /// whether somebody has a vote, without a call at hand.
    pub fn approval(&self, action: (&RouteId, &ActionId), rules: &[RuleId]) -> Option<Demand> {
        let guards = self.rules_for(action)?.guards.rules().iter();
        let asked = guards.filter(|bound| !bound.rule.shadow && rules.contains(&bound.rule.id));
        let wanted = asked.flat_map(|bound| bound.rule.approvals().map(|it| (&bound.rule.id, it)));
        Demand::of(wanted)
    }

    /// Whether an enforced rule asks for an approval of the arguments or the body of any action.
    pub fn binds_any_content(&self) -> bool {
        let mut enforced = self.bound().filter(|bound| !bound.rule.shadow);
        enforced.any(Bound::binds_content)
    }

    /// Whether any rule asks for an approval.
    pub fn demands_approvals(&self) -> bool {
        let mut enforced = self.bound().filter(|bound| !bound.rule.shadow);
        enforced.any(|bound| bound.rule.approvals().next().is_some())
    }

    /// Every request header that a rule removes.
    pub fn stripped_headers(&self) -> BTreeSet<&Arc<str>> {
        let constraints = self.bound().filter_map(|bound| bound.constrain.as_ref());
        constraints.flat_map(|constrain| &constrain.strip).collect()
    }
}
