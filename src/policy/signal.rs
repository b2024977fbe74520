//! Signals of risk: what makes a request more dangerous than its action alone is.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::bound::query_names;
use super::catalog::{Catalog, Schemas};
use super::compile::{Findings, OnActions, Source};
use super::language::Language;
use super::selector::Selector;
use super::spec::SignalSpec;
use crate::expression::Condition;
use crate::model::facts::Facts;
use crate::model::finding::Finding;
use crate::model::name::{ActionId, RouteId, SignalId};
use crate::model::risk::{MAX_SCORE, Said, Weighed};
use crate::model::schema::RISK;

/// A signal on an action.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub(super) id: SignalId,
    points: u8,
    when: Condition,
}

impl Signal {
    /// Compiles the condition against what an action has. A signal sees what a guard sees, but not what signals add up to.
    fn compile(
        id: &SignalId,
        points: u8,
        spec: &SignalSpec,
        language: &Language,
    ) -> Result<Self, Vec<Finding>> {
        let when = language.condition(&spec.when).map_err(|errors| {
            let findings = errors.into_iter();
            findings
                .map(|error| error.into_finding().under("when"))
                .collect::<Vec<_>>()
        })?;
        // What is only tested for is not read, so the expression has to make sense without it.
        let mentioned = spec.when.contains(RISK);
        if mentioned && Condition::compile(&spec.when, &language.schema().without(RISK)).is_err() {
            let finding = Finding::error("risk-of-itself", "a signal cannot read `risk`");
            let help = "the score is made of the signals: write what this one looks for in full";
            return Err(vec![finding.help(help).under("when")]);
        }
        Ok(Self {
            id: id.clone(),
            points,
            when,
        })
    }

    /// What it says about a call. A condition that cannot be evaluated adds its points: not knowing makes nothing safer.
    pub(super) fn weigh(&self, facts: &Facts<'_>) -> Weighed {
        let said = match self.when.evaluate(facts) {
            Ok(true) => Said::Holds,
            Ok(false) => Said::Not,
            Err(error) => Said::Failed(error.to_string()),
        };
        Weighed {
            id: self.id.clone(),
            points: self.points,
            said,
        }
    }

    /// Every attribute path that it can read.
    pub(super) fn reads(&self) -> impl Iterator<Item = &[Box<str>]> {
        self.when.reads().iter().map(AsRef::as_ref)
    }

    /// The query parameters that it can read; `None` if it can read any.
    pub(super) fn query_reads(&self) -> Option<Vec<Arc<str>>> {
        query_names(self.reads())
    }

    /// Whether it asks which workload calls.
    pub(super) fn asks_workload(&self) -> bool {
        self.reads().any(|path| starts(path, "workload"))
    }
}

fn starts(path: &[Box<str>], root: &str) -> bool {
    path.first().is_some_and(|first| first.as_ref() == root)
}

/// The signals of each action, in the order of their ids.
pub(super) type BoundSignals<'a> = HashMap<(&'a RouteId, &'a ActionId), Vec<Signal>>;

/// Compiles every signal on every action that it covers; every mistake is reported.
pub(super) fn bind<'a>(
    written: &[(SignalId, SignalSpec)],
    catalog: &Catalog<'a>,
    schemas: &mut Schemas<'_, 'a>,
    findings: &mut Findings,
) -> BoundSignals<'a> {
    let mut bound: BoundSignals<'a> = HashMap::new();
    let mut order: Vec<usize> = (0..written.len()).collect();
    order.sort_by_key(|index| written.get(*index).map(|(id, _)| id));
    for index in order {
        let Some((id, spec)) = written.get(index) else {
            continue;
        };
        let mut report = |wrong: Vec<Finding>| {
            findings.extend(wrong.into_iter().map(|f| (Source::Signal(index), f)));
        };
        let (points, selector) = match (points(spec), selector(spec, catalog)) {
            (Ok(points), Ok(selector)) => (points, selector),
            (points, selector) => {
                report(points.err().into_iter().collect());
                report(selector.err().unwrap_or_default());
                continue;
            }
        };
        let mut wrong = Misfits::default();
        for action in catalog.covered(&selector) {
            let language = &schemas.of(action).plain;
            match Signal::compile(id, points, spec, language) {
                Ok(signal) => {
                    let signals = bound.entry((&action.route, &action.id)).or_default();
                    signals.push(signal);
                    wrong.fits = true;
                }
                Err(findings) => wrong.on.add(action, findings),
            }
        }
        report(wrong.findings(spec));
    }
    bound
}

/// What is wrong with a signal on the actions that it covers.
#[derive(Default)]
struct Misfits {
    on: OnActions,
    /// Whether there is an action on which nothing is wrong.
    fits: bool,
}

impl Misfits {
    /// Each mistake at the first action that it shows on. What is right somewhere only has to cover less.
    fn findings(self, spec: &SignalSpec) -> Vec<Finding> {
        let help = match (self.fits, &spec.on) {
            (false, _) => return self.on.0,
            (true, Some(_)) => "let `on:` name only actions that have it",
            (true, None) => "it covers every action: add `on:` with those that have it",
        };
        let mut places = BTreeSet::new();
        let firsts = self.on.0.into_iter();
        firsts
            .filter(|finding| places.insert((finding.path.clone(), finding.offset)))
            .map(|finding| {
                let help = match &finding.help {
                    Some(other) => format!("{other}; or {help}"),
                    None => help.to_owned(),
                };
                finding.help(help)
            })
            .collect()
    }
}

fn points(spec: &SignalSpec) -> Result<u8, Finding> {
    let points = u8::try_from(spec.add).ok();
    points
        .filter(|points| (1..=MAX_SCORE).contains(points))
        .ok_or_else(|| {
            let message = format!("a signal adds 1 to {MAX_SCORE} points");
            let help = format!("a score is the sum of all signals that hold, at most {MAX_SCORE}");
            Finding::error("invalid-points", message)
                .help(help)
                .under("add")
        })
}

fn selector(spec: &SignalSpec, catalog: &Catalog<'_>) -> Result<Selector, Vec<Finding>> {
    let Some(on) = &spec.on else {
        return Ok(Selector::everything());
    };
    Selector::compile(on, catalog)
        .map_err(|wrong| wrong.into_iter().map(|f| f.under("on")).collect())
}
