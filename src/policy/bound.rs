//! A rule bound to one action: its conditions compiled against what that action has.

use std::sync::Arc;

use super::catalog::Readable;
use super::constrain::Constrain;
use super::requirement::Requirement;
use super::rule::{Draft, Rule};
use super::token::Site;
use super::trace::{Effect, Outcome};
use crate::expression::{Condition, Expression};
use crate::model::facts::Facts;
use crate::model::finding::Finding;
use crate::model::party::Party;
use crate::model::schema::RISK;

/// A rule on an action.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) rule: Arc<Rule>,
    when: Option<Condition>,
    unless: Option<Condition>,
    pub(super) must: Option<Condition>,
    /// On the heap, since few rules have any.
    pub(super) constrain: Option<Box<Constrain>>,
}

/// Whether a rule covers a call.
#[derive(Debug)]
pub(super) enum Coverage {
    No(Outcome),
    Yes,
    /// Its conditions could not be evaluated.
    Failed(String),
}

impl Bound {
    /// Compiles the rule's conditions. Permits and forbids see `party`, guards do not.
    pub(super) fn compile(
        Draft { rule, spec, .. }: &Draft<'_, '_>,
        readable: &Readable,
        site: &Site<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let language = match rule.effect {
            Effect::Guard => &readable.plain,
            Effect::Permit | Effect::Forbid => &readable.with_party,
        };
        let mut findings = Vec::new();
        let mut condition = |source: Option<&String>, key: &'static str| {
            let compiled = language.condition(source?);
            compiled
                .map_err(|errors| {
                    findings.extend(errors.into_iter().map(|e| e.into_finding().under(key)));
                })
                .ok()
        };
        let when = condition(spec.when.as_ref(), "when");
        let unless = condition(spec.unless.as_ref(), "unless");
        let must = condition(spec.must.as_ref(), "must");
        let constrain = spec.constrain.as_ref().and_then(|spec| {
            let compiled = Constrain::compile(spec, language, site);
            compiled
                .map_err(|wrong| findings.extend(wrong.into_iter().map(|f| f.under("constrain"))))
                .ok()
        });
        for (index, requirement) in rule.require.iter().enumerate() {
            let wrong = requirement.check_on(site.action).into_iter();
            findings.extend(wrong.map(|it| it.under(index).under("require")));
        }
        if findings.is_empty() {
            Ok(Self {
                rule: Arc::clone(rule),
                when,
                unless,
                must,
                constrain: constrain.map(Box::new),
            })
        } else {
            Err(findings)
        }
    }

    /// Whether the rule covers the call, seen for `party`; `facts` are that party's for permits and forbids.
    pub(super) fn covers(&self, party: Option<&Party>, facts: &Facts<'_>) -> Coverage {
        if let (Some(to), Some(party)) = (&self.rule.to, party)
            && let Some(attribute) = to.mismatch(party)
        {
            return Coverage::No(Outcome::OtherParty(attribute));
        }
        self.holds(facts)
    }

    /// Strict and from left to right, like the conditions themselves: `when` first, and an error ends it.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Coverage {
        match self.when.as_ref().map(|when| when.evaluate(facts)) {
            Some(Err(error)) => return Coverage::Failed(format!("`when`: {error}")),
            Some(Ok(false)) => return Coverage::No(Outcome::WhenFalse),
            Some(Ok(true)) | None => {}
        }
        match self.unless.as_ref().map(|unless| unless.evaluate(facts)) {
            Some(Err(error)) => Coverage::Failed(format!("`unless`: {error}")),
            Some(Ok(true)) => Coverage::No(Outcome::UnlessTrue),
            Some(Ok(false)) | None => Coverage::Yes,
        }
    }

    /// Whether the rule asks which workload calls.
    pub(super) fn asks_workload(&self) -> bool {
        let mut reads = self.reads();
        self.rule.require.iter().any(Requirement::mentions_workload)
            || reads.any(|path| path.first().is_some_and(|root| root.as_ref() == "workload"))
    }

    /// Whether the rule reads what signals add up to.
    pub(super) fn reads_risk(&self) -> bool {
        let mut reads = self.reads();
        reads.any(|path| path.first().is_some_and(|root| root.as_ref() == RISK))
    }

    /// Whether it lets requests through with a token of our own.
    pub(super) fn demands_token(&self) -> bool {
        let mut constrain = self.constrain.iter();
        constrain.any(|constrain| constrain.token.is_some())
    }

    /// Whether it can let requests through only once somebody has approved their arguments or their body.
    pub(super) fn binds_content(&self) -> bool {
        let mut approvals = self.rule.approvals();
        approvals.any(|wanted| wanted.bind.takes_content())
    }

    /// Every attribute path that its conditions and values can read.
    pub(super) fn reads(&self) -> impl Iterator<Item = &[Box<str>]> {
        let computed = self.constrain.iter().flat_map(|it| it.expressions());
        self.conditions()
            .flat_map(Condition::reads)
            .chain(computed.flat_map(Expression::reads))
            .map(AsRef::as_ref)
    }

    /// Whether anything of it is computed, and not only compared.
    pub(super) fn computes(&self) -> bool {
        let mut values = self.constrain.iter().flat_map(|it| it.expressions());
        self.conditions().next().is_some() || values.next().is_some()
    }

    /// Whether what is read can depend on what is read.
    pub(super) fn has_computed_key(&self) -> bool {
        let mut values = self.constrain.iter().flat_map(|it| it.expressions());
        let mut conditions = self.conditions();
        conditions.any(Condition::has_computed_key) || values.any(Expression::has_computed_key)
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let conditions = [&self.when, &self.unless, &self.must];
        conditions.into_iter().flatten()
    }

    /// The query parameters that the rule can read; `None` if it can read any.
    pub(super) fn query_reads(&self) -> Option<Vec<Arc<str>>> {
        let mut names = query_names(self.reads())?;
        let changed = self.constrain.iter().flat_map(|it| it.query_names());
        names.extend(changed.cloned());
        let bound = self
            .rule
            .approvals()
            .flat_map(|wanted| wanted.bind.query_names());
        names.extend(bound.map(Arc::from));
        Some(names)
    }
}

/// The query parameters among what is read; `None` if any can be.
pub(super) fn query_names<'a>(
    reads: impl Iterator<Item = &'a [Box<str>]>,
) -> Option<Vec<Arc<str>>> {
    let mut names = Vec::new();
    for path in reads {
        match path.split_first() {
            Some((root, [])) if root.as_ref() == "query" => return None,
            Some((root, [name, ..])) if root.as_ref() == "query" => {
                names.push(Arc::from(name.as_ref()));
            }
            _ => {}
        }
    }
    Some(names)
}
