//! Tokens that rules demand: never good for more than what came in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::token::{is_within, stricter};
use super::{Given, policy, token, try_minting, try_policy};
use crate::model::name::RuleId;
use crate::model::verdict::{TokenDemand, Verdict};

/// A permit for every human on `docs.write`, which demands `docs:write`, and guards.
fn rules(guards: &[Json]) -> Json {
    let writers = json!({ "id": "writers", "permit": "docs.write", "to": { "kind": "human" } });
    let mut rules = vec![writers];
    rules.extend(guards.iter().cloned());
    Json::Array(rules)
}

fn guard(id: &str, token: &Json) -> Json {
    json!({ "id": id, "guard": "docs.write", "constrain": { "token": token } })
}

fn errors(rule: &Json) -> Vec<String> {
    try_policy(&["corp"], &rules(std::slice::from_ref(rule)))
        .err()
        .unwrap_or_default()
}

fn writer() -> Given {
    Given::human("alice", &[], "docs.write").scopes(&["docs:write", "docs:admin"])
}

fn demand(audience: &str, scope: &[&str], ttl: u64) -> TokenDemand {
    TokenDemand {
        audience: Arc::from(audience),
        scope: scope.iter().map(|scope| Arc::from(*scope)).collect(),
        ttl: Duration::from_secs(ttl),
    }
}

fn demanded(given: &Given, guards: &[Json]) -> Result<Option<TokenDemand>, &'static str> {
    match given.verdict(&policy(&rules(guards))) {
        Verdict::Allow(grant) => Ok(grant.constraints.token),
        verdict @ (Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_)) => {
            Err(verdict.reason())
        }
    }
}

#[test]
fn an_allowed_call_says_which_token_it_goes_on_with() {
    let short = guard("a", &json!({ "audience": "store", "scope": "docs:write" }));
    let expected = demand("store", &["docs:write"], 30);
    assert_eq!(
        demanded(&writer(), std::slice::from_ref(&short)),
        Ok(Some(expected))
    );
    // Whoever lacks the scope is told so by the action itself, and no token is spoken of.
    let without = Given::human("alice", &[], "docs.write");
    assert_eq!(demanded(&without, &[short]), Err("insufficient_scope"));
    assert_eq!(demanded(&writer(), &[]), Ok(None));
}

#[test]
fn two_guards_demand_what_both_allow() {
    let long = json!({ "audience": "store", "scope": "docs:write", "ttl": "5m" });
    let short = json!({ "audience": "store", "scope": ["docs:write"], "ttl": "2s" });
    for guards in [[&long, &short], [&short, &long]] {
        let guards = [guard("a", guards[0]), guard("b", guards[1])];
        let expected = demand("store", &["docs:write"], 2);
        assert_eq!(demanded(&writer(), &guards), Ok(Some(expected)));
    }
}

#[test]
fn two_audiences_are_a_conflict_at_load_and_when_they_meet() {
    let store = guard("a", &json!({ "audience": "store", "scope": "docs:write" }));
    let mut other = guard("b", &json!({ "audience": "other", "scope": "docs:write" }));
    let both = rules(&[store.clone(), other.clone()]);
    let found = try_policy(&["corp"], &both).err().unwrap();
    assert!(found[0].starts_with("constraint-conflict: "), "{found:?}");
    // Where one of them is conditional, only the call shows it.
    other["when"] = json!("subject.id == 'alice'");
    let guards = [store, other];
    assert_eq!(demanded(&writer(), &guards), Err("constraint_conflict"));
    let bob = Given::human("bob", &[], "docs.write").scopes(&["docs:write"]);
    assert!(demanded(&bob, &guards).is_ok());
}

#[test]
fn scopes_are_what_both_name_and_never_nothing() {
    let rule = RuleId::new("r").unwrap();
    let of = |scope: &[&str]| demand("store", scope, 30);
    let both = stricter(Some(of(&["a", "b"])), &of(&["b", "c"]), &rule).unwrap();
    assert_eq!(both.scope, BTreeSet::from([Arc::from("b")]));
    let fault = stricter(Some(of(&["a"])), &of(&["c"]), &rule).unwrap_err();
    assert_eq!(fault.code.as_str(), "constraint_conflict");
    assert_eq!(fault.rule, Some(rule));
}

#[test]
fn a_token_is_within_the_credential() {
    let credential = token(&[Arc::from("a"), Arc::from("b")]);
    for (scope, within) in [
        (&["a"][..], true),
        (&["a", "b"], true),
        (&["a", "c"], false),
        (&[], false),
    ] {
        let demand = demand("store", scope, 30);
        assert_eq!(is_within(&demand, Some(&credential)), within, "{scope:?}");
        assert!(!is_within(&demand, None), "{scope:?}");
    }
}

#[test]
fn what_is_wider_than_the_action_is_found_at_load() {
    for (token, code) in [
        (
            json!({ "audience": "store", "scope": "docs:admin" }),
            "token-scope: constrain.token.scope",
        ),
        (
            json!({ "audience": "store", "scope": ["docs:write", "docs:read"] }),
            "token-scope: constrain.token.scope[1]",
        ),
        (
            json!({ "audience": "store", "scope": "docs:*" }),
            "token-scope",
        ),
        (json!({ "audience": "store", "scope": [] }), "token-scope"),
        (json!({ "audience": "store", "scope": "" }), "token-scope"),
        (
            json!({ "audience": "https://api.test", "scope": "docs:write" }),
            "token-audience: constrain.token.audience",
        ),
        (
            json!({ "audience": "https://API.test/", "scope": "docs:write" }),
            "token-audience",
        ),
        (
            json!({ "audience": "", "scope": "docs:write" }),
            "token-audience",
        ),
        (
            json!({ "audience": "a b", "scope": "docs:write" }),
            "token-audience",
        ),
        (
            json!({ "audience": "a".repeat(257), "scope": "docs:write" }),
            "token-audience",
        ),
        (
            json!({ "audience": "store", "scope": "docs:write", "ttl": "999ms" }),
            "out-of-range: constrain.token.ttl",
        ),
        (
            json!({ "audience": "store", "scope": "docs:write", "ttl": "301s" }),
            "out-of-range",
        ),
    ] {
        let found = errors(&guard("a", &token));
        assert!(found[0].starts_with(code), "{token}: {found:?}");
        assert_eq!(found.len(), 1, "{found:?}");
    }
    for ttl in ["1s", "300s"] {
        let token = json!({ "audience": "store", "scope": "docs:write", "ttl": ttl });
        assert_eq!(errors(&guard("a", &token)), [""; 0], "{ttl}");
    }
}

#[test]
fn a_demand_holds_for_every_action_that_the_rule_covers() {
    let token = json!({ "audience": "store", "scope": "docs:write" });
    let rule = json!({ "id": "a", "guard": "docs.*", "constrain": { "token": token } });
    let found = errors(&rule);
    assert!(found[0].contains("on action `docs.read`"), "{found:?}");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn without_keys_no_token_can_be_demanded() {
    let rules = rules(&[guard(
        "a",
        &json!({ "audience": "store", "scope": "docs:write" }),
    )]);
    let found = try_minting(&["corp"], &rules, None).err().unwrap();
    assert!(
        found[0].starts_with("no-token-section: constrain.token"),
        "{found:?}"
    );
}

#[test]
fn no_rule_touches_the_header_of_minted_tokens() {
    for constrain in [
        json!({ "headers": { "txn-token": "'mine'" } }),
        json!({ "headers": { "txn_token": "'mine'" } }),
        json!({ "strip": "txn-token" }),
        json!({ "strip": ["x-debug", "txn_token"] }),
    ] {
        let rule = json!({ "id": "a", "guard": "docs.write", "constrain": constrain });
        let found = errors(&rule);
        assert!(
            found[0].starts_with("token-header: "),
            "{constrain}: {found:?}"
        );
        // Where no tokens are minted, it is a header like any other.
        let rules = rules(&[rule]);
        assert!(try_minting(&["corp"], &rules, None).is_ok(), "{constrain}");
    }
}

#[test]
fn the_policy_says_which_actions_go_on_with_a_token() {
    let token = json!({ "audience": "store", "scope": "docs:write" });
    let with = |mode: &str| {
        let mut rule = guard("a", &token);
        rule["mode"] = json!(mode);
        policy(&rules(&[rule]))
    };
    let route = super::route(&["corp"]);
    let named = |id: &str| {
        let mut actions = route.actions.iter();
        actions.find(|action| action.id.as_str() == id).unwrap()
    };
    let enforced = with("enforce");
    assert!(enforced.demands_tokens());
    assert!(enforced.demands_token(named("docs.write")));
    assert!(!enforced.demands_token(named("docs.read")));
    let shadow = with("shadow");
    assert!(!shadow.demands_tokens() && !shadow.demands_token(named("docs.write")));
    assert_eq!(demanded(&writer(), &[]), Ok(None));
}
