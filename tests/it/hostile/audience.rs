//! From whom, for whom, about whom: `iss`, `aud` and `sub`, compared exactly.

use serde_json::{Value, json};

use super::draft::Place::{Health, Payments};
use super::draft::{CI, CORP, Draft};
use super::{Row, bad, good, hold, setup};
use crate::harness::PAYMENTS;

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let aud = |value: Value| new().claim("aud", value);
    let iss = |value: Value| new().claim("iss", value);
    let sub = |value: Value| new().claim("sub", value);
    let audience = |name, draft| bad(name, "deny 401 token_audience", draft);
    let issuer = |name, draft| bad(name, "deny 401 token_issuer", draft);
    let claims = |name, draft| bad(name, "deny 401 token_claims", draft);
    vec![
        good("aud in a list", aud(json!([PAYMENTS]))),
        good(
            "aud in a list with others",
            aud(json!(["https://crm.example.com", PAYMENTS])),
        ),
        audience("aud missing", new().no_claim("aud")),
        audience(
            "aud of another route",
            aud(json!("https://crm.example.com")),
        ),
        audience(
            "aud in a list without ours",
            aud(json!([
                "https://crm.example.com",
                "https://api.example.com"
            ])),
        ),
        audience("aud in an empty list", aud(json!([]))),
        audience(
            "aud with a trailing slash",
            aud(json!(format!("{PAYMENTS}/"))),
        ),
        audience("aud in upper case", aud(json!(PAYMENTS.to_uppercase()))),
        audience("aud with a port", aud(json!(format!("{PAYMENTS}:443")))),
        audience(
            "aud that starts like ours",
            aud(json!(format!("{PAYMENTS}.attacker.example"))),
        ),
        audience("aud that is the host", aud(json!("payments.example.com"))),
        audience("aud of every route", aud(json!("*"))),
        audience(
            "aud with ours and another, with a space",
            aud(json!(format!("{PAYMENTS} https://crm.example.com"))),
        ),
        claims("aud empty", aud(json!(""))),
        claims("aud null", aud(json!(null))),
        claims("aud that is an object", aud(json!({ PAYMENTS: true }))),
        claims("aud in a list with a number", aud(json!([PAYMENTS, 7]))),
        claims("aud in a list in a list", aud(json!([[PAYMENTS]]))),
        claims("aud in a list of 65", aud(json!(vec![PAYMENTS; 65]))),
        issuer("iss with a trailing slash", iss(json!(format!("{CORP}/")))),
        issuer("iss in upper case", iss(json!(CORP.to_uppercase()))),
        issuer(
            "iss of a provider that the route does not take",
            Draft::ci(Payments, now),
        ),
        issuer("iss of nobody", iss(json!("https://attacker.example"))),
        issuer("iss in a list", iss(json!([CORP]))),
        issuer("iss missing", new().no_claim("iss")),
        issuer("iss null", iss(json!(null))),
        issuer("iss empty", iss(json!(""))),
        issuer("iss with a line break", iss(json!(format!("{CORP}\n")))),
        bad(
            "iss of another provider under our key",
            "deny 401 token_key_unknown",
            Draft::new(Health, now)
                .claim("iss", json!(CI))
                .signed("RS256", "rsa"),
        ),
        good("sub as long as it may be", sub(json!("s".repeat(1024)))),
        claims("sub missing", new().no_claim("sub")),
        claims("sub empty", sub(json!(""))),
        claims("sub that is a number", sub(json!(7))),
        claims("sub null", sub(json!(null))),
        claims("sub that is an object", sub(json!({ "id": "alice" }))),
        claims("sub in a list", sub(json!(["alice"]))),
        claims("sub that is too long", sub(json!("s".repeat(1025)))),
        claims("sub with a nul", sub(json!("alice\0"))),
        claims(
            "sub that starts a header",
            sub(json!("alice\r\nx-admin: true")),
        ),
        claims(
            "sub with a control character of unicode",
            sub(json!("alice\u{85}")),
        ),
        bad(
            "sub with half a character",
            "deny 401 token_malformed",
            new().no_claim("sub").also(r#""sub":"\ud800""#),
        ),
        bad(
            "sub without a permit",
            "deny 403 not_permitted",
            sub(json!("mallory")).claim("groups", json!([])),
        ),
    ]
}

#[tokio::test]
async fn issuer_audience_and_subject_are_compared_exactly() {
    hold(rows, setup()).await;
}
