//! Events that are not what they should be, signed by a library that shares no code with ours: none of them revokes anything.

use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, TYPE, outcome, person, push_as, revoked, setup};
use crate::harness::{now, send_as};
use crate::hostile::{Draft, Keys};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// An event that would end everything of somebody.
fn sound(id: &str) -> Draft {
    let draft = Draft::elsewhere(AUDIENCE, &[], now());
    draft
        .header("typ", json!("secevent+jwt"))
        .claim("iss", json!(ISSUER))
        .claim("jti", json!(id))
        .claim("sub_id", person(id))
        .claim("events", json!({ REVOKED: {} }))
}

/// What is wrong, and the code that it is refused with.
#[expect(clippy::too_many_lines, reason = "one row a defect")]
fn rows() -> Vec<(&'static str, &'static str, Draft)> {
    let draft = || sound("victim");
    let foreign =
        json!({ "format": "iss_sub", "iss": "https://other.example.com", "sub": "victim" });
    let future = json!(now() + 3_600);
    vec![
        (
            "type of a token",
            "invalid_request",
            draft().header("typ", json!("at+jwt")),
        ),
        (
            "type of a logout",
            "invalid_request",
            draft().header("typ", json!("logout+jwt")),
        ),
        (
            "type in capitals",
            "invalid_request",
            draft().header("typ", json!("SECEVENT+JWT")),
        ),
        ("no type", "invalid_request", draft().no_header("typ")),
        (
            "alg none",
            "invalid_key",
            draft().header("alg", json!("none")),
        ),
        (
            "hmac of the public key",
            "invalid_key",
            draft().header("alg", json!("HS256")).form("hmac-pem"),
        ),
        (
            "algorithm that is not listed",
            "invalid_key",
            draft()
                .header("alg", json!("ES384"))
                .header("kid", json!("p384"))
                .secretly("ES384", "p384"),
        ),
        (
            "unknown key",
            "invalid_key",
            draft()
                .header("kid", json!("attacker"))
                .secretly("ES256", "attacker"),
        ),
        (
            "key of its own",
            "invalid_key",
            draft()
                .header("jwk", json!("@jwk:attacker"))
                .header("kid", json!("mine"))
                .secretly("ES256", "attacker"),
        ),
        (
            "signature of somebody else",
            "authentication_failed",
            draft().secretly("ES256", "attacker"),
        ),
        (
            "another issuer",
            "invalid_issuer",
            draft().claim("iss", json!("https://other.example.com")),
        ),
        ("no issuer", "invalid_issuer", draft().no_claim("iss")),
        (
            "another audience",
            "invalid_audience",
            draft().claim("aud", json!("https://other.example.com")),
        ),
        ("no audience", "invalid_request", draft().no_claim("aud")),
        (
            "two events",
            "invalid_request",
            draft().claim("events", json!({ REVOKED: {}, "urn:other": {} })),
        ),
        (
            "no event",
            "invalid_request",
            draft().claim("events", json!({})),
        ),
        (
            "events in a list",
            "invalid_request",
            draft().claim("events", json!([{ REVOKED: {} }])),
        ),
        ("no subject", "invalid_request", draft().no_claim("sub_id")),
        (
            "subject of another issuer",
            "access_denied",
            draft().claim("sub_id", foreign),
        ),
        ("no id", "invalid_request", draft().no_claim("jti")),
        (
            "from the future",
            "invalid_request",
            draft().claim("iat", future),
        ),
        ("no date", "invalid_request", draft().no_claim("iat")),
        (
            "date in words",
            "invalid_request",
            draft().claim("iat", json!("today")),
        ),
        (
            "critical extension",
            "invalid_request",
            draft().header("crit", json!(["b64"])),
        ),
    ]
}

#[tokio::test]
async fn nothing_but_a_sound_event_revokes_anything() {
    let rows = rows();
    let large = |id: &str, bytes: usize| sound(id).claim("note", json!("x".repeat(bytes)));
    let mut tokens: Vec<Value> = rows
        .iter()
        .map(|(name, _, draft)| draft.describe(name))
        .collect();
    tokens.push(sound("gus").describe("sound"));
    tokens.push(large("hal", 40_000).describe("large"));
    tokens.push(large("victim", 70_000).describe("huge"));
    let keys = Keys::mint(&tokens);
    let setup = setup();
    setup.write(
        "idp.jwks.json",
        &json!({ "keys": keys.of_corp() }).to_string(),
    );
    let server = setup.start();
    let mut wrong = Vec::new();
    for (name, err, _) in &rows {
        let reply = push_as(&server, "quiet", "", TYPE, keys.token(name));
        let said = (reply.status, reply.json()["err"].clone());
        if said != (400, json!(err)) {
            wrong.push(format!("{name}: {said:?}, expected {err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for kind in ["text/plain", "application/jwt", "application/json"] {
        let reply = push_as(&server, "quiet", "", kind, keys.token("sound"));
        assert_eq!(
            (reply.status, &reply.json()["err"]),
            (400, &json!("invalid_request"))
        );
    }
    // Whoever sends too much may not even hear why.
    if let Ok(reply) = send_as(
        server.admin(),
        "POST /events/quiet",
        "",
        (TYPE, keys.token("huge")),
    ) {
        assert_eq!(reply.status, 413);
    }
    assert_eq!(revoked(&server), Vec::<Value>::new());
    assert_eq!(outcome(&server, "victim").await, "allow");
    for (name, id) in [("sound", "gus"), ("large", "hal")] {
        let reply = push_as(&server, "quiet", "", TYPE, keys.token(name));
        assert_eq!(reply.status, 202, "{name}: {reply:?}");
        assert!(
            revoked(&server).iter().any(|it| it["value"] == id),
            "{name}"
        );
    }
    let log = server.log();
    assert!(!log.contains("victim"), "the log has something of an event");
}
