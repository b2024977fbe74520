//! What `check` says about a policy that loads: rules that can never match, actions that nobody permits. And the
//! one conflict that can be seen at load: two guards that always set one header to different values.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _};

use super::action_rules::ActionRules;
use super::catalog::Catalog;
use super::compile::{Findings, Policy, Source};
use super::matcher::Providers;
use super::rule::Draft;
use super::spec::SignalSpec;
use super::trace::Effect;
use crate::model::finding::Finding;
use crate::model::name::{ActionId, RouteId, RuleId, SignalId};

type Actions = HashMap<RouteId, HashMap<ActionId, ActionRules>>;

/// Most headers that all rules together set, and most that they remove. Every one that is not set is removed in up to
/// three spellings, and one answer carries at most a hundred removals.
const MAX_HEADERS: usize = 32;

/// Guards that apply to every call of an action and do different things to one header, parameter or metadata key.
pub(super) fn conflicts(actions: &Actions, ids: &HashMap<RuleId, usize>, findings: &mut Findings) {
    for rules in actions.values().flat_map(HashMap::values) {
        let mut known: HashMap<(&str, &str), (&str, &RuleId)> = HashMap::new();
        let guards = rules.guards.rules().iter();
        for bound in guards.filter(|bound| bound.rule.is_unconditional() && !bound.rule.shadow) {
            for (kind, name, what) in bound.constrain.iter().flat_map(|it| it.fates()) {
                let (before, other) = *known.entry((kind, name)).or_insert((what, &bound.rule.id));
                if before != what
                    && let Some(index) = ids.get(&bound.rule.id)
                {
                    let item = (
                        Source::Rule(*index),
                        conflict(other, &bound.rule.id, kind, name),
                    );
                    if !findings.contains(&item) {
                        findings.push(item);
                    }
                }
            }
        }
    }
}

fn conflict(one: &RuleId, two: &RuleId, kind: &str, name: &str) -> Finding {
    let message = format!("guards `{one}` and `{two}` do different things to {kind} `{name}`");
    let code = if kind == "header" {
        "header-conflict"
    } else {
        "constraint-conflict"
    };
    Finding::error(code, message)
        .help("both apply to every call, so every call would be a fault")
        .under("constrain")
}

/// More headers than one answer can carry, at the rule that has the first too many.
pub(super) fn crowded(rules: &[(usize, Draft<'_, '_>)], findings: &mut Findings) {
    let (mut set, mut stripped) = (BTreeSet::new(), BTreeSet::new());
    for (index, draft) in rules {
        let Some(constrain) = &draft.spec.constrain else {
            continue;
        };
        set.extend(constrain.headers.keys());
        stripped.extend(constrain.strip.items());
        for (key, count) in [("headers", set.len()), ("strip", stripped.len())] {
            if count > MAX_HEADERS {
                let message =
                    format!("all rules together name more than {MAX_HEADERS} headers here");
                let finding = Finding::error("too-many-headers", message)
                    .help("one answer cannot carry more: put several values into one header")
                    .under(key)
                    .under("constrain");
                findings.push((Source::Rule(*index), finding));
                return;
            }
        }
    }
}

/// Rules that can never match, and actions that nobody permits.
pub(super) fn warnings(
    rules: &[(usize, Draft<'_, '_>)],
    catalog: &Catalog<'_>,
    actions: &Actions,
) -> Findings {
    let mut findings = Findings::new();
    let closed = always_forbidden(actions);
    for (index, draft) in rules {
        if let Some(finding) = unreachable(draft, catalog, &closed) {
            findings.push((Source::Rule(*index), finding));
        }
    }
    // What the protocol brings need not be permitted: nobody has written it.
    for action in catalog.actions.iter().filter(|action| !action.builtin) {
        let permitted = actions
            .get(&action.route)
            .and_then(|route| route.get(&action.id))
            .is_some_and(|rules| rules.permits.rules().iter().any(|bound| !bound.rule.shadow));
        if !permitted {
            let finding = Finding::warning(
                "nobody-permits",
                format!("nobody permits action `{}`", action.id),
            )
            .help("add a `permit`, or remove the action: it is denied either way");
            findings.push((
                Source::Action(action.route.clone(), action.id.clone()),
                finding,
            ));
        }
    }
    findings
}

/// Rules that ask which workload calls, where nobody can know: each once, whatever it covers.
pub(super) fn unknown_workloads(
    actions: &Actions,
    ids: &HashMap<RuleId, usize>,
    findings: &mut Findings,
) {
    let bound = actions.values().flat_map(HashMap::values);
    let asking = bound
        .flat_map(ActionRules::each)
        .filter(|it| it.asks_workload());
    let rules: BTreeSet<&RuleId> = asking.map(|bound| &bound.rule.id).collect();
    for (id, index) in rules.into_iter().filter_map(|id| ids.get_key_value(id)) {
        let message = format!("rule `{id}` asks for a workload, and no workload is ever known");
        let finding = Finding::warning("no-workload", message)
            .help("add a provider `mtls: { trust_domains: [example.org] }`");
        findings.push((Source::Rule(*index), finding));
    }
}

/// Signals that ask which workload calls, where nobody can know.
pub(super) fn signals_of_workloads(
    policy: &Policy,
    written: &[(SignalId, SignalSpec)],
    findings: &mut Findings,
) {
    let asking: BTreeSet<&SignalId> = policy
        .signals()
        .filter(|signal| signal.asks_workload())
        .map(|signal| &signal.id)
        .collect();
    for (index, (id, _)) in written.iter().enumerate() {
        if asking.contains(id) {
            let message =
                format!("signal `{id}` asks for a workload, and no workload is ever known");
            let finding = Finding::warning("no-workload", message)
                .help("add a provider `mtls: { trust_domains: [example.org] }`");
            findings.push((Source::Signal(index), finding));
        }
    }
}

/// Rules that read a score on an action without signals, where it says nothing: each once.
pub(super) fn always_zero(
    actions: &Actions,
    catalog: &Catalog<'_>,
    ids: &HashMap<RuleId, usize>,
    findings: &mut Findings,
) {
    let mut vain: BTreeMap<&RuleId, BTreeSet<&str>> = BTreeMap::new();
    // What the protocol itself has is covered by rules that mean something else.
    for action in catalog.actions.iter().filter(|action| !action.builtin) {
        let rules = actions
            .get(&action.route)
            .and_then(|route| route.get(&action.id));
        let unweighed = rules.filter(|rules| rules.signals.is_empty());
        let reading = unweighed.into_iter().flat_map(ActionRules::each);
        for bound in reading.filter(|bound| bound.reads_risk()) {
            let of_rule = vain.entry(&bound.rule.id).or_default();
            of_rule.insert(action.id.as_str());
        }
    }
    for (id, actions) in vain {
        let Some(index) = ids.get(id) else { continue };
        let names: Vec<&str> = actions.iter().copied().take(3).collect();
        let more = actions.len().saturating_sub(names.len());
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "rule `{id}` reads `risk.score`, which is always 0 on `{}`{more}",
            names.join("`, `")
        );
        let finding = Finding::warning("no-signal", message)
            .help("add a signal that covers it under `risk:`, or let the rule cover less");
        findings.push((Source::Rule(*index), finding));
    }
}

/// Actions that a forbid closes to everybody, and the first such forbid: looked for once, not once for every rule.
fn always_forbidden(actions: &Actions) -> HashMap<(&RouteId, &ActionId), &RuleId> {
    let mut closed = HashMap::new();
    for (route, actions) in actions {
        for (action, rules) in actions {
            let mut forbids = rules.forbids.rules().iter();
            let forbid = forbids.find(|bound| bound.rule.is_unconditional() && !bound.rule.shadow);
            closed.extend(forbid.map(|bound| ((route, action), &bound.rule.id)));
        }
    }
    closed
}

fn unreachable(
    Draft { rule, covered, .. }: &Draft<'_, '_>,
    catalog: &Catalog<'_>,
    closed: &HashMap<(&RouteId, &ActionId), &RuleId>,
) -> Option<Finding> {
    let mut routes = covered.iter().map(|action| &action.route);
    let reached = rule.to.as_ref().is_none_or(|to| {
        routes.any(|route| {
            let names = catalog.providers_of(route).unwrap_or_default();
            let providers: Providers<'_> = names
                .iter()
                .filter_map(|name| catalog.declared.get_key_value(name))
                .collect();
            to.can_match(&providers)
        })
    });
    if !reached {
        let finding = Finding::warning(
            "unreachable-rule",
            format!("rule `{}` can never match", rule.id),
        );
        return Some(
            finding
                .help("no route that it covers accepts credentials of its issuer")
                .under("to"),
        );
    }
    let forbids: Option<Vec<&RuleId>> = covered
        .iter()
        .map(|action| closed.get(&(&action.route, &action.id)).copied())
        .collect();
    match forbids.as_deref() {
        Some([first, ..]) if rule.effect != Effect::Forbid => {
            let finding = Finding::warning(
                "unreachable-rule",
                format!("rule `{}` can never matter", rule.id),
            );
            Some(
                finding
                    .help(format!("`{first}` forbids everything that it covers"))
                    .under(rule.effect.as_str()),
            )
        }
        _ => None,
    }
}
