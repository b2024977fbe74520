//! What `check` says of approvals that load: those that nobody can give, and those that allow much.

use std::collections::BTreeSet;

use foldhash::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{IDEMPOTENCY_KEY, IDEMPOTENCY_VARIABLE, Wanted};
use crate::model::finding::Finding;
use crate::model::name::{ActionId, ProviderName, RouteId, RuleId};
use crate::model::route::{Action, COUNTERSIGN, Tier};
use crate::policy::action_rules::ActionRules;
use crate::policy::catalog::Catalog;
use crate::policy::compile::{Findings, Source};
use crate::policy::rule::Draft;

type Actions = HashMap<RouteId, HashMap<ActionId, ActionRules>>;

/// The action of those who approve.
const APPROVE: &str = "approvals.approve";
/// What one approval of something critical should allow at most: more is a permit by another name.
const MOST_USES: u32 = 10;
const LONGEST: Duration = Duration::from_hours(1);

/// Warnings about every enforced rule that asks for an approval, each once.
pub(in crate::policy) fn warnings(
    rules: &[(usize, Draft<'_, '_>)],
    catalog: &Catalog<'_>,
    actions: &Actions,
    findings: &mut Findings,
) {
    let asking = rules
        .iter()
        .filter(|(_, it)| !it.rule.shadow && it.rule.approvals().next().is_some());
    let mut unvoted = nobody_votes(catalog, actions);
    for (index, Draft { rule, covered, .. }) in asking {
        let mut found: Vec<Finding> = Vec::new();
        found.extend(of_itself(&rule.id, covered));
        for wanted in rule.approvals() {
            found.extend(nobody_can(&rule.id, wanted, catalog));
            found.extend(generous(&rule.id, wanted, covered));
        }
        found.extend(unvoted.take().map(|unvoted| unvoted.under("require")));
        findings.extend(found.into_iter().map(|it| (Source::Rule(*index), it)));
    }
}

/// Guards that set the header that an approval sets, where another one, or the same, asks for an approval: every call that both
/// are about would be a fault.
pub(in crate::policy) fn conflicts(
    actions: &Actions,
    ids: &HashMap<RuleId, usize>,
    findings: &mut Findings,
) {
    let mut told = BTreeSet::new();
    let mut actions: Vec<_> = actions.values().flatten().collect();
    actions.sort_by_key(|(action, _)| *action);
    for (action, rules) in actions {
        let guards = || rules.guards.rules().iter().filter(|it| !it.rule.shadow);
        let Some(asking) = guards().find(|it| it.rule.approvals().next().is_some()) else {
            continue;
        };
        for bound in guards() {
            let headers = bound.constrain.iter().flat_map(|it| &it.headers);
            for (name, _) in headers.filter(|(name, _)| is_set_by_approvals(name)) {
                if let Some(index) = ids.get(&bound.rule.id)
                    && told.insert((*index, Arc::clone(name)))
                {
                    let finding = set_twice(&bound.rule.id, name, action, &asking.rule.id);
                    findings.push((Source::Rule(*index), finding));
                }
            }
        }
    }
}

fn is_set_by_approvals(name: &str) -> bool {
    [IDEMPOTENCY_KEY, IDEMPOTENCY_VARIABLE].contains(&name)
}

fn set_twice(rule: &RuleId, name: &str, action: &ActionId, asking: &RuleId) -> Finding {
    let message = format!(
        "rule `{rule}` sets `{name}` on `{action}`, and the approval that `{asking}` asks for sets it too"
    );
    let help = "the upstream gets the id of the approval there: write your own value to another header, such as `x-request-key`";
    Finding::error("header-conflict", message)
        .help(help)
        .under(name)
        .under("headers")
        .under("constrain")
}

/// Approvers whose credentials are accepted nowhere where approvals are given.
fn nobody_can(rule: &RuleId, wanted: &Wanted, catalog: &Catalog<'_>) -> Option<Finding> {
    let accepted = catalog.approvers()?;
    let possible = |who: &super::Who| {
        let mut issuers = who.issuer.iter();
        !accepted.is_empty() && (who.issuer.is_empty() || issuers.any(|it| accepted.contains(it)))
    };
    if wanted
        .from
        .iter()
        .all(|approvers| approvers.who.iter().any(possible))
    {
        return None;
    }
    let message = format!("nobody can give the approval that rule `{rule}` asks for");
    let names: BTreeSet<&str> = wanted
        .approvers()
        .flat_map(|who| &who.issuer)
        .map(ProviderName::as_str)
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let names = if names.is_empty() {
        "corp".to_owned()
    } else {
        names.join(", ")
    };
    let help = format!(
        "list the providers of approvers in the server's configuration: `approvals: {{ providers: [{names}] }}`"
    );
    Some(
        Finding::warning("nobody-can-approve", message)
            .help(help)
            .under("require"),
    )
}

/// No permit lets anybody vote.
fn nobody_votes(catalog: &Catalog<'_>, actions: &Actions) -> Option<Finding> {
    let route = catalog.route(COUNTERSIGN)?;
    let (_, rules) = actions
        .get(route)?
        .iter()
        .find(|(id, _)| id.as_str() == APPROVE)?;
    let permitted = rules.permits.rules().iter().any(|bound| !bound.rule.shadow);
    (!permitted).then(|| {
        let message = "approvals are asked for, and nobody is permitted to approve";
        let help = "approving is an action as well: write for example `permit: approvals.*, to: { issuer: corp, kind: human }`";
        Finding::warning("nobody-votes", message).help(help)
    })
}

/// Approving that needs an approval.
fn of_itself(rule: &RuleId, covered: &[&Action]) -> Option<Finding> {
    let own = covered
        .iter()
        .find(|action| action.route.as_str() == COUNTERSIGN)?;
    let message = format!(
        "rule `{rule}` asks for an approval of `{}`, which is how approvals are given",
        own.id
    );
    let help = "name the routes that it is about: `guard: { tier: high, route: [crm-tools] }`";
    Some(
        Finding::warning("approval-of-approvals", message)
            .help(help)
            .under("guard"),
    )
}

fn generous(rule: &RuleId, wanted: &Wanted, covered: &[&Action]) -> Vec<Finding> {
    let critical = covered.iter().find(|action| action.tier == Tier::Critical);
    let Some(action) = critical else {
        return Vec::new();
    };
    let (uses, ttl) = wanted.extent();
    let warning = |what: String| {
        let message = format!(
            "rule `{rule}` lets one approval of `{}` {what}, and that is critical",
            action.id
        );
        Finding::warning("generous-approval", message).under("require")
    };
    let often = (uses > MOST_USES).then(|| warning(format!("be used {uses} times")));
    let long = (ttl > LONGEST).then(|| warning("be used for more than an hour".to_owned()));
    often.into_iter().chain(long).collect()
}
