//! The admin listener: what it refuses to revoke, what it shows, and operators who are out themselves.

use serde_json::{Value, json};

use super::{ask, corp, health, records, revoke, setup};
use crate::harness::{Server, now, send_body};

#[test]
fn what_cannot_be_meant_is_refused_and_says_what_to_write() {
    let server = setup().start();
    for (body, status, code) in [
        (json!({}), 400, "body_invalid"),
        (
            json!({ "kind": "person", "value": "ana" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "subject", "value": "ana" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "owner", "issuer": "corp", "value": "ana" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "subject", "issuer": "nobody", "value": "ana" }),
            409,
            "provider_unknown",
        ),
        (
            json!({ "kind": "owner", "value": "ana", "not_before": "soon" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "owner", "value": "ana", "not_before": "2999-01-01T00:00:00Z" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "owner", "value": "ana", "token_expires": "2999-01-01T00:00:00Z" }),
            400,
            "revocation_invalid",
        ),
        (
            json!({ "kind": "owner", "value": "ana", "until": "now" }),
            400,
            "body_invalid",
        ),
    ] {
        let (answered, said) = ask(&server, "POST /revocations", &body);
        assert_eq!(
            (answered, said["code"].as_str()),
            (status, Some(code)),
            "{body} {said}"
        );
    }
    let (status, said) = ask(
        &server,
        "POST /revocations/lift",
        &json!({ "kind": "owner", "value": "ana" }),
    );
    assert_eq!((status, said["code"].as_str()), (404, Some("not_revoked")));
    let (_, listed) = ask(&server, "GET /revocations", &Value::Null);
    assert_eq!(listed["total"], json!(0), "{listed}");
}

#[test]
fn only_operators_see_and_make_revocations() {
    let server = setup().start();
    for line in [
        "GET /revocations",
        "POST /revocations",
        "POST /revocations/lift",
        "POST /offboard",
        "GET /replicas",
    ] {
        let body = if line.starts_with("GET") { "" } else { "{}" };
        let reply = send_body(server.admin(), line, "", body).unwrap();
        assert_eq!(reply.status, 401, "{line}");
    }
}

#[test]
fn an_entry_is_shown_as_it_was_made_and_has_its_record() {
    let server = setup().start();
    let body = json!({ "kind": "token", "issuer": "corp", "value": "t-1", "token_expires": "2999-01-01T00:00:00Z", "reason": "leaked" });
    let said = revoke(&server, &body);
    assert!(said["acknowledged"]["seq"].as_u64().unwrap() > 0, "{said}");
    let entry = &said["revocation"];
    assert_eq!(entry["state"], "blocked");
    assert_eq!(
        (&entry["by"], &entry["reason"]),
        (&json!("ops"), &json!("leaked"))
    );
    // A day more than the token lives, for clocks that are set.
    assert_eq!(entry["expires"], "2999-01-02T00:00:00.000Z");
    let told = records(&server, |all| all.iter().any(|it| it["type"] == "admin"));
    let record = told.iter().find(|it| it["type"] == "admin").unwrap();
    assert_eq!(
        (&record["action"], &record["target"]),
        (&json!("revocations.revoke"), &json!("token corp/t-1"))
    );
    assert_eq!(
        (&record["by"]["name"], &record["result"]),
        (&json!("ops"), &json!("revoked"))
    );
}

#[tokio::test]
async fn a_cut_is_remembered_for_as_long_as_a_token_may_live() {
    let setup = setup();
    let (from, to) = (
        "issuer: http://127.0.0.1:10080/corp ",
        "max_lifetime: 10m\n      issuer: http://127.0.0.1:10080/corp ",
    );
    setup.edit("countersign.yaml", from, to);
    let server = setup.start();
    let client = server.client().await;
    let token = |claim: &str, value: Value| {
        let token = corp(&server, "lea").claim(claim, value);
        health().bearer(&token.sign())
    };
    for (call, outcome) in [
        (token("exp", json!(now() + 590)), "allow"),
        (token("exp", json!(now() + 610)), "deny 403 token_lifetime"),
        (token("iat", Value::Null), "deny 401 token_claims"),
    ] {
        assert_eq!(client.check(&call).await.outcome(), outcome);
    }
    let cut = |kind: &str, issuer: &str| {
        let body = json!({ "kind": kind, "issuer": issuer, "value": "x", "not_before": "2026-01-01T00:00:00Z" });
        revoke(&server, &body)["revocation"]["expires"].clone()
    };
    // Ten minutes, twice the leeway of half a minute, and a day.
    let expires = json!("2026-01-02T00:11:00.000Z");
    for kind in ["subject", "client", "session", "key"] {
        assert_eq!(cut(kind, "corp"), expires, "{kind}");
        assert_eq!(
            cut(kind, "ci"),
            Value::Null,
            "{kind}: nobody says how long tokens of ci live"
        );
    }
    assert_eq!(cut("actor", "corp"), Value::Null, "others can name it too");
    let block = json!({ "kind": "subject", "issuer": "corp", "value": "y" });
    assert_eq!(
        revoke(&server, &block)["revocation"]["expires"],
        Value::Null
    );
}

/// Operators whom the company's provider knows, beside the one with a token.
fn with_people() -> Server {
    let people = "  url: http://localhost:9193\n  access:\n    - { name: ops, token: { file: ops.token } }\n    - { name: people, provider: corp, kind: human, group: ops }";
    let setup = setup();
    setup.edit(
        "countersign.yaml",
        "  access: [{ name: ops, token: { file: ops.token } }]",
        people,
    );
    setup.start()
}

#[tokio::test]
async fn an_operator_who_is_revoked_is_out_at_once() {
    let server = with_people();
    let token = server
        .setup
        .corp
        .token("olga")
        .audience("http://localhost:9193");
    let token = token.groups(&["ops"]).sign();
    let list = || {
        let header = format!("authorization: Bearer {token}\r\n");
        send_body(server.admin(), "GET /revocations", &header, "").unwrap()
    };
    assert_eq!(list().status, 200, "{:?}", list());
    revoke(
        &server,
        &json!({ "kind": "subject", "issuer": "corp", "value": "olga" }),
    );
    let refused = list();
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (401, Some("identity_revoked"))
    );
    // And what she does elsewhere.
    let client = server.client().await;
    let call = health().bearer(&corp(&server, "olga").sign());
    assert_eq!(
        client.check(&call).await.outcome(),
        "deny 403 identity_revoked"
    );
}
