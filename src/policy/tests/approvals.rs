//! Approvals in rules: when a call waits for one, what is demanded then, and what does not load.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Demand, Mode, Policy, Ruling, Scan};
use super::{Given, party, policy, readers, try_policy};
use crate::model::identity::Proof;
use crate::model::party::{Kind, Party};
use crate::model::verdict::Verdict;

fn approval(rest: &Json) -> Json {
    let mut approval = json!({ "from": { "issuer": "corp", "group": "leads" } });
    let members = rest.as_object().unwrap().clone();
    approval.as_object_mut().unwrap().extend(members);
    json!({ "approval": approval })
}

/// A guard on `docs.read` that asks for `require`.
fn guard(id: &str, require: &Json) -> Json {
    json!({ "id": id, "guard": "docs.read", "require": require })
}

fn ruling(call: &Given, policy: &Policy) -> Ruling {
    call.with(policy, |call| {
        policy.run(call, Mode::Enforced, Scan::Indexed, None)
    })
}

fn demand(call: &Given, policy: &Policy) -> Demand {
    match ruling(call, policy) {
        Ruling::Awaits(awaited) => awaited.demand,
        Ruling::Decided(verdict) => panic!("{verdict:?}"),
    }
}

fn alice() -> Given {
    Given::human("alice", &[], "docs.read")
}

#[test]
fn a_call_that_lacks_nothing_else_waits() {
    let policy = policy(&json!([
        readers(),
        guard("asked", &json!([approval(&json!({}))]))
    ]));
    let Ruling::Awaits(awaited) = ruling(&alice(), &policy) else {
        panic!("it does not wait");
    };
    assert_eq!(awaited.demand.rules.len(), 1);
    assert_eq!(
        awaited.demand.from[0].to_string(),
        "1 of human corp group leads"
    );
    let Demand {
        ttl,
        pending,
        uses,
        ref bind,
        ..
    } = awaited.demand;
    assert_eq!(
        (ttl, pending, uses),
        (Duration::from_mins(10), Duration::from_mins(15), 1)
    );
    assert!(bind.everything && !awaited.demand.reason_required);
    assert_eq!(awaited.grant.permits[0].as_str(), "readers");
    let verdict = alice().verdict(&policy);
    assert_eq!(
        (verdict.as_str(), verdict.reason()),
        ("pending", "approval_required")
    );
    assert_eq!(verdict.rule().unwrap().as_str(), "asked");
}

#[test]
fn whatever_else_is_missing_is_said_first() {
    let asked = || guard("asked", &json!([approval(&json!({}))]));
    let reason = |rules: Json, call: Given| call.reason(&policy(&rules));
    assert_eq!(reason(json!([asked()]), alice()), "not_permitted");
    let forbid = json!({ "id": "no", "forbid": "docs.read" });
    assert_eq!(
        reason(json!([readers(), asked(), forbid]), alice()),
        "forbidden"
    );
    let must = json!({ "id": "no", "guard": "docs.read", "must": "false" });
    assert_eq!(
        reason(json!([readers(), asked(), must]), alice()),
        "guard_unmet"
    );
    for (requirement, expected) in [
        (json!({ "scope": "docs:x" }), "insufficient_scope"),
        (
            json!({ "step_up": { "acr": ["phr"] } }),
            "insufficient_user_authentication",
        ),
        (json!({ "proof": "dpop" }), "proof_required"),
        (
            json!({ "workload": "spiffe://example.org/x" }),
            "workload_required",
        ),
    ] {
        let both = guard("both", &json!([approval(&json!({})), requirement]));
        assert_eq!(reason(json!([readers(), both]), alice()), expected);
        let apart = guard("apart", &json!([requirement]));
        assert_eq!(
            reason(json!([readers(), asked(), apart]), alice()),
            expected
        );
    }
    let nobody = json!({ "id": "all", "permit": "docs.read", "to": { "kind": "anonymous" } });
    let anonymous = Given::new(Party::anonymous(), "docs.read");
    assert_eq!(
        reason(json!([nobody, asked()]), anonymous),
        "authentication_required"
    );
}

#[test]
fn what_could_not_be_carried_out_is_a_fault_and_no_ticket() {
    let header = |id: &str, value: &str, when: &str| json!({ "id": id, "guard": "docs.read", "when": when, "constrain": { "headers": { "x-a": value } } });
    let rules = json!([
        readers(),
        guard("asked", &json!([approval(&json!({}))])),
        header("one", "'1'", "subject.id != ''"),
        header("two", "'2'", "subject.id != 'x'"),
    ]);
    assert_eq!(alice().reason(&policy(&rules)), "constraint_conflict");
}

#[test]
fn of_alternatives_the_cheapest_is_named_and_who_cannot_meet_it_waits() {
    let either = json!([{ "any_of": [approval(&json!({})), { "step_up": { "acr": ["phr"] } }] }]);
    let bots = json!({ "id": "bots", "permit": "docs.read", "to": { "kind": "agent" } });
    let rules = policy(&json!([readers(), bots, guard("either", &either)]));
    assert_eq!(alice().reason(&rules), "insufficient_user_authentication");
    let bot = Given::new(party(Kind::Agent, "bot", &[]), "docs.read");
    assert_eq!(bot.reason(&rules), "approval_required");
    let met = json!([{ "any_of": [approval(&json!({})), { "scope": "docs:x" }] }]);
    let rules = policy(&json!([readers(), guard("either", &met)]));
    assert_eq!(alice().reason(&rules), "insufficient_scope");
    assert_eq!(alice().scopes(&["docs:x"]).reason(&rules), "permitted");
    // A key cannot be bound to anything, so a proof is out of its reach.
    let proof = json!([{ "any_of": [{ "proof": "dpop" }, approval(&json!({}))] }]);
    let rules = policy(&json!([readers(), guard("either", &proof)]));
    let mut key = alice();
    key.bindable = false;
    assert_eq!(
        (alice().reason(&rules), key.reason(&rules)),
        ("proof_required", "approval_required")
    );
    let mut proven = alice();
    proven.proof = Proof::Dpop;
    assert_eq!(proven.reason(&rules), "permitted");
}

#[test]
fn demands_are_merged_to_the_stricter() {
    let one = approval(&json!({ "ttl": "1h", "uses": 5, "bind": ["params.x"], "pending": "1m" }));
    let two = approval(
        &json!({ "from": { "group": "leads", "issuer": "corp", "kind": ["human", "agent"] }, "ttl": "5m", "uses": 7,
        "bind": ["query", "params.x"], "quorum": 2, "reason_required": true }),
    );
    let again = one.clone();
    let rules = policy(&json!([
        readers(),
        guard("b", &json!([one])),
        guard("a", &json!([two])),
        guard("c", &json!([again]))
    ]));
    let merged = demand(&alice(), &rules);
    let ids: Vec<&str> = merged
        .rules
        .iter()
        .map(crate::model::name::RuleId::as_str)
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let from: Vec<String> = merged.from.iter().map(ToString::to_string).collect();
    assert_eq!(
        from,
        [
            "1 of human corp group leads",
            "2 of human, agent corp group leads"
        ]
    );
    assert_eq!(
        (merged.ttl, merged.pending, merged.uses),
        (Duration::from_mins(5), Duration::from_mins(1), 5)
    );
    assert_eq!(merged.bind.to_string(), "params.x query");
    assert!(merged.reason_required);
    let everything = approval(&json!({}));
    let rules = policy(&json!([
        readers(),
        guard("a", &json!([approval(&json!({ "bind": "query" }))])),
        guard("b", &json!([everything]))
    ]));
    let bind = demand(&alice(), &rules).bind;
    assert!(bind.everything && bind.names.is_empty());
}

#[test]
fn a_list_of_approvers_is_alternatives_unless_each_has_a_quorum() {
    let from = |from: Json| {
        let rules = policy(&json!([
            readers(),
            guard("a", &json!([approval(&json!({ "from": from }))]))
        ]));
        let from = demand(&alice(), &rules).from;
        from.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        from(json!([{ "group": "leads" }, { "id": "ada" }])),
        ["1 of human group leads or human id ada"]
    );
    assert_eq!(
        from(
            json!([{ "group": "leads", "quorum": 2 }, { "kind": "service", "id": "ada", "quorum": 1 }])
        ),
        ["1 of service id ada", "2 of human group leads"]
    );
}

#[test]
fn a_shadow_rule_asks_for_nothing_and_is_seen_to_want_to() {
    let mut shadow = guard("asked", &json!([approval(&json!({}))]));
    shadow["mode"] = json!("shadow");
    let rules = policy(&json!([readers(), shadow]));
    assert_eq!(alice().reason(&rules), "permitted");
    let would = alice().run(&rules, Mode::WithShadow, Scan::Indexed);
    assert_eq!(would.reason(), "approval_required");
    assert!(!rules.demands_approvals());
}

#[test]
fn the_demand_of_rules_is_known_without_a_call() {
    let rules = policy(&json!([
        readers(),
        guard("a", &json!([approval(&json!({ "quorum": 2 }))]))
    ]));
    let at_hand = demand(&alice(), &rules);
    let (action, other) = alice().with(&rules, |call| {
        let action = &call.facts.asked.action;
        (
            (action.route.clone(), action.id.clone()),
            at_hand.rules.clone(),
        )
    });
    assert_eq!(
        rules.approval((&action.0, &action.1), &other),
        Some(at_hand)
    );
    let gone = [crate::model::name::RuleId::new("readers").unwrap()];
    assert_eq!(rules.approval((&action.0, &action.1), &gone), None);
}

#[test]
fn a_second_value_of_a_bound_query_parameter_is_refused() {
    let rules = policy(&json!([
        readers(),
        guard("a", &json!([approval(&json!({ "bind": "params" }))]))
    ]));
    let mut call = alice();
    call.query = vec![("x".into(), "1".into()), ("x".into(), "2".into())];
    assert!(call.with(&rules, |call| rules.check_query(&call.facts).is_ok()));
    let bound = |names: Json| {
        let mut route = super::route(&["corp"]);
        let action = std::sync::Arc::make_mut(&mut route.actions[0]);
        let parameter = crate::model::route::QueryParameter {
            of: crate::model::value::Type::String,
            optional: true,
        };
        action.query.insert("x".into(), parameter);
        let rules = json!([
            readers(),
            guard("a", &json!([approval(&json!({ "bind": names }))]))
        ]);
        super::compile_on(&route, &rules, &json!({}), None)
            .unwrap()
            .0
    };
    let rules = bound(json!("query.x"));
    assert!(call.with(&rules, |call| rules.check_query(&call.facts).is_err()));
    let rules = bound(json!("query"));
    assert!(call.with(&rules, |call| rules.check_query(&call.facts).is_ok()));
}

#[test]
fn what_makes_no_sense_does_not_load() {
    for (rest, code) in [
        (json!({ "ttl": "0s" }), "out-of-range"),
        (json!({ "ttl": "25h" }), "out-of-range"),
        (json!({ "pending": "25h" }), "out-of-range"),
        (json!({ "uses": 0 }), "out-of-range"),
        (json!({ "uses": 1001 }), "out-of-range"),
        (json!({ "quorum": 0 }), "out-of-range"),
        (json!({ "quorum": 17 }), "out-of-range"),
        (json!({ "from": [] }), "empty-from"),
        (json!({ "from": {} }), "empty-from"),
        (json!({ "from": { "group": [] } }), "empty-list"),
        (
            json!({ "from": { "kind": "anonymous" } }),
            "anonymous-approver",
        ),
        (json!({ "from": { "kind": "persn" } }), "invalid-kind"),
        (json!({ "from": { "issuer": "crp" } }), "unknown-issuer"),
        (
            json!({ "from": [{ "id": "a", "quorum": 1 }, { "id": "b" }] }),
            "ambiguous-quorum",
        ),
        (
            json!({ "from": [{ "id": "a", "quorum": 1 }], "quorum": 1 }),
            "ambiguous-quorum",
        ),
        (
            json!({ "from": { "id": "ada" }, "quorum": 2 }),
            "unreachable-quorum",
        ),
        (json!({ "bind": [] }), "empty-list"),
        (json!({ "bind": ["argz.a"] }), "unknown-name"),
        (json!({ "bind": ["body.a"] }), "unknown-name"),
        (json!({ "bind": ["params.y"] }), "unknown-name"),
        (json!({ "bind": ["query.y"] }), "unknown-name"),
        (json!({ "bind": ["args"] }), "unknown-name"),
    ] {
        let rules = json!([readers(), guard("a", &json!([approval(&rest)]))]);
        let wrong = try_policy(&["corp"], &rules).expect_err(&rest.to_string());
        assert!(wrong[0].starts_with(code), "{rest}: {wrong:?}");
    }
    let two = json!([{ "any_of": [approval(&json!({})), approval(&json!({ "quorum": 2 }))] }]);
    let wrong = try_policy(&["corp"], &json!([readers(), guard("a", &two)])).unwrap_err();
    assert_eq!(
        wrong,
        [
            "two-approvals: require[0].any_of: only the first of these approvals would ever be asked for"
        ]
    );
    let permit = json!({ "id": "p", "permit": "docs.read", "to": { "kind": "human" }, "require": [approval(&json!({}))] });
    let wrong = try_policy(&["corp"], &json!([permit])).unwrap_err();
    assert!(wrong[0].starts_with("misplaced-key"), "{wrong:?}");
}

#[test]
fn a_mistake_is_said_where_it_stands_and_what_to_write() {
    let wrong = |rest: Json| {
        let rules = json!([
            readers(),
            guard(
                "a",
                &json!([{ "any_of": [{ "scope": "x" }, approval(&rest)] }])
            )
        ]);
        try_policy(&["corp"], &rules).unwrap_err().join("\n")
    };
    assert!(
        wrong(json!({ "bind": ["query", "params.xx"] }))
            .contains("require[0].any_of[1].approval.bind[1]: the action declares no `params.xx`")
    );
    assert!(
        wrong(json!({ "from": [{ "id": "a" }, { "issuer": "crop" }] }))
            .contains("approval.from[1].issuer")
    );
    assert!(wrong(json!({ "ttl": "2d" })).contains("approval.ttl: `ttl` is between `1s` and `1d`"));
}

/// Every demand, as text; the order of what is written never matters.
fn written() -> impl Strategy<Value = Json> {
    let from = prop::sample::select(vec![
        json!({ "group": "leads" }),
        json!({ "id": "ada" }),
        json!([{ "group": "leads", "quorum": 2 }, { "id": "ada", "quorum": 1 }]),
        json!({ "kind": "service", "issuer": "corp" }),
    ]);
    let bind = prop::sample::select(vec![
        json!("params"),
        json!(["params.x", "query"]),
        json!(null),
    ]);
    (from, bind, 1..4_u32, 1..4_u32).prop_map(|(from, bind, uses, minutes)| {
        let mut approval = json!({ "from": from, "uses": uses, "ttl": format!("{minutes}m") });
        if !bind.is_null() {
            approval["bind"] = bind;
        }
        json!({ "approval": approval })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rules_never_matters(each in prop::collection::vec(written(), 1..5), turn in 0..5_usize) {
        let rules: Vec<Json> = each.iter().enumerate().map(|(index, it)| guard(&format!("r{index}"), &json!([it]))).collect();
        let mut turned = rules.clone();
        turned.rotate_left(turn % rules.len());
        turned.reverse();
        let of = |rules: Vec<Json>| demand(&alice(), &policy(&json!([vec![readers()], rules].concat())));
        prop_assert_eq!(of(rules), of(turned));
    }

    #[test]
    fn one_more_rule_never_demands_less(each in prop::collection::vec(written(), 1..4), more in written()) {
        let of = |items: &[Json]| {
            let rules = items.iter().enumerate().map(|(index, it)| guard(&format!("r{index}"), &json!([it])));
            demand(&alice(), &policy(&json!(std::iter::once(readers()).chain(rules).collect::<Vec<_>>())))
        };
        let (few, many) = (of(&each), of(&[each.clone(), vec![more]].concat()));
        prop_assert!(many.ttl <= few.ttl && many.uses <= few.uses && many.pending <= few.pending);
        let from: BTreeSet<String> = many.from.iter().map(ToString::to_string).collect();
        prop_assert!(few.from.iter().all(|it| from.contains(&it.to_string())));
        prop_assert!(many.bind.everything || few.bind.names.iter().all(|it| many.bind.names.contains(it)));
    }

    #[test]
    fn an_approval_that_is_demanded_lets_nobody_in_by_itself(each in prop::collection::vec(written(), 1..3), kind in prop::sample::select(vec![Kind::Human, Kind::Service])) {
        let rules = each.iter().enumerate().map(|(index, it)| guard(&format!("r{index}"), &json!([it])));
        let without = policy(&json!([readers()]));
        let with = policy(&json!(std::iter::once(readers()).chain(rules).collect::<Vec<_>>()));
        let call = Given::new(party(kind, "x", &[]), "docs.read");
        prop_assert!(!matches!(call.verdict(&with), Verdict::Allow(_)));
        let waits = matches!(call.verdict(&with), Verdict::Pending(_));
        prop_assert_eq!(waits, matches!(call.verdict(&without), Verdict::Allow(_)));
    }
}
