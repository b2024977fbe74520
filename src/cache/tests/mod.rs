//! What is remembered is what would be said: whatever changes, and however often it is asked.

mod changes;
mod choosing;
mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{RulingMemory, Stand};
use crate::model::value::Value;
use crate::model::verdict::Verdict;
use crate::policy::{Caching, Key, Policy, Ruling};
use changes::{CHANGES, bases, rules};
use world::{Input, policy};

fn permit() -> Json {
    json!({ "permit": "docs.read", "to": { "kind": ["human", "agent", "service"] } })
}

fn caching(policy: &Policy) -> Caching {
    policy.cachings().next().unwrap().2.clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Any input but one the same: the decision is the one that rules make, whatever was remembered of the others.
    #[test]
    fn a_memory_changes_nothing(
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        open in any::<bool>(),
        base in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let all = rules();
        let some = chosen.iter().map(|index| index.get(&all).clone());
        let policy = policy(some.chain(open.then(permit)));
        let rulings = RulingMemory::default().rulings(&policy);
        let mut first = Input::new();
        for change in base {
            change.get(CHANGES)(&mut first);
        }
        for change in CHANGES {
            let mut other = first.clone();
            change(&mut other);
            for input in [&first, &other, &first] {
                prop_assert_eq!(input.looked_up(&rulings, &policy), input.evaluated(&policy));
            }
        }
    }
}

/// Every rule of its own, so that none of them is only ever chosen among others.
#[test]
fn a_memory_changes_nothing_whatever_a_rule_reads() {
    for rule in rules() {
        let policy = policy([permit(), rule.clone()]);
        let rulings = RulingMemory::default().rulings(&policy);
        let mut base = Input::new();
        for change in CHANGES {
            let mut other = base.clone();
            change(&mut other);
            for input in [&base, &other, &base] {
                let (found, evaluated) =
                    (input.looked_up(&rulings, &policy), input.evaluated(&policy));
                assert_eq!(found, evaluated, "{rule}");
            }
            base = other;
        }
    }
}

/// Every attribute that any key has: were it left out, a call would be decided otherwise than its rules say.
#[test]
fn whatever_is_left_out_of_a_key_is_noticed() {
    let (mut noticed, mut all) = (BTreeSet::new(), BTreeSet::new());
    for rule in rules() {
        // Where everybody is let in, who else is makes no difference; and something has to be computed.
        let open = rule.get("permit").is_none().then(permit);
        let computed = json!({ "guard": "docs.read", "must": "params.x != ''" });
        let policy = policy(open.into_iter().chain([rule, computed]));
        let Caching::By(key) = caching(&policy) else {
            continue;
        };
        let attributes = key.attributes();
        for attribute in &attributes {
            all.insert(attribute.clone());
            if !noticed.contains(attribute) {
                let less = without(&key, attribute, &attributes);
                noticed.extend(is_wrong(&policy, &less).then(|| attribute.clone()));
            }
        }
    }
    assert!(all.len() > 40, "{all:?}");
    let unnoticed: Vec<&String> = all.difference(&noticed).collect();
    assert_eq!(unnoticed, Vec::<&String>::new());
}

/// The key without an attribute, and without those that hold it or that it holds.
fn without(key: &Key, attribute: &str, all: &[String]) -> Key {
    let holds = |whole: &str, part: &str| {
        let rest = part.strip_prefix(whole);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let related = all
        .iter()
        .filter(|other| holds(other, attribute) || holds(attribute, other));
    related.fold(key.clone(), |key, other| key.without(other))
}

/// Whether any change of any of some calls is decided otherwise than its rules say, by this key.
fn is_wrong(policy: &Policy, key: &Key) -> bool {
    bases().iter().any(|base| {
        CHANGES.iter().any(|change| {
            let rulings = RulingMemory::default().rulings(policy);
            let mut other = base.clone();
            change(&mut other);
            let differs = |input: &Input| {
                input.looked_up_by(&rulings, policy, key) != input.evaluated(policy)
            };
            differs(base) || differs(&other)
        })
    })
}

/// What is one after the other digests to another key, however it is cut.
#[test]
fn a_key_says_where_everything_ends_and_what_is_absent() {
    let reads = |must: &str| json!({ "guard": "docs.read", "must": must });
    let policy = policy([
        permit(),
        reads("'accept' in request.headers || 'x-env' in request.headers"),
        reads(
            "has(args.tags) && args.tags.size() > 0 || 'g' in subject.groups || subject.id != ''",
        ),
        json!({ "guard": "docs.read", "constrain": { "query": { "cap": { "a": 1, "b": 2 } } } }),
    ]);
    let Caching::By(key) = caching(&policy) else {
        panic!("no key");
    };
    let mut inputs = Vec::new();
    let mut put = |change: &dyn Fn(&mut Input)| {
        let mut input = Input::new();
        change(&mut input);
        inputs.push(input);
    };
    put(&|_| {});
    for pairs in [
        &[("accept", "a")][..],
        &[("x-env", "a")],
        &[("x-env", "")],
        &[("accept", "ab"), ("x-env", "c")],
        &[("accept", "a"), ("x-env", "bc")],
    ] {
        put(&|it| {
            for (name, value) in pairs {
                changes::header(it, name, value);
            }
        });
    }
    for (name, value) in [("a", "1"), ("b", "1"), ("a", ""), ("b", "")] {
        put(&|it| changes::sent(it, name, value));
    }
    for lists in [&["ab", "c"][..], &["a", "bc"], &["abc"], &[], &[""]] {
        put(&|it| drop(it.args.insert("tags".into(), Value::strings(lists))));
        put(&|it| it.parties.subject.groups = lists.iter().map(|it| (*it).into()).collect());
    }
    put(&|it| {
        it.parties.subject.id.id = "ag".into();
        it.parties.subject.groups = std::sync::Arc::default();
    });
    let keys: BTreeSet<String> = inputs.iter().map(|it| it.key(&key)).collect();
    assert_eq!(keys.len(), inputs.len());
}

#[test]
fn what_is_asked_again_is_found_and_what_changed_is_not() {
    let memory = RulingMemory::default();
    let user =
        json!({ "guard": "docs.read", "constrain": { "headers": { "x-user": "subject.id" } } });
    let policy = policy([permit(), user]);
    let rulings = memory.rulings(&policy);
    let asked = |input: &Input| {
        let before = memory.status().hits;
        drop(input.looked_up(&rulings, &policy));
        memory.status().hits - before
    };
    let input = Input::new();
    assert_eq!((asked(&input), asked(&input)), (0, 1));
    // What no rule reads is not part of it.
    let mut other = input.clone();
    other.request.host = "other.test".into();
    assert_eq!(asked(&other), 1);
    other.parties.subject.id.id = "b".into();
    assert_eq!((asked(&other), asked(&other)), (0, 1));
    // Somebody was revoked.
    other.revocations += 1;
    assert_eq!((asked(&other), asked(&other)), (0, 1));
    assert_eq!(asked(&input), 0);
    // The same policy, loaded again.
    let again = memory.rulings(&policy);
    let before = memory.status().hits;
    drop(other.looked_up(&again, &policy));
    assert_eq!(memory.status().hits, before);
}

#[test]
fn nothing_is_kept_of_a_fault_or_of_a_refusal_that_names_somebody() {
    for (rule, reason) in [
        (
            json!({ "guard": "docs.read", "constrain": { "headers": { "x-path": "params.x + '\\n'" } } }),
            "constraint_failed",
        ),
        (
            json!({ "guard": "docs.read", "must": "params.x != ''" }),
            "not_permitted",
        ),
    ] {
        let memory = RulingMemory::default();
        let open = (reason == "constraint_failed").then(permit);
        let policy = policy(open.into_iter().chain([rule]));
        let rulings = memory.rulings(&policy);
        for _again in 0..2 {
            let Ruling::Decided(verdict) = Input::new().looked_up(&rulings, &policy) else {
                panic!("it waits");
            };
            assert_eq!(verdict.reason(), reason);
            assert!(!matches!(verdict, Verdict::Allow(_)));
        }
        let status = memory.status();
        assert_eq!((status.hits, status.misses, status.entries), (0, 2, 0));
    }
}

/// Rules of which rulings cannot be remembered, and why.
fn obstacles() -> Vec<(Json, &'static str)> {
    let guard = |key: &str, value: Json| json!({ "guard": "docs.read", key: value });
    vec![
        (
            guard("must", json!("request.hour < 6")),
            "`r01` depends on the time",
        ),
        (
            guard(
                "must",
                json!("request.time > timestamp('2026-01-01T00:00:00Z')"),
            ),
            "`r01` depends on the time",
        ),
        (
            guard(
                "require",
                json!([{ "step_up": { "acr": "phr", "max_age": "5m" } }]),
            ),
            "`r01` depends on the time",
        ),
        (
            guard(
                "must",
                json!(
                    "has(subject.claims.roles) && subject.claims.roles.size() > 0 && subject.claims.roles[chain.depth] == 'a'"
                ),
            ),
            "`r01` reads a list or map by a computed key",
        ),
        (
            guard(
                "must",
                json!(
                    "has(subject.claims.limits) && params.x in subject.claims.limits && subject.claims.limits[params.x] > 1"
                ),
            ),
            "`r01` reads a list or map by a computed key",
        ),
        (
            guard(
                "require",
                json!([{ "approval": { "from": { "issuer": "corp", "group": "g" }, "ttl": "1h" } }]),
            ),
            "`r01` asks for an approval",
        ),
        (
            guard(
                "require",
                json!([{ "any_of": [{ "scope": "a" }, { "approval": { "from": { "issuer": "corp", "group": "g" }, "ttl": "1h" } }] }]),
            ),
            "`r01` asks for an approval",
        ),
        (
            guard("must", json!("'x-request-id' in request.headers")),
            "`r01` reads `request.headers.x-request-id`, which no two requests share",
        ),
        // So it is if only a rule in shadow mode does it, or the value of a constraint.
        (
            json!({ "forbid": "docs.read", "when": "request.hour < 6", "mode": "shadow" }),
            "`r01` depends on the time",
        ),
        (
            guard(
                "constrain",
                json!({ "headers": { "x-at": "string(request.time)" } }),
            ),
            "`r01` depends on the time",
        ),
    ]
}

#[test]
fn what_cannot_be_said_beforehand_is_never_looked_up() {
    for (rule, why) in obstacles() {
        let policy = policy([permit(), rule.clone()]);
        match caching(&policy) {
            Caching::Never(obstacle) => assert_eq!(obstacle.to_string(), why, "{rule}"),
            other => panic!("{rule}: {other:?}"),
        }
        let memory = RulingMemory::default();
        let rulings = memory.rulings(&policy);
        for _again in 0..3 {
            drop(Input::new().looked_up(&rulings, &policy));
        }
        let status = memory.status();
        assert_eq!((status.hits, status.misses, status.entries), (0, 0, 0));
    }
}

#[test]
fn a_key_has_what_rules_read_and_nothing_else() {
    let keyed = |rules: &[Json]| match caching(&policy(rules.iter().cloned())) {
        Caching::By(key) => key.attributes(),
        other => panic!("{other:?}"),
    };
    let first = json!({ "guard": "docs.read", "must": "has(subject.claims.roles) && subject.claims.roles[0] == 'a'" });
    assert_eq!(
        keyed(&[permit(), first]),
        ["subject.claims.roles", "scope docs:read"]
    );
    let party = json!({ "permit": "docs.read", "to": { "issuer": "corp", "group": "g" }, "when": "party.id != 'b'" });
    assert_eq!(
        keyed(&[party]),
        [
            "subject.issuer",
            "subject.id",
            "subject.groups",
            "actor.issuer",
            "actor.id",
            "actor.groups",
            "scope docs:read"
        ]
    );
    let more = json!({ "guard": "docs.read", "require": [{ "scope": "docs:more" }, { "proof": "dpop" }],
        "constrain": { "query": { "cap": { "limit": 7 }, "set": { "owner": "has(args.rows) && args.rows > 1 ? 'a' : 'b'" } } }, "when": "has(args.rows)" });
    assert_eq!(
        keyed(&[more]),
        [
            "args.rows",
            "proof",
            "query.limit as sent",
            "credential.bindable",
            "scope docs:more",
            "scope docs:read"
        ]
    );
    // Nothing is computed.
    assert_eq!(caching(&policy([permit()])), Caching::Needless);
}

#[test]
fn what_is_too_large_is_evaluated() {
    let memory = RulingMemory::default();
    let policy = policy([
        permit(),
        json!({ "guard": "docs.read", "must": "has(args.tags) && args.tags.size() > 3" }),
    ]);
    let rulings = memory.rulings(&policy);
    let mut input = Input::new();
    let tags = vec!["a".repeat(1000); 17];
    drop(input.args.insert("tags".into(), Value::strings(&tags)));
    for _again in 0..2 {
        assert_eq!(input.looked_up(&rulings, &policy), input.evaluated(&policy));
    }
    assert_eq!(memory.status().entries, 0);
}

#[test]
fn count_and_bytes_are_bounded() {
    for (most, bytes) in [(8, 1 << 30), (1 << 30, 16 * 1024)] {
        let memory = RulingMemory::bounded(most, bytes);
        let policy = policy([
            permit(),
            json!({ "guard": "docs.read", "constrain": { "headers": { "x-user": "subject.id" } } }),
        ]);
        let rulings = memory.rulings(&policy);
        let mut input = Input::new();
        for number in 0..200 {
            input.parties.subject.id.id = format!("user-{number}").into();
            drop(input.looked_up(&rulings, &policy));
        }
        let status = memory.status();
        assert!((1..=most.min(40)).contains(&status.entries), "{status:?}");
        assert!(status.bytes <= bytes, "{status:?}");
        assert!(status.evictions >= 160, "{status:?}");
    }
}

#[test]
fn every_stand_is_counted() {
    let policy = policy([
        permit(),
        json!({ "guard": "docs.read", "must": "params.x != ''" }),
    ]);
    let rulings = RulingMemory::default().rulings(&policy);
    let stands = rulings.stands();
    assert_eq!(stands.iter().map(|(_, count)| count).sum::<usize>(), 1);
    assert_eq!(stands[0], (Stand::Weighed.as_str(), 1));
}
