//! Runs test cases: the same examination that a server makes, with described parties.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::asking;
use super::describe::{self, Declared};
use crate::authorizer::{Examined, Snapshot};
use crate::config::{ApprovedSpec, CaseSpec, ExpectSpec, ExpectTokenSpec};
use crate::model::lifecycle::Level;
use crate::model::name::{ConditionName, RuleId};
use crate::model::risk::Risk;
use crate::model::time::Timestamp;
use crate::model::verdict::{Remedy, TokenDemand, Verdict};
use crate::policy::{Outcome, Standing, Trace};

/// How a case ended.
#[derive(Debug)]
pub(super) struct Ran {
    /// Differences, as `what: expected … got …`; none if it passed.
    pub(super) differences: Vec<String>,
    /// Rules that applied.
    pub(super) used: BTreeSet<RuleId>,
}

/// Runs a case against a snapshot whose conditions are taken out and replaced by the case's.
pub(super) fn run(
    case: &CaseSpec,
    snapshot: &mut Snapshot,
    declared: &Declared,
    conditions: &[ConditionName],
    now: Timestamp,
) -> Ran {
    match examine(case, snapshot, declared, conditions, now) {
        Ok(examined) => {
            let differences = compare(&case.expect, &examined);
            let considered = examined.trace.unwrap_or_default().0;
            let used = considered
                .into_iter()
                .filter(|entry| applied(&entry.outcome))
                .map(|entry| entry.rule);
            Ran {
                differences,
                used: used.collect(),
            }
        }
        Err(error) => Ran {
            differences: vec![format!("cannot be run: {error:#}")],
            used: BTreeSet::new(),
        },
    }
}

fn examine(
    case: &CaseSpec,
    snapshot: &mut Snapshot,
    declared: &Declared,
    conditions: &[ConditionName],
    now: Timestamp,
) -> Result<Examined> {
    let now = describe::moment(&case.given, now)?;
    snapshot.conditions = describe::conditions(&case.given, conditions)?;
    let described = describe::parties(&case.given, declared, now)?;
    let request = asking::request(&case.call, &case.given, snapshot)?;
    let mut examined = match request.access_request(now) {
        Ok(request) => snapshot.examine_described(&request, &described, Some(Trace::default())),
        Err(denial) => return Ok(Examined::refused(Verdict::Deny(denial))),
    };
    if let Some(given) = &case.given.approved
        && let (Some(awaited), Some(parties)) = (&examined.awaited, &examined.parties)
    {
        let suffices = match given {
            ApprovedSpec::Wholly(wholly) => *wholly,
            ApprovedSpec::By(approvers) => {
                let votes = describe::votes(approvers, &case.given, declared, now)?;
                awaited.demand.standing(&votes, parties) == Standing::Met
            }
        };
        if suffices {
            describe::approve(&mut examined);
        }
    }
    Ok(examined)
}

const fn applied(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Matched
        | Outcome::Met
        | Outcome::MustFalse
        | Outcome::MustFailed(_)
        | Outcome::Unmet(_)
        | Outcome::Failed(_) => true,
        Outcome::OtherParty(_) | Outcome::WhenFalse | Outcome::UnlessTrue | Outcome::Shadow => {
            false
        }
    }
}

fn compare(expect: &ExpectSpec, examined: &Examined) -> Vec<String> {
    let ExpectSpec {
        verdict,
        reason,
        rule,
        action,
        risk,
        missing_scope,
        warnings,
        token,
        headers,
        query,
    } = expect;
    let got = &examined.verdict;
    let mut differences = Vec::new();
    let mut differs = |what: &str, expected: Option<&str>, got: Option<&str>| {
        if expected.is_some() && expected != got {
            let (expected, got) = (expected.unwrap_or_default(), got.unwrap_or("none"));
            differences.push(format!("{what}: expected `{expected}`, got `{got}`"));
        }
    };
    differs("verdict", Some(verdict), Some(got.as_str()));
    differs("reason", reason.as_deref(), Some(got.reason()));
    let known = examined
        .asked
        .as_ref()
        .map(|asked| asked.action.id.as_str());
    differs("action", action.as_deref(), known);
    differs("rule", rule.as_deref(), got.rule().map(RuleId::as_str));
    let score = examined.risk.as_ref().map_or(0, Risk::score).to_string();
    let expected = risk.map(|score| score.to_string());
    differs("risk", expected.as_deref(), Some(&score));
    if let Some(scopes) = missing_scope {
        let mut expected = scopes.items().to_vec();
        expected.sort();
        let missing = match got {
            Verdict::Deny(denial) => match &denial.remedy {
                Some(Remedy::Scope { missing, .. }) => missing.join(" "),
                _ => String::new(),
            },
            _ => String::new(),
        };
        differs("missing_scope", Some(&expected.join(" ")), Some(&missing));
    }
    if let Some(expected) = warnings {
        let expected: BTreeSet<&str> = expected.items().iter().map(String::as_str).collect();
        let got = examined.lifecycle.iter();
        let got = got.filter(|raised| raised.level == Level::Warn);
        let got: BTreeSet<&str> = got.map(|raised| raised.check.as_str()).collect();
        let list = |codes: &BTreeSet<&str>| match codes.len() {
            0 => "none".to_owned(),
            _ => codes.iter().copied().collect::<Vec<_>>().join(" "),
        };
        differs("warnings", Some(&list(&expected)), Some(&list(&got)));
    }
    let constraints = match got {
        Verdict::Allow(grant) => Some(&grant.constraints),
        Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_) => None,
    };
    if let Some(expected) = token {
        let minted = constraints.and_then(|constraints| constraints.token.as_ref());
        compare_token(expected, minted, &mut differs);
    }
    let empty = BTreeMap::new();
    let set = constraints.map_or((&empty, &empty), |constraints| {
        (&constraints.headers, &constraints.query)
    });
    for (what, expected, set) in [("header", headers, set.0), ("query", query, set.1)] {
        for (name, value) in expected.iter().flatten() {
            let got = set.get(name.as_str()).map(String::as_str);
            differs(&format!("{what} `{name}`"), Some(value), got);
        }
        if expected.as_ref().is_some_and(BTreeMap::is_empty) && !set.is_empty() {
            let names: Vec<&str> = set.keys().map(AsRef::as_ref).collect();
            differs(what, Some("none"), Some(&names.join(" ")));
        }
    }
    if !differences.is_empty() {
        differences.extend(cause(got).map(|cause| format!("cause: {cause}")));
    }
    differences
}

fn compare_token(
    expected: &ExpectTokenSpec,
    minted: Option<&TokenDemand>,
    differs: &mut impl FnMut(&str, Option<&str>, Option<&str>),
) {
    let ExpectTokenSpec { audience, scope } = expected;
    differs("token", Some("one"), minted.map(|_| "one"));
    let got = minted.map(|minted| minted.audience.as_ref());
    differs("token audience", audience.as_deref(), got);
    let sorted = |texts: BTreeSet<&str>| texts.into_iter().collect::<Vec<_>>().join(" ");
    let scope = scope.as_ref().map(|scope| {
        let items = scope.items().iter();
        sorted(items.flat_map(|text| text.split(' ')).collect())
    });
    let got = minted.map(|minted| sorted(minted.scope.iter().map(AsRef::as_ref).collect()));
    differs("token scope", scope.as_deref(), got.as_deref());
}

fn cause(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Allow(_) | Verdict::Pending(_) => None,
        Verdict::Deny(denial) => denial.cause.as_deref(),
        Verdict::Fault(fault) => Some(&fault.cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, load};

    const SERVER: &str = "version: 1
policies: [api.yaml]
providers:
  corp: { jwt: { issuer: https://corp.test, keys: { url: https://corp.test/k }, algorithms: [ES256], unregistered_client: subject, map: { kind: '\"human\"' } } }
  ci: { jwt: { issuer: https://ci.test, keys: { url: https://ci.test/k }, algorithms: [ES256], unregistered_client: subject, map: { kind: '\"human\"' } } }
";

    const POLICY: &str = "version: 1
routes:
  api:
    match: { host: api.test }
    url: https://api.test
    providers: [corp]
    actions:
      docs.read: { http: GET /docs }
rules:
  - { id: readers, permit: docs.read, to: { kind: [human, agent] } }
  - { id: pages, guard: docs.read, constrain: { query: { cap: { limit: 10 } }, headers: { x-user: subject.id } } }
tests:
";

    /// The differences of one case.
    fn differences(case: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("countersign.yaml");
        std::fs::write(&config, SERVER).unwrap();
        std::fs::write(
            folder.path().join("api.yaml"),
            format!("{POLICY}  - {case}\n"),
        )
        .unwrap();
        let bundle = load(&config, &Overrides::default()).unwrap();
        let (cases, claims) = (bundle.cases.clone(), bundle.claims.clone());
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut snapshot = bundle.into_snapshot(
            now,
            &crate::identity::Resources::default(),
            crate::authorizer::Live::none(),
        );
        run(&cases[0].spec, &mut snapshot, &claims, &[], now).differences
    }

    #[test]
    fn a_credential_that_the_route_does_not_accept_is_refused_as_a_server_would() {
        let none = [""; 0];
        assert_eq!(
            differences(
                "{ name: t, given: { issuer: corp, subject: { id: a } }, call: { route: api, http: GET /docs }, expect: { verdict: allow } }"
            ),
            none
        );
        assert_eq!(
            differences(
                "{ name: t, given: { issuer: ci, subject: { id: a } }, call: { route: api, http: GET /docs }, expect: { verdict: deny, reason: token_issuer } }"
            ),
            none
        );
        assert_eq!(
            differences(
                "{ name: t, given: { issuer: corp, subject: { id: a }, actor: { id: b, kind: agent, issuer: ci } }, call: { route: api, http: GET /docs }, expect: { verdict: deny, reason: delegation_malformed } }"
            ),
            none
        );
    }

    #[test]
    fn an_empty_map_expects_that_nothing_is_set() {
        let case = |limit: u8, expect: &str| {
            differences(&format!(
                "{{ name: t, given: {{ issuer: corp, subject: {{ id: a }} }}, call: {{ route: api, http: \"GET /docs?limit={limit}\" }}, expect: {{ verdict: allow, {expect} }} }}"
            ))
        };
        assert_eq!(case(5, "query: {}"), [""; 0]);
        assert_eq!(
            case(50, "query: {}"),
            ["query: expected `none`, got `limit`"]
        );
        assert_eq!(case(50, "query: { limit: \"10\" }"), [""; 0]);
        assert_eq!(
            case(5, "headers: {}"),
            ["header: expected `none`, got `x-user`"]
        );
    }
}
