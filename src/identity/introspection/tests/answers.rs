//! What is made of an answer: identities, and refusals of tokens that are active all the same.

use serde_json::{Value as Json, json};

use super::{World, members};
use crate::identity::testing::{AUDIENCE, changed};
use crate::model::time::Timestamp;
use crate::outbound::testing::{Reply, TestServer};

/// The outcome of a token about which `answer` is said.
async fn outcome(answer: Json, more: Json) -> String {
    let server = TestServer::start(move |_| Reply::json(answer.to_string())).await;
    World::one(&server, more).ask("opaque").await
}

async fn with(change: Json) -> String {
    outcome(changed(&members(), change), json!({})).await
}

/// RFC 7662, section 2.2, both examples; the dates of the first are long past, so they are moved.
#[tokio::test]
async fn the_rfcs_own_answers() {
    let active = json!({
        "active": true,
        "client_id": "l238j323ds-23ij4",
        "username": "jdoe",
        "scope": "read write dolphin",
        "sub": "Z5O3upPC88QrAjx00dis",
        "aud": "https://protected.example.net/resource",
        "iss": "https://server.example.com/",
        "exp": 1_419_356_238,
        "iat": 1_419_350_238,
        "extension_field": "twenty-seven"
    });
    let issuer = json!({
        "issuer": "https://server.example.com/",
        "claims": { "extension_field": { "type": "string", "required": true }, "username": "string" },
    });
    assert_eq!(
        outcome(active.clone(), issuer.clone()).await,
        "token_expired"
    );
    let today = json!({ "exp": 1_795_304_238, "iat": 1_795_298_238 });
    let active = changed(&active, today);
    assert_eq!(
        outcome(active.clone(), issuer.clone()).await,
        "token_audience"
    );
    let ours = changed(&active, json!({ "aud": AUDIENCE }));
    let server = TestServer::start(move |_| Reply::json(ours.to_string())).await;
    let world = World::one(&server, issuer);
    let identity = world.ask_within("opaque", super::LONG).await.unwrap();
    assert_eq!(identity.subject.to_string(), "legacy/Z5O3upPC88QrAjx00dis");
    assert_eq!(identity.client.as_deref(), Some("l238j323ds-23ij4"));
    assert_eq!(identity.token.scope.join(" "), "read write dolphin");
    assert_eq!(identity.claims.len(), 2);
    assert_eq!(
        identity.token.expires.map(Timestamp::seconds),
        Some(1_795_304_238)
    );
    let inactive = json!({ "active": false });
    assert_eq!(outcome(inactive, json!({})).await, "token_inactive");
}

#[tokio::test]
async fn what_an_active_token_says_is_checked_like_any_token() {
    for (change, expected) in [
        (json!({}), "legacy/alice"),
        (json!({ "exp": 1_795_298_701 }), "legacy/alice"),
        // Within the leeway.
        (json!({ "exp": 1_795_298_480 }), "legacy/alice"),
        (json!({ "exp": 1_795_298_401 }), "token_expired"),
        (json!({ "exp": "1795298701" }), "token_claims"),
        (json!({ "nbf": 1_795_299_000 }), "token_not_yet_valid"),
        (json!({ "aud": null }), "token_audience"),
        (
            json!({ "aud": "https://other.example.com" }),
            "token_audience",
        ),
        (json!({ "aud": ["x", AUDIENCE] }), "legacy/alice"),
        (json!({ "sub": null }), "token_claims"),
        (json!({ "token_type": "Bearer" }), "legacy/alice"),
        (json!({ "token_type": "bearer" }), "legacy/alice"),
        (json!({ "token_type": "mac" }), "token_type"),
        (json!({ "token_type": "refresh_token" }), "token_type"),
        (json!({ "token_type": ["Bearer"] }), "token_type"),
        (json!({ "token_type": "DPoP" }), "token_type"),
        // Bound to a key, and presented as a bearer.
        (
            json!({ "token_type": "DPoP", "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
            "token_bound",
        ),
        (json!({ "act": { "sub": "bot" } }), "legacy/alice"),
        (json!({ "act": { "sub": "alice" } }), "delegation_cycle"),
        (json!({ "act": "bot" }), "delegation_malformed"),
    ] {
        assert_eq!(with(change.clone()).await, expected, "{change}");
    }
}

#[tokio::test]
async fn an_audience_can_be_left_out_only_where_that_is_said() {
    let optional = || json!({ "audience": "optional" });
    let answer = |change| changed(&members(), change);
    assert_eq!(
        outcome(answer(json!({ "aud": null })), optional()).await,
        "legacy/alice"
    );
    for aud in [json!("https://other.example.com"), json!([]), json!("")] {
        let refused = outcome(answer(json!({ "aud": aud })), optional()).await;
        assert!(
            ["token_audience", "token_claims"].contains(&&*refused),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_is_said_is_the_configured_one() {
    let known = || json!({ "issuer": "https://as.example.com" });
    let answer = |iss: Json| changed(&members(), json!({ "iss": iss }));
    for (iss, expected) in [
        (json!(null), "legacy/alice"),
        (json!("https://as.example.com"), "legacy/alice"),
        (json!("https://as.example.com/"), "token_claims"),
        (json!(["https://as.example.com"]), "token_claims"),
    ] {
        assert_eq!(
            outcome(answer(iss.clone()), known()).await,
            expected,
            "{iss}"
        );
    }
    assert_eq!(
        outcome(answer(json!("https://x.example")), json!({})).await,
        "legacy/alice"
    );
}

#[tokio::test]
async fn an_answer_without_an_issuer_can_be_mapped_by_one_that_looks_first() {
    let map = json!({ "map": { "kind": "has(claims.iss) ? \"human\" : \"service\"" } });
    assert_eq!(outcome(members(), map).await, "legacy/alice");
    let bare = json!({ "map": { "kind": "claims.iss == \"x\" ? \"human\" : \"service\"" } });
    assert!(!super::findings(bare).is_empty());
}
