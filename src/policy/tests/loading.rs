//! What cannot be loaded, and what loads with a warning.

use serde_json::{Value as Json, json};

use super::{FAILS, readers, try_policy};

fn errors(rules: &Json) -> Vec<String> {
    try_policy(&["corp"], rules).err().unwrap_or_default()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_are_found_at_load() {
    for (rule, code) in [
        (
            json!({ "id": "r", "permit": "docs.read" }),
            "permit-without-to",
        ),
        (
            json!({ "id": "r", "permit": "docs.read", "to": {} }),
            "empty-to",
        ),
        (json!({ "id": "r" }), "no-effect"),
        (
            json!({ "id": "r", "permit": "docs.read", "forbid": "docs.read", "to": { "id": "a" } }),
            "two-effects",
        ),
        (
            json!({ "id": "r", "permit": "docs.read", "to": { "id": "a" }, "must": "true" }),
            "misplaced-key",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "require": [{ "scope": "a" }] }),
            "misplaced-key",
        ),
        (
            json!({ "id": "r", "permit": "docs.raed", "to": { "id": "a" } }),
            "unknown-action",
        ),
        (json!({ "id": "r", "guard": "docs.read" }), "empty-guard"),
        (
            json!({ "id": "r", "guard": "docs.read", "must": "subject.claims.levle > 1" }),
            "invalid-expression",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "must": "subject.claims.level == 'a'" }),
            "invalid-expression",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "must": "party.id == 'a'" }),
            "invalid-expression",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "must": "subject.claims.team == 'a'" }),
            "invalid-expression",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "issuer": "crop" } }),
            "unknown-issuer",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "kind": "robot" } }),
            "invalid-kind",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "claim": { "taem": "a" } } }),
            "unknown-claim",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "claim": { "level": "a" } } }),
            "type-mismatch",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "must": "true", "mode": "dry" }),
            "invalid-mode",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "require": [{}] }),
            "invalid-requirement",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "require": [{ "workload": "ci" }] }),
            "invalid-workload",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "headers": { "X-User": "subject.id" } } }),
            "invalid-header",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "headers": { "host": "subject.id" } } }),
            "reserved-header",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "strip": "a", "headers": { "a": "subject.id" } } }),
            "set-and-removed",
        ),
        (
            json!({ "id": "r", "guard": { "tier": "huge" }, "must": "true" }),
            "invalid-tier",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "claim": { "level": [] } } }),
            "empty-list: to.claim.level",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "kind": [] } }),
            "empty-list: to.kind",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "kind": "anonymous", "id": "a" } }),
            "anonymous-attribute: to.id",
        ),
        (
            json!({ "id": "r", "permit": "docs.read", "to": { "kind": ["human", "anonymous"], "group": "*" } }),
            "anonymous-attribute: to.group",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "kind": ["human", "robot"] } }),
            "invalid-kind: to.kind[1]",
        ),
        (
            json!({ "id": "r", "forbid": "docs.read", "to": { "issuer": ["corp", "crop"] } }),
            "unknown-issuer: to.issuer[1]",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": {} }),
            "empty-guard",
        ),
        (
            json!({ "id": "r", "permit": "docs.read", "to": { "id": "a" }, "require": [] }),
            "misplaced-key: require",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "require": [{ "workload": "spiffe://ex*/ci" }] }),
            "invalid-workload",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "require": [{ "workload": "spiffe://Example.org/ci" }] }),
            "invalid-workload",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "query": { "set": { "a b": "'x'" } } } }),
            "invalid-parameter: constrain.query.set.a b",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "query": { "cap": { "a[]": 1 } } } }),
            "invalid-parameter: constrain.query.cap.a[]",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "query": { "remove": ["a", "\u{e9}"] } } }),
            "invalid-parameter: constrain.query.remove[1]",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "query": { "set": { "a": "'x'" }, "cap": { "a": 1 } } } }),
            "set-and-capped: constrain.query.set.a",
        ),
        (
            json!({ "id": "r", "guard": "docs.read", "constrain": { "strip": "keep-alive" } }),
            "reserved-header: constrain.strip",
        ),
        (
            json!({ "id": "a b", "guard": "docs.read", "must": "true" }),
            "invalid-name",
        ),
    ] {
        let found = errors(&json!([rule]));
        assert!(
            found.iter().any(|text| text.starts_with(code)),
            "{rule}: {found:?}"
        );
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    let found = errors(&json!([
        { "id": "a", "permit": "docs.raed", "to": { "kind": "robot" } },
        { "id": "b", "guard": "docs.read", "when": "nope", "must": "1" },
        readers(),
        readers(),
    ]));
    for code in [
        "unknown-action",
        "invalid-kind",
        "invalid-expression: when",
        "invalid-expression: must",
        "duplicate-rule",
    ] {
        assert!(
            found.iter().any(|text| text.contains(code)),
            "{code}: {found:?}"
        );
    }
}

#[test]
fn with_two_providers_names_need_an_issuer() {
    let rule = |to: Json| json!([{ "id": "r", "permit": "docs.read", "to": to }]);
    let two = |to: Json| {
        try_policy(&["corp", "ci"], &rule(to))
            .err()
            .unwrap_or_default()
    };
    for to in [
        json!({ "id": "a" }),
        json!({ "group": "a" }),
        json!({ "claim": { "level": 1 } }),
    ] {
        assert!(
            two(to.clone())
                .iter()
                .any(|text| text.starts_with("issuer-needed")),
            "{to}"
        );
    }
    assert!(two(json!({ "kind": "human" })).is_empty());
    assert!(two(json!({ "issuer": "corp", "id": "a" })).is_empty());
}

#[test]
fn guards_that_always_set_a_header_differently_are_an_error() {
    let guard = |id: &str, value: &str| json!({ "id": id, "guard": "docs.read", "constrain": { "headers": { "x-user": value } } });
    let found = errors(&json!([
        readers(),
        guard("a", "subject.id"),
        guard("b", "actor.id")
    ]));
    assert!(
        found.iter().any(|text| text.starts_with("header-conflict")),
        "{found:?}"
    );
    assert!(
        errors(&json!([
            readers(),
            guard("a", "subject.id"),
            guard("b", "subject.id")
        ]))
        .is_empty()
    );
}

#[test]
fn guards_that_always_contradict_each_other_are_an_error() {
    for (one, two) in [
        (
            json!({ "response_headers": { "x-a": "'1'" } }),
            json!({ "response_headers": { "x-a": "'2'" } }),
        ),
        (
            json!({ "query": { "set": { "a": "'1'" } } }),
            json!({ "query": { "set": { "a": "'2'" } } }),
        ),
        (
            json!({ "query": { "set": { "a": "'1'" } } }),
            json!({ "query": { "cap": { "a": 1 } } }),
        ),
        (
            json!({ "metadata": { "a": "1" } }),
            json!({ "metadata": { "a": "2" } }),
        ),
    ] {
        let found = errors(&json!([
            readers(),
            { "id": "a", "guard": "docs.read", "constrain": one },
            { "id": "b", "guard": "docs.read", "constrain": two },
        ]));
        assert!(
            found
                .iter()
                .any(|text| text.contains("-conflict: constrain")),
            "{one} {two}: {found:?}"
        );
    }
    let fine = errors(&json!([
        readers(),
        { "id": "a", "guard": "docs.read", "constrain": { "query": { "cap": { "a": 1 } }, "headers": { "a": "'1'" } } },
        { "id": "b", "guard": "docs.read", "constrain": { "query": { "cap": { "a": 2 } }, "response_headers": { "a": "'2'" } } },
    ]));
    assert_eq!(fine, [""; 0], "caps merge to the smaller");
}

#[test]
fn more_headers_than_one_answer_can_carry_are_an_error() {
    let headers = |count: usize| {
        let headers: serde_json::Map<String, Json> = (0..count)
            .map(|index| (format!("x-{index}"), json!("subject.id")))
            .collect();
        errors(&json!([
            readers(),
            { "id": "many", "guard": "docs.read", "constrain": { "headers": headers } },
        ]))
    };
    assert_eq!(headers(32), [""; 0]);
    let found = headers(33);
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("too-many-headers: constrain.headers")),
        "{found:?}"
    );
}

#[test]
fn what_can_never_match_is_a_warning() {
    let (_, warnings) = try_policy(
        &["corp"],
        &json!([
            { "id": "all", "permit": "*", "to": { "kind": "human" } },
            { "id": "closed", "forbid": "vault.open" },
            { "id": "openers", "permit": "vault.open", "to": { "kind": "human" }, "when": FAILS },
        ]),
    )
    .unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("unreachable-rule") && warnings[0].contains("openers"),
        "{warnings:?}"
    );
    let (_, warnings) = try_policy(&["corp"], &json!([readers()])).unwrap();
    assert_eq!(
        warnings
            .iter()
            .filter(|text| text.starts_with("nobody-permits"))
            .count(),
        2,
        "{warnings:?}"
    );
}

#[test]
fn a_rule_that_asks_for_a_workload_where_none_is_known_is_a_warning() {
    let (_, warnings) = try_policy(
        &["corp"],
        &json!([
            readers(),
            { "id": "bound", "guard": "docs.*", "require": [{ "any_of": [{ "scope": "a" }, { "workload": "spiffe://a.test/x" }] }] },
            { "id": "read", "forbid": "docs.read", "unless": "has(workload.id) && workload.id == 'x'" },
        ]),
    )
    .unwrap();
    let asking: Vec<_> = warnings
        .iter()
        .filter(|text| text.starts_with("no-workload"))
        .collect();
    assert_eq!(asking.len(), 2, "{warnings:?}");
    assert!(asking[0].contains("`bound`") && asking[1].contains("`read`"));
}
