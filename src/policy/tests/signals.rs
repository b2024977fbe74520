//! Signals of risk: what they add up to, what they may read, and the promises about them as properties.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Mode, Scan};
use super::{FAILS, Given, compile_on, readers, route, try_weighed, weighed};
use crate::model::risk::{MAX_SCORE, Said};
use crate::model::route::Action;
use crate::model::verdict::Verdict;

const ACTIONS: [&str; 3] = ["docs.read", "docs.write", "vault.open"];

fn errors(risk: &Json) -> Vec<String> {
    try_weighed(&["corp"], &json!([readers()]), risk)
        .err()
        .unwrap_or_default()
}

fn warnings(rules: &Json, risk: &Json) -> Vec<String> {
    let (_, warnings) = try_weighed(&["corp"], rules, risk).unwrap();
    let about_risk = |code: &String| code.starts_with("no-signal") || code.starts_with("no-work");
    warnings.into_iter().filter(about_risk).collect()
}

/// The score that the rules see.
fn score(call: &Given, policy: &super::Policy) -> u8 {
    call.with(policy, |call| call.facts.risk)
}

fn alice(action: &'static str) -> Given {
    Given::human("alice", &[], action).scopes(&["docs:write"])
}

#[test]
fn a_score_is_the_sum_of_what_holds_on_the_action_and_at_most_a_hundred() {
    let risk = json!({
        "a": { "add": 30, "when": "true" },
        "b": { "add": 20, "when": "false" },
        "c": { "add": 40, "when": "subject.id == 'alice'", "on": "docs.write" },
        "d": { "add": 90, "when": "true", "on": { "tier": "critical" } },
    });
    let policy = weighed(&json!([]), &risk);
    assert_eq!(score(&alice("docs.read"), &policy), 30);
    assert_eq!(score(&alice("docs.write"), &policy), 70);
    assert_eq!(score(&alice("vault.open"), &policy), MAX_SCORE);
    let nothing = weighed(&json!([readers()]), &json!({}));
    assert_eq!(score(&alice("docs.read"), &nothing), 0);
    assert_eq!(alice("docs.read").risk(&nothing), None);
}

#[test]
fn a_signal_that_fails_adds_its_points_and_says_why() {
    let risk = json!({ "level": { "add": 50, "when": FAILS, "on": "docs.read" } });
    let policy = weighed(&json!([]), &risk);
    let risk = alice("docs.read").risk(&policy).unwrap();
    assert_eq!(risk.score(), 50);
    let said = Said::Failed("`subject.claims.level` is absent".to_owned());
    assert_eq!(risk.signals[0].said, said);
    let known = alice("docs.read").level(0).risk(&policy).unwrap();
    assert_eq!((known.score(), &known.signals[0].said), (0, &Said::Not));
}

#[test]
fn rules_of_every_kind_read_the_score() {
    let risk = json!({ "a": { "add": 31, "when": "subject.id == 'mallory'" } });
    let calm =
        json!([readers(), { "id": "calm", "guard": "docs.read", "must": "risk.score <= 30" }]);
    let forbidden =
        json!([readers(), { "id": "no", "forbid": "docs.read", "when": "risk.score > 30" }]);
    let permitted = json!([{ "id": "calm", "permit": "docs.read", "to": { "kind": "human" }, "when": "risk.score == 0" }]);
    for (rules, reason) in [
        (calm, "guard_unmet"),
        (forbidden, "forbidden"),
        (permitted, "not_permitted"),
    ] {
        let policy = weighed(&rules, &risk);
        assert_eq!(alice("docs.read").reason(&policy), "permitted");
        let mallory = Given::human("mallory", &[], "docs.read");
        assert_eq!(mallory.reason(&policy), reason);
    }
}

#[test]
fn mistakes_are_found_at_load() {
    for (risk, said) in [
        (
            json!({ "a": { "add": 0, "when": "true" } }),
            "invalid-points: add: a signal adds 1 to 100 points",
        ),
        (
            json!({ "a": { "add": 101, "when": "true" } }),
            "invalid-points: add:",
        ),
        (
            json!({ "a": { "add": 1, "when": "true", "on": "docs.raed" } }),
            "unknown-action: on:",
        ),
        (
            json!({ "a": { "add": 1, "when": "1" } }),
            "invalid-expression: when:",
        ),
        (
            json!({ "a": { "add": 1, "when": "risk.score > 10" } }),
            "risk-of-itself: when: a signal cannot read `risk`",
        ),
        (
            json!({ "a": { "add": 1, "when": "has(risk.score)" } }),
            "risk-of-itself: when:",
        ),
        (
            json!({ "a": { "add": 1, "when": "party.id == 'a'" } }),
            "invalid-expression: when:",
        ),
        (
            json!({ "a": { "add": 1, "when": "args.rows > 1" } }),
            "invalid-expression: when: there is no attribute `args.rows` (on action `docs.read` of route `api`)",
        ),
    ] {
        let errors = errors(&risk);
        assert!(errors[0].starts_with(said), "{risk}: {errors:?}");
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}

#[test]
fn a_signal_that_makes_sense_on_some_actions_only_is_told_to_name_them() {
    let spec = |on: &Json| json!({ "a": { "add": 1, "when": "resource.id == 'x'", "on": on } });
    let mut route = route(&["corp"]);
    let mut read = Action::clone(&route.actions[0]);
    read.resource = Some(Arc::from("document"));
    route.actions[0] = Arc::new(read);
    let help = |on: &Json| {
        let wrong = compile_on(&route, &json!([readers()]), &spec(on), None).err();
        let wrong = wrong.unwrap_or_default();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong[0].1.help.clone().unwrap_or_default()
    };
    assert!(help(&Json::Null).contains("add `on:` with those that have it"));
    assert!(help(&json!("docs.*")).contains("let `on:` name only actions that have it"));
    assert!(!help(&json!("docs.write")).contains("on:"));
}

#[test]
fn a_score_that_nothing_adds_to_is_warned_about() {
    let rules = json!([readers(), { "id": "calm", "guard": ["docs.read", "docs.write"], "must": "risk.score <= 30" }]);
    let on = |on: &str| json!({ "a": { "add": 1, "when": "true", "on": on } });
    let said = |actions: &str| {
        format!("no-signal: : rule `calm` reads `risk.score`, which is always 0 on {actions}")
    };
    let both = said("`docs.read`, `docs.write`");
    assert_eq!(warnings(&rules, &json!({})), [both.as_str()]);
    assert_eq!(warnings(&rules, &on("docs.read")), [said("`docs.write`")]);
    assert_eq!(warnings(&rules, &on("docs.*")), Vec::<String>::new());
}

#[test]
fn a_signal_that_asks_for_a_workload_that_nobody_knows_is_warned_about() {
    let risk = json!({ "a": { "add": 1, "when": "!has(workload.id)" } });
    let said = "no-workload: : signal `a` asks for a workload, and no workload is ever known";
    assert_eq!(warnings(&json!([readers()]), &risk), [said]);
}

/// A signal without a name, and what its score is made of: points, where, and whether it holds.
fn signal() -> impl Strategy<Value = (u8, Option<&'static str>, bool)> {
    let on = prop::option::of(prop::sample::select(ACTIONS.to_vec()));
    (1..=MAX_SCORE, on, any::<bool>())
}

fn signals() -> impl Strategy<Value = Vec<(u8, Option<&'static str>, bool)>> {
    prop::collection::vec(signal(), 0..6)
}

/// The signals as they are written; those in `failing` cannot be evaluated.
fn written(signals: &[(u8, Option<&'static str>, bool)], failing: u32, backwards: bool) -> Json {
    let count = signals.len();
    let entries = signals.iter().enumerate().map(|(at, (add, on, holds))| {
        let fails = failing >> at & 1 == 1;
        let when = if fails {
            FAILS.to_owned()
        } else {
            holds.to_string()
        };
        let name = if backwards { count - at } else { at };
        let mut spec = json!({ "add": add, "when": when });
        if let Some(on) = on {
            spec["on"] = json!(on);
        }
        (format!("s{name}"), spec)
    });
    Json::Object(entries.collect())
}

fn limits() -> Json {
    let limit = |id: &str, action: &str, most: u8| json!({ "id": id, "guard": action, "must": format!("risk.score <= {most}") });
    json!([
        { "id": "in", "permit": ["docs.read", "docs.write", "vault.open"], "to": { "kind": "human" } },
        limit("a", "docs.read", 20),
        limit("b", "docs.write", 50),
        { "id": "c", "forbid": "vault.open", "to": { "id": "alice" }, "when": "risk.score > 70" },
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_filed_by_action_is_what_a_scan_of_all_signals_finds(signals in signals()) {
        let policy = weighed(&limits(), &written(&signals, 0, false));
        for action in ACTIONS {
            let covering = signals.iter().filter(|(_, on, holds)| *holds && on.is_none_or(|on| on == action));
            let sum: u32 = covering.map(|(add, ..)| u32::from(*add)).sum();
            let call = alice(action);
            prop_assert_eq!(u32::from(score(&call, &policy)), sum.min(100));
            for mode in [Mode::Enforced, Mode::WithShadow] {
                prop_assert_eq!(call.run(&policy, mode, Scan::Indexed), call.run(&policy, mode, Scan::Linear));
            }
        }
    }

    #[test]
    fn the_order_of_signals_does_not_matter(signals in signals(), failing in any::<u32>()) {
        let one = weighed(&limits(), &written(&signals, failing, false));
        let other = weighed(&limits(), &written(&signals, failing, true));
        for action in ACTIONS {
            let call = alice(action);
            prop_assert_eq!(score(&call, &one), score(&call, &other));
            prop_assert_eq!(call.reason(&one), call.reason(&other));
        }
    }

    #[test]
    fn a_failing_signal_never_lowers_a_score_and_lets_nobody_in(signals in signals(), failing in any::<u32>()) {
        let fine = weighed(&limits(), &written(&signals, 0, false));
        let broken = weighed(&limits(), &written(&signals, failing, false));
        for action in ACTIONS {
            let call = alice(action);
            prop_assert!(score(&call, &broken) >= score(&call, &fine));
            let allows = |verdict: Verdict| matches!(verdict, Verdict::Allow(_));
            prop_assert!(allows(call.verdict(&fine)) || !allows(call.verdict(&broken)));
        }
    }
}
