//! What is signed by the same issuer and is no access token.

use serde_json::{Value, json};

use super::draft::Draft;
use super::draft::Place::Payments;
use super::{Row, bad, good, hold, setup};

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let typ = |value: Value| new().header("typ", value);
    let other = |name, draft| bad(name, "deny 401 token_type", draft);
    let mut rows = vec![
        good("typ at+jwt in full", typ(json!("application/at+jwt"))),
        good("typ at+jwt in upper case", typ(json!("AT+JWT"))),
        other("typ JWT", typ(json!("JWT"))),
        other("typ missing", new().no_header("typ")),
        other("typ empty", typ(json!(""))),
        other("typ with a space", typ(json!("at+jwt "))),
        other("typ with a parameter", typ(json!("at+jwt;charset=utf-8"))),
        other("typ with another prefix", typ(json!("text/at+jwt"))),
        bad("typ null", "deny 401 token_malformed", typ(json!(null))),
        bad(
            "typ in a list",
            "deny 401 token_malformed",
            typ(json!(["at+jwt"])),
        ),
        other(
            "id token",
            typ(json!("JWT"))
                .claim("nonce", json!("n"))
                .claim("at_hash", json!("h")),
        ),
        other(
            "id token that says it is an access token",
            new().claim("nonce", json!("n")),
        ),
        other(
            "logout token that says it is an access token",
            new().claim(
                "events",
                json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
            ),
        ),
        other(
            "status list that says it is an access token",
            new().claim("status_list", json!({ "bits": 1, "lst": "eNo" })),
        ),
    ];
    let others = [
        ("id-jag", "oauth-id-jag+jwt"),
        ("logout token", "logout+jwt"),
        ("security event", "secevent+jwt"),
        ("transaction token", "txntoken+jwt"),
        ("status list", "statuslist+jwt"),
        ("proof of possession", "dpop+jwt"),
        ("approval", "authz-approval+jwt"),
        ("workload identity token", "wit+jwt"),
        ("introspection answer", "token-introspection+jwt"),
        ("entity statement", "application/entity-statement+jwt"),
    ];
    rows.extend(others.map(|(name, typ)| other(name, new().header("typ", json!(typ)))));
    rows
}

/// An issuer that types all of its documents `JWT`, so that only their members tell them apart.
pub(super) fn legacy_rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now).header("typ", json!("JWT"));
    let other =
        |name, member: &str, value| bad(name, "deny 401 token_type", new().claim(member, value));
    vec![
        good("legacy: access token", new()),
        good("legacy: access token without typ", new().no_header("typ")),
        bad(
            "legacy: logout token by its typ",
            "deny 401 token_type",
            new().header("typ", json!("logout+jwt")),
        ),
        other("legacy: id token with nonce", "nonce", json!("n")),
        other("legacy: id token with at_hash", "at_hash", json!("h")),
        other("legacy: id token with c_hash", "c_hash", json!("h")),
        other("legacy: security event", "events", json!({})),
        other("legacy: status list", "status_list", json!({})),
        other(
            "legacy: proof of possession",
            "htu",
            json!("https://payments.example.com/v1/payments"),
        ),
        other("legacy: transaction token", "tctx", json!({})),
        other(
            "legacy: introspection answer",
            "token_introspection",
            json!({ "active": true }),
        ),
    ]
}

#[tokio::test]
async fn only_access_tokens_are_access_tokens() {
    hold(rows, setup()).await;
}

#[tokio::test]
async fn an_issuer_of_plain_jwts_gets_no_other_document_accepted() {
    let setup = setup();
    let from = "      issuer: http://127.0.0.1:10080/corp ";
    setup.edit(
        "countersign.yaml",
        from,
        &format!("      typ: [at+jwt, JWT]\n{from}"),
    );
    hold(legacy_rows, setup).await;
}
