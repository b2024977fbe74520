//! Payloads whose signature is good.

use serde_json::{Value as Json, json};

use crate::identity::testing::{AUDIENCE, ISSUER, NOW, changed, facts, payload, spec};
use crate::model::identity::UnregisteredClient;
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

fn refused_by(more: Json, change: Json) -> Denial {
    let change = changed(&payload(), change);
    facts(spec(more), &change).map(|facts| facts.0).unwrap_err()
}

fn refused(change: Json) -> Reason {
    refused_by(json!({}), change).reason
}

fn accepted(change: Json) -> bool {
    facts(spec(json!({})), &changed(&payload(), change)).is_ok()
}

/// Sets a member to any value, null included.
fn with(name: &str, value: Json) -> Json {
    let mut payload = payload();
    payload[name] = value;
    payload
}

fn reason(payload: &Json) -> Reason {
    facts(spec(json!({})), payload)
        .map(|facts| facts.0)
        .unwrap_err()
        .reason
}

#[test]
fn a_sound_token_becomes_facts() {
    let facts = facts(spec(json!({ "claims": { "team": "string" } })), &changed(&payload(), json!({
        "team": "sales", "other": "unread", "nbf": 1_795_298_401, "acr": "phr", "amr": ["hwk", "user"],
        "auth_time": 1_795_298_000, "act": { "sub": "bot", "act": { "sub": "gate", "iss": "https://ci.example" } }
    }))).unwrap();
    assert_eq!(facts.who(), "human corp/alice by web");
    assert_eq!(
        (facts.groups(), facts.scope()),
        ("crm".into(), "crm:read crm:write".into())
    );
    assert_eq!(facts.claim("team"), "\"sales\"");
    let identity = facts.0;
    assert_eq!(identity.claims.len(), 1);
    assert_eq!(
        identity
            .chain
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["corp/bot", "ci/gate"]
    );
    assert_eq!(
        (
            identity.assurance.acr.as_deref(),
            identity.assurance.amr.len()
        ),
        (Some("phr"), 2)
    );
    assert_eq!(
        identity.assurance.auth_time.map(Timestamp::seconds),
        Some(1_795_298_000)
    );
    assert_eq!(identity.unregistered_client, UnregisteredClient::Deny);
    let token = identity.token;
    assert_eq!(
        (
            token.expires.unwrap().seconds(),
            token.issued.map(Timestamp::seconds)
        ),
        (1_795_298_701, Some(1_795_298_401))
    );
    assert_eq!(
        (token.id.as_deref(), token.key.as_deref()),
        (Some("t-1"), Some("k"))
    );
    assert_eq!(token.audience, [std::sync::Arc::from(AUDIENCE)]);
}

#[test]
fn a_token_ends_when_it_says_and_the_leeway_has_passed() {
    let end = |offset: i64| json!({ "exp": NOW.seconds() + offset });
    assert!(accepted(end(1)));
    assert!(accepted(end(-29)));
    assert_eq!(refused(end(-30)), Reason::TokenExpired);
    assert_eq!(refused(end(-31)), Reason::TokenExpired);
    assert_eq!(
        refused_by(json!({ "leeway": "0s" }), end(0)).reason,
        Reason::TokenExpired
    );
    assert_eq!(refused(json!({ "exp": 0 })), Reason::TokenExpired);
    assert!(
        facts(
            spec(json!({ "leeway": "0s" })),
            &changed(&payload(), json!({ "exp": 1_795_298_500.5 }))
        )
        .is_ok()
    );
}

#[test]
fn an_end_that_is_missing_or_no_date_is_not_treated_as_absent() {
    assert_eq!(refused(json!({ "exp": null })), Reason::TokenClaims);
    for bad in [
        json!("1795298701"),
        json!("never"),
        json!(null),
        json!(true),
        json!([1_795_298_701]),
        json!({}),
        json!(1_795_298_701_000_i64),
        json!(-1),
        json!(1e30),
        json!(u64::MAX),
    ] {
        assert_eq!(
            reason(&with("exp", bad.clone())),
            Reason::TokenClaims,
            "{bad}"
        );
    }
}

#[test]
fn other_dates_are_optional_and_checked() {
    assert!(accepted(json!({ "iat": null })));
    for name in ["nbf", "iat"] {
        assert!(accepted(json!({ name: NOW.seconds() + 30 })));
        assert_eq!(
            refused(json!({ name: NOW.seconds() + 31 })),
            Reason::TokenNotYetValid
        );
    }
    assert!(accepted(json!({ "auth_time": NOW.seconds() + 30 })));
    assert_eq!(
        refused(json!({ "auth_time": NOW.seconds() + 31 })),
        Reason::TokenClaims
    );
    for name in ["nbf", "iat", "auth_time"] {
        for bad in [
            json!("1795298401"),
            json!(null),
            json!(1_795_298_401_000_i64),
        ] {
            assert_eq!(reason(&with(name, bad)), Reason::TokenClaims, "{name}");
        }
    }
}

#[test]
fn the_audience_is_the_routes_exactly() {
    assert!(accepted(
        json!({ "aud": ["https://other.example", AUDIENCE] })
    ));
    for bad in [
        json!("https://api.example.com/"),
        json!("https://API.example.com"),
        json!("https://api.example.co"),
        json!(["https://other.example"]),
        json!([]),
    ] {
        assert_eq!(
            reason(&with("aud", bad.clone())),
            Reason::TokenAudience,
            "{bad}"
        );
    }
    assert_eq!(refused(json!({ "aud": null })), Reason::TokenAudience);
    for bad in [
        json!(null),
        json!(1),
        json!([AUDIENCE, 1]),
        json!({ "a": AUDIENCE }),
        json!(""),
        json!([AUDIENCE, ""]),
        json!(vec![AUDIENCE; 65]),
    ] {
        assert_eq!(
            reason(&with("aud", bad.clone())),
            Reason::TokenClaims,
            "{bad}"
        );
    }
}

#[test]
fn the_subject_is_a_text() {
    assert_eq!(refused(json!({ "sub": null })), Reason::TokenClaims);
    for bad in [
        json!(null),
        json!(""),
        json!(7),
        json!(["alice"]),
        json!("a\r\nb"),
        json!("x".repeat(1025)),
    ] {
        assert_eq!(
            reason(&with("sub", bad.clone())),
            Reason::TokenClaims,
            "{bad}"
        );
    }
}

#[test]
fn a_binding_that_is_not_understood_refuses_the_token() {
    for cnf in [
        json!({ "jkt": "x" }),
        json!({ "x5t#S256": "x" }),
        json!({ "jwk": {} }),
        json!({}),
        json!(null),
    ] {
        assert_eq!(reason(&with("cnf", cnf)), Reason::TokenBinding);
    }
}

#[test]
fn members_that_are_read_have_their_types() {
    for name in ["acr", "jti", "client_id"] {
        for bad in [json!(1), json!(null), json!(["x"]), json!("")] {
            assert_eq!(
                reason(&with(name, bad.clone())),
                Reason::TokenClaims,
                "{name} {bad}"
            );
        }
    }
    for bad in [json!("pwd"), json!([1]), json!(null), json!([""])] {
        assert_eq!(reason(&with("amr", bad)), Reason::TokenClaims);
    }
    for bad in [
        json!("crm"),
        json!([1]),
        json!(null),
        json!({ "crm": true }),
        json!([["crm"]]),
    ] {
        assert_eq!(reason(&with("groups", bad)), Reason::TokenClaims);
    }
    for bad in [json!(1), json!([1]), json!(null), json!("a\tb")] {
        assert_eq!(reason(&with("scope", bad)), Reason::TokenClaims);
    }
}

#[test]
fn the_client_is_client_id_else_azp_or_the_claim_that_the_provider_names() {
    let client = |more: Json, change: Json| {
        let facts = facts(spec(more), &changed(&payload(), change)).unwrap();
        facts.0.client.map(|client| client.to_string())
    };
    assert_eq!(
        client(json!({}), json!({ "azp": "b" })).as_deref(),
        Some("web")
    );
    assert_eq!(
        client(json!({}), json!({ "client_id": null, "azp": "b" })).as_deref(),
        Some("b")
    );
    assert_eq!(client(json!({}), json!({ "client_id": null })), None);
    assert_eq!(
        client(json!({ "client": "app" }), json!({ "app": "c" })).as_deref(),
        Some("c")
    );
    assert_eq!(client(json!({ "client": "app" }), json!({})), None);
}

#[test]
fn a_mapping_that_errors_refuses_the_token() {
    for (map, change) in [
        (json!({ "kind": "claims.sub" }), json!({})),
        (json!({ "kind": "\"anonymous\"" }), json!({})),
        (json!({ "kind": "\"Human\"" }), json!({})),
        (
            json!({ "kind": "\"human\"", "id": "has(claims.x) ? claims.x : \"\"" }),
            json!({}),
        ),
        (
            json!({ "kind": "\"human\"", "id": "has(claims.x) ? claims.x : \"\"" }),
            json!({ "x": 7 }),
        ),
        (
            json!({ "kind": "has(claims.x) && claims.x == 1 ? \"human\" : \"service\"" }),
            json!({ "x": "1" }),
        ),
        (
            json!({ "kind": "\"human\"", "groups": "has(claims.x) ? [claims.x] : []" }),
            json!({ "x": 1 }),
        ),
    ] {
        let denial = refused_by(json!({ "map": map.clone() }), change);
        assert_eq!(denial.reason, Reason::TokenClaims, "{map}");
        assert!(denial.cause.unwrap().starts_with("the mapping of"), "{map}");
    }
}

#[test]
fn expressions_see_the_whole_token() {
    let map = json!({
        "id": "claims.iss + \"#\" + claims.sub",
        "kind": "has(claims.bot) && claims.bot == true ? \"agent\" : \"human\"",
        "groups": "has(claims.org) && has(claims.org.teams) ? claims.org.teams : []",
        "scope": "has(claims.scp) ? claims.scp : []",
    });
    let token = changed(
        &payload(),
        json!({ "bot": true, "org": { "teams": ["a", "b"] }, "scp": ["s:1"] }),
    );
    let facts = facts(spec(json!({ "map": map })), &token).unwrap();
    assert_eq!(facts.who(), format!("agent corp/{ISSUER}#alice by web"));
    assert_eq!(
        (facts.groups(), facts.scope()),
        ("a b".into(), "s:1".into())
    );
}

#[test]
fn a_token_with_ten_thousand_scopes_is_refused() {
    assert!(accepted(json!({ "scope": "s ".repeat(256) })));
    assert_eq!(
        refused(json!({ "scope": "s ".repeat(10_000) })),
        Reason::TokenClaims
    );
    assert_eq!(
        refused(json!({ "groups": vec!["g"; 1_001] })),
        Reason::TokenClaims
    );
}

#[test]
fn the_chain_is_as_deep_as_the_provider_allows() {
    let chain = |depth: usize| {
        (0..depth).fold(
            json!({ "sub": "end" }),
            |act, n| json!({ "sub": format!("a{n}"), "act": act }),
        )
    };
    assert!(accepted(json!({ "act": chain(3) })));
    assert_eq!(
        refused(json!({ "act": chain(4) })),
        Reason::DelegationTooDeep
    );
    assert_eq!(
        refused_by(
            json!({ "max_delegation_depth": 0 }),
            json!({ "act": chain(0) })
        )
        .reason,
        Reason::DelegationTooDeep
    );
    assert_eq!(
        refused_by(
            json!({ "max_delegation_depth": 8 }),
            json!({ "act": chain(8) })
        )
        .reason,
        Reason::DelegationTooDeep
    );
    assert_eq!(
        refused(json!({ "act": { "sub": "alice" } })),
        Reason::DelegationCycle
    );
    assert_eq!(
        reason(&with("act", json!(null))),
        Reason::DelegationMalformed
    );
    let may_act = facts(
        spec(json!({})),
        &changed(&payload(), json!({ "may_act": { "sub": "bot" } })),
    );
    assert!(may_act.unwrap().0.chain.is_empty());
}

#[test]
fn a_subject_is_not_its_own_actor_under_the_name_that_it_had_before_it_was_mapped() {
    let map = json!({ "kind": "\"human\"", "id": "has(claims.oid) ? claims.oid : \"\"" });
    for actor in ["alice", "o-1"] {
        let change = json!({ "oid": "o-1", "act": { "sub": actor } });
        assert_eq!(
            refused_by(json!({ "map": map.clone() }), change).reason,
            Reason::DelegationCycle
        );
    }
}

#[test]
fn no_cause_tells_a_value() {
    let secret = "s3cret-value";
    for (name, value) in [
        ("exp", json!(secret)),
        ("aud", json!(secret)),
        ("aud", json!([secret, 1])),
        ("sub", json!(format!("{secret}\n"))),
        ("groups", json!(secret)),
        ("groups", json!([secret, 1])),
        ("scope", json!({ "a": secret })),
        ("acr", json!([secret])),
        ("act", json!({ "sub": secret, "iss": secret })),
        ("act", json!(secret)),
        ("cnf", json!({ "jkt": secret })),
        ("team", json!([secret])),
        ("client_id", json!([secret])),
        ("nonce", json!(secret)),
    ] {
        let claims = json!({ "claims": { "team": "string" } });
        let denial = facts(spec(claims), &with(name, value))
            .map(|facts| facts.0)
            .unwrap_err();
        assert!(!format!("{denial:?}").contains("s3cret"), "{denial:?}");
        assert!(denial.cause.is_some() && denial.remedy.is_none() && denial.rule.is_none());
    }
}
