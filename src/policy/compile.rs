//! From rules as written to a policy that can be evaluated. Every mistake in every rule is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::action_rules::ActionRules;
use super::approval::{self, Ruling};
use super::bound::Bound;
use super::catalog::{Catalog, Schemas};
use super::evaluate::{Call, Mode, Run};
use super::index::Scan;
use super::key::Caching;
use super::lint;
use super::rule::Draft;
use super::signal::{self, BoundSignals, Signal};
use super::spec::{RuleSpec, SignalSpec};
use super::token::Site;
use super::trace::Trace;
use crate::model::facts::Facts;
use crate::model::finding::{Finding, Step};
use crate::model::name::{ActionId, ConditionName, ProviderName, RouteId, RuleId, SignalId};
use crate::model::reason::{FaultCode, Reason};
use crate::model::risk::Risk;
use crate::model::route::{Action, Route};
use crate::model::schema::ClaimDeclarations;
use crate::model::verdict::{Denial, Fault, Verdict};

/// What rules are compiled against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Every route.
    pub routes: &'a [&'a Route],
    /// The claims that every provider declares.
    pub providers: &'a BTreeMap<ProviderName, ClaimDeclarations>,
    /// Whether any provider makes workloads known.
    pub workloads: bool,
    /// Declared conditions.
    pub conditions: &'a [ConditionName],
    /// Namespaces of Envoy's metadata that rules may read.
    pub trusted_metadata: &'a [Arc<str>],
    /// The request header of minted tokens; none if none can be minted.
    pub token_header: Option<&'a str>,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The rule with this index in what was compiled.
    Rule(usize),
    /// The signal with this index in what was compiled.
    Signal(usize),
    /// An action of the catalogue.
    Action(RouteId, ActionId),
}

/// A policy that can be evaluated. Immutable; an action that no rule covers is never permitted.
#[derive(Debug, Default)]
pub struct Policy {
    pub(super) actions: HashMap<RouteId, HashMap<ActionId, ActionRules>>,
    settable: BTreeSet<Arc<str>>,
    rules: usize,
    /// How many actions have a key.
    pub(super) keys: u32,
}

impl Policy {
    /// The verdict of all enforced rules on a call of `call.facts.asked`.
    pub fn evaluate(&self, call: &Call<'_>) -> Verdict {
        self.run(call, Mode::Enforced, Scan::Indexed, None)
            .unopened()
    }

    /// The same evaluation with the trace of every rule that covers the action.
    pub fn explain(&self, call: &Call<'_>) -> (Verdict, Trace) {
        let mut trace = Trace::default();
        let verdict = self.run(call, Mode::Enforced, Scan::Linear, Some(&mut trace));
        (verdict.unopened(), trace)
    }

    /// The evaluation in full: which rules are asked, how they are found, and where the trace goes.
    pub fn run(
        &self,
        call: &Call<'_>,
        mode: Mode,
        scan: Scan,
        trace: Option<&mut Trace>,
    ) -> Ruling {
        match self.rules_of(&call.facts.asked.action) {
            Some(rules) => Run::new(rules, call, mode, scan, trace).ruling(),
            None => Ruling::Decided(Verdict::Fault(Fault::new(
                FaultCode::Internal,
                "the action is not part of this policy",
            ))),
        }
    }

    pub(super) fn rules_of(&self, action: &Action) -> Option<&ActionRules> {
        self.rules_for((&action.route, &action.id))
    }

    pub(super) fn rules_for(&self, (route, action): (&RouteId, &ActionId)) -> Option<&ActionRules> {
        self.actions.get(route)?.get(action)
    }

    /// Whether shadow rules cover the action.
    pub fn has_shadow(&self, action: &Action) -> bool {
        self.rules_of(action).is_some_and(|rules| rules.has_shadow)
    }

    /// What the signals of the action say about a call, seen as a guard sees it; none if it has no signals.
    pub fn risk(&self, facts: &Facts<'_>) -> Option<Risk> {
        let signals = &self.rules_of(&facts.asked.action)?.signals;
        (!signals.is_empty()).then(|| Risk {
            signals: signals.iter().map(|signal| signal.weigh(facts)).collect(),
        })
    }

    /// Refuses a request that repeats a query parameter which a rule or signal of the action reads.
    pub fn check_query(&self, facts: &Facts<'_>) -> Result<(), Denial> {
        let reads = self
            .rules_of(&facts.asked.action)
            .and_then(|rules| rules.query_reads.as_ref());
        let repeated = facts
            .request
            .query
            .repeated(|name| reads.is_none_or(|names| names.contains(name)));
        match repeated {
            Some(name) => Err(Denial::new(Reason::QueryRepeated)
                .because(format!("query parameter `{name}` is repeated"))),
            None => Ok(()),
        }
    }

    /// Every request header that a rule can set: a client's own is removed wherever it is not set.
    pub const fn settable_headers(&self) -> &BTreeSet<Arc<str>> {
        &self.settable
    }

    /// The rules that are enforced, in order.
    pub fn rule_ids(&self) -> BTreeSet<RuleId> {
        self.bound()
            .filter(|bound| !bound.rule.shadow)
            .map(|bound| bound.rule.id.clone())
            .collect()
    }

    /// Every rule on every action that it covers.
    pub(super) fn bound(&self) -> impl Iterator<Item = &Bound> {
        let actions = self.actions.values().flat_map(HashMap::values);
        actions.flat_map(ActionRules::each)
    }

    /// Every signal on every action that it covers.
    pub(super) fn signals(&self) -> impl Iterator<Item = &Signal> {
        let actions = self.actions.values().flat_map(HashMap::values);
        actions.flat_map(|rules| &rules.signals)
    }

    /// Number of rules.
    pub const fn len(&self) -> usize {
        self.rules
    }

    /// Whether there is no rule.
    pub const fn is_empty(&self) -> bool {
        self.rules == 0
    }
}

/// What compiling found, each with what it is about.
pub(super) type Findings = Vec<(Source, Finding)>;

/// Compiles rules and signals; on success the findings are warnings.
pub fn compile(
    rules: &[RuleSpec],
    signals: &[(SignalId, SignalSpec)],
    context: &Context<'_>,
) -> Result<(Policy, Findings), Findings> {
    let catalog = Catalog::new(context);
    let mut findings = Findings::new();
    let mut compiled: Vec<(usize, Draft<'_, '_>)> = Vec::with_capacity(rules.len());
    let mut ids: HashMap<RuleId, usize> = HashMap::new();
    for (index, spec) in rules.iter().enumerate() {
        match Draft::compile(spec, &catalog) {
            Ok(draft) => {
                let id = &draft.rule.id;
                if ids.insert(id.clone(), index).is_some() {
                    let finding =
                        Finding::error("duplicate-rule", format!("there are two rules `{id}`"));
                    findings.push((
                        Source::Rule(index),
                        finding.help("ids are unique across all files").under("id"),
                    ));
                }
                compiled.push((index, draft));
            }
            Err(wrong) => findings.extend(
                wrong
                    .into_iter()
                    .map(|finding| (Source::Rule(index), finding)),
            ),
        }
    }
    compiled.sort_by(|(_, a), (_, b)| a.rule.id.cmp(&b.rule.id));
    let mut schemas = Schemas::new(&catalog, context);
    let header = context.token_header;
    let bound = bind(&compiled, &catalog, &mut schemas, header, &mut findings);
    let weighed = signal::bind(signals, &catalog, &mut schemas, &mut findings);
    let policy = assemble(bound, weighed, context, rules.len());
    if findings.is_empty() {
        lint::conflicts(&policy.actions, &ids, &mut findings);
        approval::lint::conflicts(&policy.actions, &ids, &mut findings);
        lint::crowded(&compiled, &mut findings);
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut warnings = lint::warnings(&compiled, &catalog, &policy.actions);
    approval::lint::warnings(&compiled, &catalog, &policy.actions, &mut warnings);
    lint::always_zero(&policy.actions, &catalog, &ids, &mut warnings);
    if !context.workloads {
        lint::unknown_workloads(&policy.actions, &ids, &mut warnings);
        lint::signals_of_workloads(&policy, signals, &mut warnings);
    }
    Ok((policy, warnings))
}

type BoundRules<'a> = HashMap<(&'a RouteId, &'a ActionId), Vec<Bound>>;

/// Mistakes that show on an action; the same one on several actions is reported once.
#[derive(Default)]
pub(super) struct OnActions(pub(super) Vec<Finding>, BTreeSet<Mistake>);

type Mistake = (Vec<Step>, Option<usize>, String);

impl OnActions {
    pub(super) fn add(&mut self, action: &Action, findings: Vec<Finding>) {
        for finding in findings {
            let (path, offset) = (finding.path.clone(), finding.offset);
            if self.1.insert((path, offset, finding.message.clone())) {
                let message = format!(
                    "{} (on action `{}` of route `{}`)",
                    finding.message, action.id, action.route
                );
                self.0.push(Finding { message, ..finding });
            }
        }
    }
}

/// Binds every rule to every action that it covers.
fn bind<'a>(
    rules: &[(usize, Draft<'_, 'a>)],
    catalog: &Catalog<'a>,
    schemas: &mut Schemas<'_, 'a>,
    header: Option<&str>,
    findings: &mut Findings,
) -> BoundRules<'a> {
    let mut bound: BoundRules<'a> = HashMap::new();
    for (index, draft) in rules {
        let mut wrong = OnActions::default();
        for &action in &draft.covered {
            let key = (&action.route, &action.id);
            let readable = schemas.of(action);
            let site = Site {
                action,
                route: catalog.get(&action.route),
                header,
            };
            match Bound::compile(draft, &readable, &site) {
                Ok(item) => bound.entry(key).or_default().push(item),
                Err(findings) => wrong.add(action, findings),
            }
        }
        findings.extend(wrong.0.into_iter().map(|f| (Source::Rule(*index), f)));
    }
    bound
}

fn assemble<'a>(
    mut bound: BoundRules<'a>,
    mut weighed: BoundSignals<'a>,
    context: &Context<'a>,
    rules: usize,
) -> Policy {
    let mut policy = Policy {
        rules,
        ..Policy::default()
    };
    let actions = context.routes.iter().flat_map(|route| {
        let actions = route.actions.iter();
        actions.map(|action| (action, route.tenant.as_ref()))
    });
    for (action, tenant) in actions {
        let key = (&action.route, &action.id);
        let items = bound.remove(&key).unwrap_or_default();
        let signals = weighed.remove(&key).unwrap_or_default();
        let headers = items
            .iter()
            .filter(|item| !item.rule.shadow)
            .filter_map(|item| item.constrain.as_deref())
            .flat_map(|c| &c.headers);
        policy
            .settable
            .extend(headers.map(|(name, _)| Arc::clone(name)));
        let rules = ActionRules::of(items, signals, tenant.cloned(), action, policy.keys);
        policy.keys += u32::from(matches!(rules.caching, Caching::By(_)));
        policy
            .actions
            .entry(action.route.clone())
            .or_default()
            .insert(action.id.clone(), rules);
    }
    policy
}
