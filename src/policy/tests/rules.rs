//! The rules of deciding, one by one.

use serde_json::json;

use super::super::{Mode, Policy, Scan};
use super::{FAILS, Given, party, policy, readers};
use crate::model::identity::Proof;
use crate::model::party::{Kind, Party};
use crate::model::reason::Reason;
use crate::model::verdict::{Remedy, StepUp, Verdict};

fn remedy(verdict: Verdict) -> Option<Remedy> {
    match verdict {
        Verdict::Deny(denial) => denial.remedy,
        Verdict::Allow(_) | Verdict::Pending(_) | Verdict::Fault(_) => None,
    }
}

#[test]
fn without_a_rule_everything_is_denied() {
    let policy = policy(&json!([]));
    assert_eq!(
        Given::human("alice", &[], "docs.read").reason(&policy),
        "not_permitted"
    );
    assert_eq!(
        Given::new(Party::anonymous(), "docs.read").reason(&policy),
        "authentication_required"
    );
}

#[test]
fn only_a_permit_that_names_them_reaches_anonymous_callers() {
    let policy = policy(&json!([
        { "id": "somebody", "permit": "docs.read", "to": { "id": "*" } },
        { "id": "anybody", "permit": "vault.open", "to": { "kind": ["anonymous", "human"] } },
    ]));
    assert_eq!(
        Given::new(Party::anonymous(), "docs.read").reason(&policy),
        "authentication_required"
    );
    assert_eq!(
        Given::new(Party::anonymous(), "vault.open").reason(&policy),
        "permitted"
    );
}

#[test]
fn both_the_subject_and_the_actor_need_a_permit() {
    let policy = policy(&json!([
        readers(),
        { "id": "bots", "permit": "docs.read", "to": { "kind": "agent", "group": "bots" }, "when": "delegated" },
    ]));
    let bot = || party(Kind::Agent, "bot", &["bots"]);
    assert_eq!(
        Given::human("alice", &[], "docs.read")
            .acting(bot())
            .reason(&policy),
        "permitted"
    );
    assert_eq!(
        Given::new(bot(), "docs.read").reason(&policy),
        "not_permitted"
    );
    let stranger = party(Kind::Agent, "stranger", &[]);
    assert_eq!(
        Given::human("alice", &[], "docs.read")
            .acting(stranger)
            .reason(&policy),
        "not_permitted"
    );
    let service = Given::new(party(Kind::Service, "svc", &[]), "docs.read").acting(bot());
    assert_eq!(service.reason(&policy), "not_permitted");
}

#[test]
fn a_forbid_of_any_party_comes_first() {
    let policy = policy(&json!([
        readers(),
        { "id": "bots", "permit": "docs.read", "to": { "kind": "agent" } },
        { "id": "no-bad-bot", "forbid": "docs.read", "to": { "id": "bad-bot" } },
        { "id": "never", "guard": "docs.read", "must": "false" },
    ]));
    let call = Given::human("alice", &[], "docs.read").acting(party(Kind::Agent, "bad-bot", &[]));
    assert_eq!(call.reason(&policy), "forbidden");
    assert_eq!(
        Given::human("alice", &[], "docs.read").reason(&policy),
        "guard_unmet"
    );
}

#[test]
fn an_error_lets_nobody_in() {
    let call = Given::human("alice", &[], "docs.read");
    let permit = policy(
        &json!([{ "id": "p", "permit": "docs.read", "to": { "kind": "human" }, "when": FAILS }]),
    );
    assert_eq!(call.reason(&permit), "not_permitted");
    for (key, effect, reason) in [
        ("when", "forbid", "forbidden"),
        ("unless", "forbid", "forbidden"),
        ("when", "guard", "guard_unmet"),
        ("unless", "guard", "guard_unmet"),
        ("must", "guard", "guard_unmet"),
    ] {
        let mut rule = json!({ "id": "r", effect: "docs.read", key: FAILS });
        if effect == "guard" && key != "must" {
            rule["must"] = json!("true");
        }
        assert_eq!(
            call.reason(&policy(&json!([readers(), rule]))),
            reason,
            "{effect} {key}"
        );
    }
    let absorbed = format!("{FAILS} || true");
    let guarded =
        policy(&json!([readers(), { "id": "g", "guard": "docs.read", "must": absorbed }]));
    assert_eq!(
        call.reason(&guarded),
        "guard_unmet",
        "an error is not absorbed by `|| true`"
    );
    assert_eq!(call.level(1).reason(&guarded), "permitted");
}

#[test]
fn a_guard_without_to_covers_everybody() {
    let policy = policy(&json!([
        { "id": "anybody", "permit": "docs.read", "to": { "kind": ["anonymous", "human", "agent"] } },
        { "id": "in-incident", "guard": "docs.read", "must": "conditions.incident" },
        { "id": "agents-never", "guard": "docs.read", "to": { "kind": "agent" }, "must": "false" },
    ]));
    let open = |mut call: Given| {
        call.incident = true;
        call
    };
    assert_eq!(
        Given::new(Party::anonymous(), "docs.read").reason(&policy),
        "guard_unmet"
    );
    assert_eq!(
        open(Given::new(Party::anonymous(), "docs.read")).reason(&policy),
        "permitted"
    );
    let delegated =
        open(Given::human("alice", &[], "docs.read")).acting(party(Kind::Agent, "bot", &[]));
    assert_eq!(
        delegated.reason(&policy),
        "guard_unmet",
        "a guard that matches any party applies"
    );
}

#[test]
fn all_missing_scopes_are_named_at_once() {
    let policy = policy(&json!([
        { "id": "writers", "permit": "docs.write", "to": { "kind": "human" } },
        { "id": "more", "guard": "docs.write", "require": [{ "scope": "docs:publish" }, { "scope": ["docs:sign"] }] },
    ]));
    let call = Given::human("alice", &[], "docs.write");
    let all = ["docs:publish", "docs:sign", "docs:write"];
    let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    let scopes = |names: &[&str]| {
        let (missing, needed) = (list(names), list(&all));
        Some(Remedy::Scope { missing, needed })
    };
    assert_eq!(call.reason(&policy), "insufficient_scope");
    assert_eq!(remedy(call.verdict(&policy)), scopes(&all));
    let partly = call.clone().scopes(&["docs:write", "docs:sign"]);
    assert_eq!(remedy(partly.verdict(&policy)), scopes(&["docs:publish"]));
    assert_eq!(
        call.scopes(&["docs:write", "docs:sign", "docs:publish"])
            .reason(&policy),
        "permitted"
    );
}

#[test]
fn scopes_that_the_token_has_are_needed_where_they_count() {
    let policy = policy(&json!([
        { "id": "writers", "permit": "docs.write", "to": { "kind": "human" } },
        { "id": "either", "guard": "docs.write", "require": [{ "any_of": [{ "scope": "docs:admin" }, { "scope": "docs:sign" }] }] },
    ]));
    let call = Given::human("alice", &[], "docs.write").scopes(&["docs:sign", "mail:read"]);
    let Some(Remedy::Scope { missing, needed }) = remedy(call.verdict(&policy)) else {
        panic!("no scope is asked for");
    };
    assert_eq!(missing, [std::sync::Arc::from("docs:write")]);
    assert_eq!(
        needed,
        [
            std::sync::Arc::from("docs:sign"),
            std::sync::Arc::from("docs:write")
        ]
    );
}

#[test]
fn a_caller_without_a_permit_is_not_sent_for_a_scope() {
    let policy = policy(
        &json!([{ "id": "more", "guard": "docs.write", "require": [{ "scope": "docs:sign" }] }]),
    );
    let verdict = Given::human("alice", &[], "docs.write").verdict(&policy);
    assert_eq!((verdict.reason(), remedy(verdict)), ("not_permitted", None));
}

#[test]
fn a_step_up_is_met_by_the_human_subject_only() {
    let policy = policy(&json!([
        { "id": "openers", "permit": "vault.open", "to": { "kind": ["human", "service"] } },
        { "id": "strong", "guard": "vault.open", "require": [{ "step_up": { "acr": ["phr", "phrh"], "max_age": "5m" } }] },
    ]));
    let mut call = Given::human("alice", &[], "vault.open");
    let expected = StepUp {
        acr: vec!["phr".into(), "phrh".into()],
        max_age: Some(300),
    };
    assert_eq!(call.reason(&policy), "insufficient_user_authentication");
    assert_eq!(
        remedy(call.verdict(&policy)),
        Some(Remedy::StepUp(expected))
    );
    call.parties.subject.assurance.acr = Some("phrh".into());
    assert_eq!(
        call.reason(&policy),
        "insufficient_user_authentication",
        "an absent auth_time does not meet max_age"
    );
    let now = crate::model::time::Timestamp::from_seconds(1_800_000_000);
    call.parties.subject.assurance.auth_time = Some(now.minus(std::time::Duration::from_secs(301)));
    assert_eq!(call.reason(&policy), "insufficient_user_authentication");
    call.parties.subject.assurance.auth_time = Some(now.minus(std::time::Duration::from_mins(5)));
    assert_eq!(call.reason(&policy), "permitted");
    call.parties.subject.kind = Kind::Service;
    let verdict = call.verdict(&policy);
    assert_eq!(
        (verdict.reason(), remedy(verdict)),
        ("requirement_unmet", None)
    );
}

#[test]
fn a_workload_is_demanded_before_permits_and_has_no_remedy() {
    let policy = policy(&json!([
        { "id": "in-ci", "guard": "docs.read", "require": [{ "workload": "spiffe://example.org/ci/*" }] },
        readers(),
    ]));
    let mut call = Given::human("alice", &[], "docs.read");
    let verdict = call.verdict(&policy);
    assert_eq!(
        (verdict.reason(), remedy(verdict)),
        ("workload_required", None)
    );
    let either = self::policy(&json!([
        { "id": "in-ci", "guard": "docs.read", "require": [{ "any_of": [
            { "workload": "spiffe://example.org/ci/a" }, { "workload": "spiffe://example.org/ci/b" } ] }] },
    ]));
    assert_eq!(
        call.reason(&either),
        "workload_required",
        "before permits, as alternatives too"
    );
    call.workload = Some("spiffe://example.org/ci/a/b");
    assert_eq!(call.reason(&policy), "workload_required");
    call.workload = Some("spiffe://example.org/ci/a");
    assert_eq!(call.reason(&policy), "permitted");
}

#[test]
fn of_alternatives_the_cheapest_that_this_caller_can_meet_is_named() {
    let policy = policy(&json!([
        { "id": "openers", "permit": "vault.open", "to": { "kind": ["human", "service"] } },
        { "id": "either", "guard": "vault.open", "require": [{ "any_of": [
            { "workload": "spiffe://example.org/vault" }, { "step_up": { "acr": "phr" } }, { "scope": "vault:open" } ] }] },
    ]));
    let mut call = Given::human("alice", &[], "vault.open");
    assert_eq!(call.reason(&policy), "insufficient_scope");
    call.workload = Some("spiffe://example.org/vault");
    assert_eq!(call.reason(&policy), "permitted");
    let step = self::policy(&json!([
        { "id": "openers", "permit": "vault.open", "to": { "kind": ["human", "service"] } },
        { "id": "either", "guard": "vault.open", "require": [{ "any_of": [
            { "workload": "spiffe://example.org/vault" }, { "step_up": { "acr": "phr" } } ] }] },
    ]));
    assert_eq!(
        Given::human("alice", &[], "vault.open").reason(&step),
        "insufficient_user_authentication"
    );
    let service = Given::new(party(Kind::Service, "svc", &[]), "vault.open");
    assert_eq!(service.reason(&step), "requirement_unmet");
}

#[test]
fn constraints_are_merged_to_the_stricter() {
    let policy = policy(&json!([
        readers(),
        { "id": "a", "guard": "docs.read", "constrain": { "strip": "cookie", "headers": { "x-user": "subject.id" }, "query": { "cap": { "limit": 100 } } } },
        { "id": "b", "guard": "docs.read", "to": { "kind": "human" }, "constrain": { "strip": ["authorization"], "query": { "cap": { "limit": 50 }, "remove": "debug" } } },
    ]));
    let mut call = Given::human("alice", &[], "docs.read");
    for (given, expected) in [
        (None, Some("50")),
        (Some("20"), None),
        (Some("50"), None),
        (Some("51"), Some("50")),
    ] {
        call.query = given
            .map(|text: &str| ("limit".to_owned(), text.to_owned()))
            .into_iter()
            .collect();
        let Verdict::Allow(grant) = call.verdict(&policy) else {
            panic!("denied")
        };
        let constraints = grant.constraints;
        assert_eq!(
            constraints.query.get("limit").map(String::as_str),
            expected,
            "{given:?}"
        );
        assert_eq!(
            constraints.headers.get("x-user").map(String::as_str),
            Some("alice")
        );
        let strip: Vec<&str> = constraints.strip.iter().map(AsRef::as_ref).collect();
        assert_eq!(strip, ["authorization", "cookie"]);
        assert!(constraints.strip_query.contains("debug"));
    }
    for bad in ["ten", "-1", "007", "1e3", ""] {
        call.query = vec![("limit".to_owned(), bad.to_owned())];
        assert_eq!(call.reason(&policy), "cap_not_numeric", "{bad:?}");
    }
}

#[test]
fn metadata_that_is_too_large_for_an_answer_is_a_fault() {
    let noted = policy(&json!([readers(),
        { "id": "g", "guard": "docs.read", "constrain": { "metadata": { "who": "subject.id" } } }]));
    let named = |length: usize| Given::human(&"a".repeat(length), &[], "docs.read");
    assert_eq!(named(16_000).reason(&noted), "permitted");
    assert_eq!(named(16_384).reason(&noted), "constraint_failed");
}

#[test]
fn a_value_that_cannot_be_set_is_a_fault() {
    let with = |expression: &str| {
        policy(
            &json!([readers(), { "id": "g", "guard": "docs.read", "constrain": { "headers": { "x-user": expression } } }]),
        )
    };
    let call = Given::human("alice\r\nx-admin: 1", &[], "docs.read");
    assert_eq!(call.reason(&with("subject.id")), "constraint_failed");
    let call = Given::human("alice", &[], "docs.read");
    assert_eq!(
        call.reason(&with(&format!("{FAILS} ? 'a' : 'b'"))),
        "constraint_failed"
    );
    let conflicting = policy(&json!([
        readers(),
        { "id": "a", "guard": "docs.read", "to": { "kind": "human" }, "constrain": { "headers": { "x-user": "subject.id" } } },
        { "id": "b", "guard": "docs.read", "constrain": { "headers": { "x-user": "'other'" } } },
    ]));
    assert_eq!(call.reason(&conflicting), "constraint_conflict");
}

#[test]
fn an_empty_identity_header_is_removed_instead() {
    let policy = policy(&json!([
        readers(),
        { "id": "g", "guard": "docs.read", "constrain": { "headers": { "x-team": "has(subject.claims.team) ? subject.claims.team : ''" } } },
    ]));
    let Verdict::Allow(grant) = Given::human("alice", &[], "docs.read").verdict(&policy) else {
        panic!("denied")
    };
    assert!(grant.constraints.headers.is_empty());
    assert!(grant.constraints.strip.contains("x-team"));
}

#[test]
fn shadow_rules_decide_nothing() {
    let policy = policy(&json!([
        readers(),
        { "id": "soon", "forbid": "docs.read", "to": { "id": "alice" }, "mode": "shadow" },
        { "id": "faulty", "guard": "docs.read", "constrain": { "headers": { "x-user": format!("{FAILS} ? 'a' : 'b'") } }, "mode": "shadow" },
    ]));
    let call = Given::human("alice", &[], "docs.read");
    assert_eq!(call.reason(&policy), "permitted");
    assert_eq!(
        call.run(&policy, Mode::WithShadow, Scan::Indexed).reason(),
        "forbidden"
    );
    assert_eq!(
        Given::human("bob", &[], "docs.read")
            .run(&policy, Mode::WithShadow, Scan::Indexed)
            .reason(),
        "constraint_failed"
    );
}

#[test]
fn permits_see_the_party_that_they_are_asked_for() {
    let policy = policy(&json!([
        { "id": "own-kind", "permit": "docs.read", "to": { "kind": ["human", "agent"] }, "when": "party.kind == 'human' || party.id == 'bot'" },
    ]));
    let with = |id| {
        Given::human("alice", &[], "docs.read")
            .acting(party(Kind::Agent, id, &[]))
            .reason(&policy)
    };
    assert_eq!((with("bot"), with("other")), ("permitted", "not_permitted"));
}

#[test]
fn a_caller_without_a_credential_is_asked_to_authenticate_for_what_only_a_credential_has() {
    for require in [
        json!([{ "scope": "extra" }]),
        json!([{ "step_up": { "acr": "phr" } }]),
        json!([{ "any_of": [{ "workload": "spiffe://a.test/x" }, { "scope": "extra" }] }]),
    ] {
        let policy = policy(&json!([
            { "id": "anyone", "permit": "docs.read", "to": { "kind": ["anonymous", "human"] } },
            { "id": "more", "guard": "docs.read", "require": require },
        ]));
        let verdict = Given::new(Party::anonymous(), "docs.read").verdict(&policy);
        let Verdict::Deny(denial) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(
            (denial.reason, denial.remedy),
            (Reason::AuthenticationRequired, Some(Remedy::Authenticate)),
            "{require}"
        );
    }
}

#[test]
fn a_shadow_guard_strips_nothing() {
    let with = |mode: &str| {
        policy(&json!([
            readers(),
            { "id": "h", "guard": "docs.read", "mode": mode, "constrain": { "headers": { "x-user": "subject.id" } } },
        ]))
    };
    assert!(with("enforce").settable_headers().contains("x-user"));
    assert!(with("shadow").settable_headers().is_empty());
}

fn proven(proof: Proof) -> Given {
    let mut call = Given::human("alice", &["team"], "docs.read");
    call.proof = proof;
    call
}

fn proof_policy(require: &serde_json::Value) -> Policy {
    policy(&json!([
        { "id": "anyone", "permit": "docs.read", "to": { "kind": ["anonymous", "human"] } },
        { "id": "proven", "guard": "docs.read", "require": require },
    ]))
}

#[test]
fn a_proof_is_met_by_the_call_and_by_nothing_else() {
    for (require, dpop, mtls) in [
        (json!([{ "proof": "dpop" }]), "permitted", "proof_required"),
        (
            json!([{ "proof": ["mtls"] }]),
            "proof_required",
            "permitted",
        ),
        (
            json!([{ "proof": ["dpop", "mtls"] }]),
            "permitted",
            "permitted",
        ),
        (
            json!([{ "proof": "dpop" }, { "proof": ["mtls", "dpop"] }]),
            "permitted",
            "proof_required",
        ),
        (
            json!([{ "any_of": [{ "proof": "dpop" }, { "workload": "spiffe://a.test/x" }] }]),
            "permitted",
            "proof_required",
        ),
    ] {
        let policy = proof_policy(&require);
        assert_eq!(proven(Proof::Dpop).reason(&policy), dpop, "{require}");
        assert_eq!(proven(Proof::Mtls).reason(&policy), mtls, "{require}");
        assert_eq!(
            proven(Proof::None).reason(&policy),
            "proof_required",
            "{require}"
        );
    }
}

#[test]
fn a_proof_is_asked_of_those_who_can_bring_it_and_after_scope() {
    let denial =
        |call: &Given, require: serde_json::Value| match call.verdict(&proof_policy(&require)) {
            Verdict::Deny(denial) => (denial.reason, denial.remedy),
            verdict => panic!("{verdict:?}"),
        };
    let both = json!([{ "proof": ["dpop", "mtls"] }]);
    assert_eq!(
        denial(&proven(Proof::None), both.clone()),
        (
            Reason::ProofRequired,
            Some(Remedy::Proof(vec![Proof::Dpop, Proof::Mtls]))
        )
    );
    assert_eq!(
        denial(&Given::new(Party::anonymous(), "docs.read"), both.clone()),
        (Reason::AuthenticationRequired, Some(Remedy::Authenticate))
    );
    let mut key = proven(Proof::None);
    key.bindable = false;
    assert_eq!(denial(&key, both), (Reason::RequirementUnmet, None));
    assert_eq!(
        denial(
            &proven(Proof::None),
            json!([{ "proof": "dpop" }, { "scope": "more" }])
        )
        .0,
        Reason::InsufficientScope
    );
    assert_eq!(
        denial(
            &proven(Proof::None),
            json!([{ "proof": "dpop" }, { "step_up": { "acr": "phr" } }])
        )
        .0,
        Reason::StepUpRequired
    );
    assert_eq!(
        denial(
            &proven(Proof::None),
            json!([{ "any_of": [{ "proof": "dpop" }, { "scope": "more" }] }])
        )
        .0,
        Reason::InsufficientScope
    );
    assert_eq!(
        denial(
            &proven(Proof::None),
            json!([{ "proof": "dpop" }, { "proof": "mtls" }])
        ),
        (Reason::RequirementUnmet, None)
    );
}

#[test]
fn conditions_read_the_proof() {
    let policy = policy(&json!([
        { "id": "proven-only", "permit": "docs.read", "to": { "kind": "human" }, "when": "proof in ['dpop', 'mtls']" },
    ]));
    for (proof, reason) in [
        (Proof::None, "not_permitted"),
        (Proof::Dpop, "permitted"),
        (Proof::Mtls, "permitted"),
    ] {
        assert_eq!(proven(proof).reason(&policy), reason);
    }
}

#[test]
fn a_proof_has_a_known_name() {
    for proof in [
        json!("none"),
        json!("tls"),
        json!([]),
        json!(["dpop", "x"]),
        json!(""),
    ] {
        let rules = json!([{ "id": "a", "guard": "docs.read", "require": [{ "proof": proof }] }]);
        let errors = super::try_policy(&["corp"], &rules).unwrap_err();
        assert!(
            errors.iter().any(|it| it.starts_with("invalid-proof")),
            "{errors:?}"
        );
    }
}
