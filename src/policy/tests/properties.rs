//! Index and linear scan agree, rule order does not matter, and no failing condition lets anybody in.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Mode, Scan};
use super::{FAILS, Given, party, policy};
use crate::model::party::{Kind, Party};
use crate::model::verdict::Verdict;

const ACTIONS: [&str; 3] = ["docs.read", "docs.write", "vault.open"];
const CONDITIONS: [&str; 2] = ["true", "false"];

/// A `to`, or none.
fn to() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        prop::sample::select(vec!["human", "agent", "service", "anonymous"])
            .prop_map(|kind| json!({ "kind": kind })),
        prop::sample::subsequence(vec!["a", "b", "c"], 1..3).prop_map(|ids| json!({ "id": ids })),
        prop::sample::subsequence(vec!["g", "h"], 1..3)
            .prop_map(|groups| json!({ "group": groups })),
        Just(json!({ "id": "*", "group": "g" })),
        Just(json!({ "id": "a", "group": "*" })),
    ]
}

/// One rule without an id; conditions are constants, so that a failing one can take their place.
fn rule() -> impl Strategy<Value = Json> {
    let condition = || prop::option::of(prop::sample::select(CONDITIONS.to_vec()));
    let action = prop::sample::select(ACTIONS.to_vec());
    (
        0..3_u8,
        action,
        to(),
        condition(),
        condition(),
        condition(),
        any::<bool>(),
    )
        .prop_map(|(effect, action, to, when, unless, must, shadow)| {
            let mut rule = json!({});
            let effect = ["permit", "forbid", "guard"][usize::from(effect)];
            rule[effect] = json!(action);
            rule["to"] = if effect == "permit" && to.is_null() {
                json!({ "kind": "human" })
            } else {
                to
            };
            for (key, value) in [("when", when), ("unless", unless)] {
                rule[key] = json!(value);
            }
            if effect == "guard" {
                rule["must"] = json!(must.unwrap_or("true"));
            }
            // One rule in eight: most policies must have rules that count.
            if shadow && effect == "forbid" {
                rule["mode"] = json!("shadow");
            }
            rule
        })
}

fn rules() -> impl Strategy<Value = Vec<Json>> {
    prop::collection::vec(rule(), 1..8).prop_map(|rules| {
        let named = rules.into_iter().enumerate().map(|(index, mut rule)| {
            rule["id"] = json!(format!("r{index}"));
            rule
        });
        named.collect()
    })
}

fn call() -> impl Strategy<Value = Given> {
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    let groups = || prop::sample::subsequence(vec!["g", "h"], 0..3);
    let kind = || prop::sample::select(vec![Kind::Human, Kind::Agent, Kind::Service]);
    let subject = prop_oneof![
        5 => (kind(), id(), groups()).prop_map(|(kind, id, groups)| party(kind, id, &groups)),
        1 => Just(Party::anonymous()),
    ];
    let actor = prop::option::of(
        (kind(), id(), groups()).prop_map(|(kind, id, groups)| party(kind, id, &groups)),
    );
    (subject, actor, prop::sample::select(ACTIONS.to_vec())).prop_map(|(subject, actor, action)| {
        let anonymous = subject.kind == Kind::Anonymous;
        let call = Given::new(subject, action).scopes(&["docs:write"]);
        match actor {
            Some(actor) if !anonymous => call.acting(actor),
            _ => call,
        }
    })
}

fn allows(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allow(_))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn index_and_linear_scan_agree(rules in rules(), calls in prop::collection::vec(call(), 4)) {
        let policy = policy(&json!(rules));
        for call in calls {
            for mode in [Mode::Enforced, Mode::WithShadow] {
                prop_assert_eq!(call.run(&policy, mode, Scan::Indexed), call.run(&policy, mode, Scan::Linear));
            }
        }
    }

    #[test]
    fn rule_order_does_not_matter(rules in rules(), calls in prop::collection::vec(call(), 4), seed in any::<u64>()) {
        let mut shuffled = rules.clone();
        let len = shuffled.len();
        for index in 0..len {
            let other = usize::try_from(seed.rotate_left(u32::try_from(index).unwrap() * 7)).unwrap() % len;
            shuffled.swap(index, other);
        }
        let (one, two) = (policy(&json!(rules)), policy(&json!(shuffled)));
        for call in calls {
            prop_assert_eq!(call.verdict(&one), call.verdict(&two));
        }
    }

    #[test]
    fn a_failing_condition_lets_nobody_in(rules in rules(), calls in prop::collection::vec(call(), 4), fail in any::<u32>()) {
        let mut failing = rules.clone();
        let places = failing.iter_mut().flat_map(|rule| {
            let object = rule.as_object_mut().unwrap();
            object.iter_mut().filter(|(key, value)| ["when", "unless", "must"].contains(&key.as_str()) && value.is_string())
        });
        for (index, (_, value)) in places.enumerate() {
            if fail.rotate_right(u32::try_from(index).unwrap()) & 1 == 1 {
                *value = json!(FAILS);
            }
        }
        let (fine, failing) = (policy(&json!(rules)), policy(&json!(failing)));
        for call in calls {
            prop_assert!(allows(&call.verdict(&fine)) || !allows(&call.verdict(&failing)));
        }
    }

    #[test]
    fn a_trace_changes_nothing(rules in rules(), call in call()) {
        let policy = policy(&json!(rules));
        let mut trace = super::super::Trace::default();
        let traced = call.with(&policy, |call| policy.run(call, Mode::Enforced, Scan::Linear, Some(&mut trace)).unopened());
        prop_assert_eq!(call.verdict(&policy), traced);
    }
}
