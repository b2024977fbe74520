//! From rules as written to a policy that can be evaluated. Every mistake in every rule is reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::bound::Bound;
use super::evaluate::{Call, Mode, Run};
use super::index::{Index, Scan};
use super::lint;
use super::rule::Rule;
use super::selector::Selector;
use super::spec::RuleSpec;
use super::token::Site;
use super::trace::{Effect, Trace};
use crate::model::finding::Finding;
use crate::model::name::{ActionId, ConditionName, ProviderName, RouteId, RuleId};
use crate::model::reason::{FaultCode, Reason};
use crate::model::route::{Action, Route};
use crate::model::schema::{self, ClaimDeclarations, Schema};
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
    /// An action of the catalogue.
    Action(RouteId, ActionId),
}

/// The catalogue as selectors see it.
pub(super) struct Catalog<'a> {
    pub(super) actions: Vec<&'a Action>,
    by_id: HashMap<&'a str, Vec<&'a Action>>,
    routes: HashMap<&'a RouteId, &'a Route>,
    pub(super) declared: &'a BTreeMap<ProviderName, ClaimDeclarations>,
}

impl<'a> Catalog<'a> {
    fn new(context: &Context<'a>) -> Self {
        let actions: Vec<&Action> = context
            .routes
            .iter()
            .flat_map(|route| &route.actions)
            .map(AsRef::as_ref)
            .collect();
        let mut by_id: HashMap<&str, Vec<&Action>> = HashMap::new();
        for action in &actions {
            by_id.entry(action.id.as_str()).or_default().push(action);
        }
        let routes = context
            .routes
            .iter()
            .map(|route| (&route.id, *route))
            .collect();
        Self {
            actions,
            by_id,
            routes,
            declared: context.providers,
        }
    }

    pub(super) fn has_action(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Whether there is a route of this name, and which.
    pub(super) fn route(&self, name: &str) -> Option<&'a RouteId> {
        let id = RouteId::new(name).ok()?;
        self.routes.get_key_value(&id).map(|(id, _)| *id)
    }

    /// Every route.
    pub(super) fn route_names(&self) -> impl Iterator<Item = &'a str> {
        self.routes.keys().map(|id| id.as_str())
    }

    /// The actions that a selector covers. One that names its actions or routes does not look at all the others, so
    /// that a large policy on a large catalogue loads in linear time.
    pub(super) fn covered(&self, selector: &Selector) -> Vec<&'a Action> {
        let candidates: Vec<&Action> = match (selector.literal_ids(), selector.route_ids()) {
            (Some(ids), _) => ids
                .iter()
                .filter_map(|id| self.by_id.get(*id))
                .flatten()
                .copied()
                .collect(),
            (None, Some(routes)) => routes
                .iter()
                .filter_map(|id| self.routes.get(*id))
                .flat_map(|route| &route.actions)
                .map(AsRef::as_ref)
                .collect(),
            (None, None) => self.actions.clone(),
        };
        candidates
            .into_iter()
            .filter(|action| selector.covers(action))
            .collect()
    }

    pub(super) fn providers_of(&self, route: &RouteId) -> Option<&'a [ProviderName]> {
        self.routes
            .get(route)
            .map(|route| route.providers.as_slice())
    }
}

/// The compiled rules of one action.
#[derive(Debug, Default)]
pub(super) struct ActionRules {
    pub(super) forbids: Index,
    pub(super) permits: Index,
    pub(super) guards: Index,
    has_shadow: bool,
    /// Whether a request can be let through with a token of our own.
    pub(super) demands_token: bool,
    /// Query parameters that its rules read; none: any.
    query_reads: Option<BTreeSet<Arc<str>>>,
}

impl ActionRules {
    pub(super) fn each(&self) -> impl Iterator<Item = &Bound> {
        [&self.forbids, &self.permits, &self.guards]
            .into_iter()
            .flat_map(Index::rules)
    }
}

/// A policy that can be evaluated. Immutable; an action that no rule covers is never permitted.
#[derive(Debug, Default)]
pub struct Policy {
    actions: HashMap<RouteId, HashMap<ActionId, ActionRules>>,
    settable: BTreeSet<Arc<str>>,
    rules: usize,
}

impl Policy {
    /// The verdict of all enforced rules on a call of `call.facts.asked`.
    pub fn evaluate(&self, call: &Call<'_>) -> Verdict {
        self.run(call, Mode::Enforced, Scan::Indexed, None)
    }

    /// The same evaluation with the trace of every rule that covers the action.
    pub fn explain(&self, call: &Call<'_>) -> (Verdict, Trace) {
        let mut trace = Trace::default();
        let verdict = self.run(call, Mode::Enforced, Scan::Linear, Some(&mut trace));
        (verdict, trace)
    }

    /// The evaluation in full: which rules are asked, how they are found, and where the trace goes.
    pub fn run(
        &self,
        call: &Call<'_>,
        mode: Mode,
        scan: Scan,
        trace: Option<&mut Trace>,
    ) -> Verdict {
        match self.rules_of(&call.facts.asked.action) {
            Some(rules) => Run::new(rules, call, mode, scan, trace).verdict(),
            None => Verdict::Fault(Fault::new(
                FaultCode::Internal,
                "the action is not part of this policy",
            )),
        }
    }

    pub(super) fn rules_of(&self, action: &Action) -> Option<&ActionRules> {
        self.actions.get(&action.route)?.get(&action.id)
    }

    /// Whether shadow rules cover the action.
    pub fn has_shadow(&self, action: &Action) -> bool {
        self.rules_of(action).is_some_and(|rules| rules.has_shadow)
    }

    /// Refuses a request that repeats a query parameter which a rule of the action reads.
    pub fn check_query(&self, call: &Call<'_>) -> Result<(), Denial> {
        let reads = self
            .rules_of(&call.facts.asked.action)
            .and_then(|rules| rules.query_reads.as_ref());
        let repeated = call
            .facts
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

/// Compiles `rules`; on success the findings are warnings.
pub fn compile(rules: &[RuleSpec], context: &Context<'_>) -> Result<(Policy, Findings), Findings> {
    let catalog = Catalog::new(context);
    let mut findings = Findings::new();
    let mut compiled: Vec<(usize, Arc<Rule>)> = Vec::new();
    let mut ids: HashMap<RuleId, usize> = HashMap::new();
    for (index, spec) in rules.iter().enumerate() {
        match Rule::compile(spec, &catalog) {
            Ok(rule) => {
                if ids.insert(rule.id.clone(), index).is_some() {
                    let finding = Finding::error(
                        "duplicate-rule",
                        format!("there are two rules `{}`", rule.id),
                    );
                    findings.push((
                        Source::Rule(index),
                        finding.help("ids are unique across all files").under("id"),
                    ));
                }
                compiled.push((index, Arc::new(rule)));
            }
            Err(wrong) => findings.extend(
                wrong
                    .into_iter()
                    .map(|finding| (Source::Rule(index), finding)),
            ),
        }
    }
    compiled.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    let bound = bind(&compiled, &catalog, context, &mut findings);
    let policy = assemble(bound, context, rules.len());
    if findings.is_empty() {
        lint::conflicts(&policy.actions, &ids, &mut findings);
        lint::crowded(&compiled, &mut findings);
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut warnings = lint::warnings(&compiled, &catalog, &policy.actions);
    if !context.workloads {
        lint::unknown_workloads(&policy.actions, &ids, &mut warnings);
    }
    Ok((policy, warnings))
}

type BoundRules<'a> = HashMap<(&'a RouteId, &'a ActionId), Vec<Bound>>;

/// Binds every rule to every action that it covers; the same mistake on several actions is reported once.
fn bind<'a>(
    rules: &[(usize, Arc<Rule>)],
    catalog: &Catalog<'a>,
    context: &Context<'_>,
    findings: &mut Findings,
) -> BoundRules<'a> {
    let mut schemas: HashMap<(&RouteId, &ActionId), (Schema, Schema)> = HashMap::new();
    let mut bound: BoundRules<'a> = HashMap::new();
    for (index, rule) in rules {
        let mut seen = BTreeSet::new();
        for action in catalog.covered(&rule.selector) {
            let key = (&action.route, &action.id);
            let (plain, with_party) = schemas
                .entry(key)
                .or_insert_with(|| schemas_of(action, catalog, context));
            let site = Site {
                action,
                route: catalog.routes.get(&action.route).copied(),
                header: context.token_header,
            };
            match Bound::compile(rule, plain, with_party, &site) {
                Ok(item) => bound.entry(key).or_default().push(item),
                Err(wrong) => {
                    for finding in wrong {
                        if seen.insert((
                            finding.path.clone(),
                            finding.offset,
                            finding.message.clone(),
                        )) {
                            let message = format!(
                                "{} (on action `{}` of route `{}`)",
                                finding.message, action.id, action.route
                            );
                            findings.push((Source::Rule(*index), Finding { message, ..finding }));
                        }
                    }
                }
            }
        }
    }
    bound
}

fn schemas_of(action: &Action, catalog: &Catalog<'_>, context: &Context<'_>) -> (Schema, Schema) {
    let names = catalog.providers_of(&action.route).unwrap_or_default();
    let claims: Vec<&ClaimDeclarations> = names
        .iter()
        .filter_map(|name| context.providers.get(name))
        .collect();
    let schema = |party| {
        schema::of_rules(
            action,
            &claims,
            context.conditions,
            context.trusted_metadata,
            party,
        )
    };
    (schema(false), schema(true))
}

fn assemble<'a>(mut bound: BoundRules<'a>, context: &Context<'a>, rules: usize) -> Policy {
    let mut policy = Policy {
        rules,
        ..Policy::default()
    };
    for action in context.routes.iter().flat_map(|route| &route.actions) {
        let items = bound
            .remove(&(&action.route, &action.id))
            .unwrap_or_default();
        let headers = items
            .iter()
            .filter(|item| !item.rule.shadow)
            .filter_map(|item| item.constrain.as_ref())
            .flat_map(|c| &c.headers);
        policy
            .settable
            .extend(headers.map(|(name, _)| Arc::clone(name)));
        let rules = action_rules(items);
        policy
            .actions
            .entry(action.route.clone())
            .or_default()
            .insert(action.id.clone(), rules);
    }
    policy
}

fn action_rules(items: Vec<Bound>) -> ActionRules {
    let has_shadow = items.iter().any(|item| item.rule.shadow);
    let enforced = items.iter().filter(|item| !item.rule.shadow);
    let demands_token = enforced.clone().any(Bound::demands_token);
    let reads: Option<Vec<Vec<Arc<str>>>> = enforced.map(Bound::query_reads).collect();
    let query_reads = reads.map(|lists| lists.into_iter().flatten().collect());
    let mut by_effect: BTreeMap<Effect, Vec<Bound>> = BTreeMap::new();
    for item in items {
        by_effect.entry(item.rule.effect).or_default().push(item);
    }
    let mut take = |effect| Index::build(by_effect.remove(&effect).unwrap_or_default());
    ActionRules {
        forbids: take(Effect::Forbid),
        permits: take(Effect::Permit),
        guards: take(Effect::Guard),
        has_shadow,
        demands_token,
        query_reads,
    }
}
