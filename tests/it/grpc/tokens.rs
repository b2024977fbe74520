//! Tokens and identities that are refused, through the port.

use serde_json::{Value, json};

use super::API;
use crate::harness::{Ask, PAYMENTS, Setup};

#[expect(clippy::too_many_lines, reason = "one table, one row a token")]
#[tokio::test]
async fn hostile_tokens_are_refused_with_a_reason_each() {
    let server = Setup::new().start();
    let client = server.client().await;
    let corp = &server.setup.corp;
    let base = || {
        corp.token("alice")
            .audience(PAYMENTS)
            .groups(&["payments"])
            .scope("payments:read")
    };
    let stranger = crate::harness::Key::es256("first");
    let unknown = crate::harness::Key::es256("nobody-knows");
    // The id of a P-256 key, for a signature that P-256 cannot make.
    let other = crate::harness::Key::rs256("first");
    let cases = [
        (base().sign(), "allow"),
        (base().key(&stranger).sign(), "deny 401 token_signature"),
        (base().key(&unknown).sign(), "deny 401 token_key_unknown"),
        (base().key(&other).sign(), "deny 401 token_algorithm"),
        (
            base().header("alg", json!("none")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("alg", json!("HS256")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("alg", json!("EdDSA")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("typ", json!("JWT")).sign(),
            "deny 401 token_type",
        ),
        (
            base().header("typ", json!("secevent+jwt")).sign(),
            "deny 401 token_type",
        ),
        (
            base()
                .header("crit", json!(["b64"]))
                .header("b64", json!(false))
                .sign(),
            "deny 401 token_critical",
        ),
        (
            base()
                .claim("iss", json!("http://127.0.0.1:10080/corp/"))
                .sign(),
            "deny 401 token_issuer",
        ),
        (
            base().claim("exp", json!("4102444800")).sign(),
            "deny 401 token_claims",
        ),
        (
            base().claim("exp", Value::Null).sign(),
            "deny 401 token_claims",
        ),
        (
            base().claim("nbf", json!(4_102_444_800_i64)).sign(),
            "deny 401 token_not_yet_valid",
        ),
        (
            base().claim("aud", Value::Null).sign(),
            "deny 401 token_audience",
        ),
        (
            base().claim("act", json!("crm-bot")).sign(),
            "deny 401 delegation_malformed",
        ),
    ];
    let mut wrong = Vec::new();
    for (token, expected) in cases {
        let outcome = client
            .check(&Ask::payments("/v1/payments").bearer(&token))
            .await
            .outcome();
        if outcome != expected {
            wrong.push(format!("{outcome}, not {expected}: {token}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn an_offboarded_identity_is_refused_whatever_its_token_says() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = server
        .setup
        .ci
        .token("nightly-export")
        .audience(API)
        .claim("environment", json!("staging"))
        .sign();
    let ask = Ask::new("GET", "api.example.com", "/healthz").bearer(&token);
    assert_eq!(
        client.check(&ask).await.outcome(),
        "deny 403 identity_offboarded"
    );
}
