//! Security events of an identity provider, pushed to the admin listener: what they say is in force when they are answered.

mod configuration;
mod hostile;
mod silent;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::harness::{Ask, Issuer, Reply, SOON, Server, Setup, Token, eventually, now, send_as};
use crate::revocation;

/// Who sends events.
pub(crate) const ISSUER: &str = "https://idp.example.com";
/// Whom they are for.
const AUDIENCE: &str = "https://authz.example.com/events";
/// The `iss` of the identities that they are about.
const CORP: &str = "http://127.0.0.1:10080/corp";
const TOKEN: &str = "5c8f1e0b7a3d9264f8e1d2c3b4a59687";
const TYPE: &str = "application/secevent+jwt";
const API: &str = "https://api.example.com";

static TRANSMITTER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(ISSUER));

const STREAMS: &str = "events:
  streams:
    idp:
      issuer: https://idp.example.com
      audience: https://authz.example.com/events
      keys: { file: idp.jwks.json }
      provider: corp
      authorization: { file: idp.token }
    quiet:
      issuer: https://idp.example.com
      audience: https://authz.example.com/events
      keys: { file: idp.jwks.json }
      provider: corp
";

/// The project's configuration with an operator and two streams.
pub(crate) fn setup() -> Setup {
    let setup = revocation::setup();
    setup.write("idp.jwks.json", &TRANSMITTER.jwks());
    setup.write("idp.token", TOKEN);
    let settings = setup.read("countersign.yaml") + STREAMS;
    setup.write("countersign.yaml", &settings);
    setup
}

/// An event that has just happened to somebody.
pub(crate) fn event(jti: &str, kind: &str, payload: &Value, subject: &Value) -> Token<'static> {
    let (family, kind) = kind.split_once(' ').unwrap();
    let name = format!("https://schemas.openid.net/secevent/{family}/event-type/{kind}");
    let token = TRANSMITTER.token("").claim("sub", Value::Null);
    token
        .header("typ", json!("secevent+jwt"))
        .claim("exp", Value::Null)
        .claim("client_id", Value::Null)
        .claim("aud", json!([AUDIENCE]))
        .claim("jti", json!(jti))
        .claim("sub_id", subject.clone())
        .claim("events", json!({ name: payload }))
}

/// A person of the company.
pub(crate) fn person(id: &str) -> Value {
    json!({ "format": "iss_sub", "iss": CORP, "sub": id })
}

/// A session of a person.
pub(crate) fn session(id: &str, sid: &str) -> Value {
    let session = json!({ "format": "opaque", "id": sid });
    json!({ "format": "complex", "user": person(id), "session": session })
}

fn with_token() -> String {
    format!("authorization: Bearer {TOKEN}\r\n")
}

/// Pushes a text; the stream's keys may not be loaded yet, and others may have failed too often.
fn push_as(server: &Server, stream: &str, headers: &str, kind: &str, text: &str) -> Reply {
    let line = format!("POST /events/{stream}");
    eventually(SOON, "an answer to an event", || {
        let reply = send_as(server.admin(), &line, headers, (kind, text)).unwrap();
        (reply.status != 503 && reply.status != 429).then_some(reply)
    })
}

/// Pushes an event, which is accepted.
pub(crate) fn push(server: &Server, event: Token<'_>) {
    let reply = push_as(server, "idp", &with_token(), TYPE, &event.sign());
    assert_eq!((reply.status, &*reply.body), (202, ""), "{reply:?}");
}

async fn outcome(server: &Server, id: &str) -> String {
    let token = server.setup.corp.token(id).audience(API).sign();
    let health = Ask::new("GET", "api.example.com", "/healthz").bearer(&token);
    server.client().await.check(&health).await.outcome()
}

/// What is revoked of somebody, as the listener shows it.
fn revoked(server: &Server) -> Vec<Value> {
    let (status, listed) = revocation::ask(server, "GET /revocations", &Value::Null);
    assert_eq!(status, 200, "{listed}");
    listed["revocations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_account_that_is_disabled_is_out_until_it_is_enabled() {
    let server = setup().start();
    assert_eq!(outcome(&server, "ada").await, "allow");
    let disabled = json!({ "event_timestamp": now() - 5 });
    push(
        &server,
        event("d-1", "risc account-disabled", &disabled, &person("ada")),
    );
    assert_eq!(outcome(&server, "ada").await, "deny 403 identity_revoked");
    assert_eq!(outcome(&server, "bob").await, "allow");
    push(
        &server,
        event("d-2", "risc account-enabled", &json!({}), &person("ada")),
    );
    assert_eq!(outcome(&server, "ada").await, "allow");
    // The first one comes late, once more.
    push(
        &server,
        event("d-1", "risc account-disabled", &disabled, &person("ada")),
    );
    assert_eq!(outcome(&server, "ada").await, "allow");
}

/// An operator lifts what is known, and the identity provider's clock is behind.
#[tokio::test]
async fn an_account_that_is_disabled_again_is_out_again() {
    let server = setup().start();
    let disabled = |jti, ago| {
        let payload = json!({ "event_timestamp": now() - ago });
        push(
            &server,
            event(jti, "risc account-disabled", &payload, &person("gil")),
        );
    };
    disabled("b-1", 300);
    let who = json!({ "kind": "subject", "issuer": "corp", "value": "gil" });
    revocation::lift(&server, &who);
    let who = json!({ "kind": "actor", "issuer": "corp", "value": "gil" });
    revocation::lift(&server, &who);
    assert_eq!(outcome(&server, "gil").await, "allow");
    disabled("b-2", 20);
    assert_eq!(outcome(&server, "gil").await, "deny 403 identity_revoked");
}

#[tokio::test]
async fn every_event_has_a_record_and_is_counted() {
    let server = setup().start();
    let claims = json!({ "claims": { "role": "guest" } });
    let change = || event("r-1", "caep token-claims-change", &claims, &person("cleo"));
    push(&server, change());
    push(&server, change());
    assert_eq!(
        outcome(&server, "cleo").await,
        "deny 401 credential_revoked"
    );
    push(
        &server,
        event(
            "r-2",
            "ssf verification",
            &json!({ "state": "x" }),
            &json!({ "format": "opaque", "id": "stream" }),
        ),
    );
    let email = json!({ "format": "email", "email": "cleo@example.com" });
    push(
        &server,
        event("r-3", "risc account-disabled", &json!({}), &email),
    );
    let wrong = push_as(
        &server,
        "idp",
        &with_token(),
        "text/plain",
        &change().sign(),
    );
    assert_eq!(wrong.status, 400);
    let records = eventually(SOON, "a record of each", || {
        let records = server.records().into_iter();
        let of_events = records.filter(|it| it["action"] == "events.receive");
        Some(of_events.collect::<Vec<_>>()).filter(|it| it.len() == 4)
    });
    let told: Vec<_> = records
        .iter()
        .map(|it| {
            assert_eq!(
                (&it["by"]["method"], &it["by"]["name"]),
                (&json!("event"), &json!("idp"))
            );
            let text = format!(
                "{} {} {} {}",
                it["by"]["id"], it["reason"], it["result"], it["target"]
            );
            text.replace('"', "")
        })
        .collect();
    let expected = [
        "r-1 caep token-claims-change applied subject corp/cleo",
        "r-1 caep token-claims-change repeated subject corp/cleo",
        "r-2 ssf verification verified null",
        "r-3 risc account-disabled unmapped null",
    ];
    assert_eq!(told, expected);
    for result in ["applied", "repeated", "verified", "unmapped", "refused"] {
        let series = format!("countersign_events_total{{result=\"{result}\",stream=\"idp\"}}");
        assert_eq!(server.count(&series), 1, "{result}");
    }
    let last = server.metric("countersign_events_last_seconds{stream=\"idp\"}");
    assert!(last > 1_700_000_000.0, "{last}");
    assert!(!server.log().contains("cleo@example.com"));
}

#[tokio::test]
async fn what_was_answered_is_known_after_a_kill() {
    let kept = tempfile::tempdir().unwrap();
    let store = format!("{}", kept.path().join("state.db").display());
    let start = || {
        setup()
            .replacing("file: state.db", &format!("file: {store}"))
            .start()
    };
    let server = start();
    push(
        &server,
        event("k-1", "risc account-purged", &json!({}), &person("dan")),
    );
    server.signal("KILL");
    drop(server);
    let server = start();
    assert_eq!(outcome(&server, "dan").await, "deny 403 identity_revoked");
}

#[tokio::test]
async fn a_transmitter_says_who_it_is_where_the_stream_wants_to_know() {
    let server = setup().start();
    let signed = event("a-1", "caep session-revoked", &json!({}), &person("eve")).sign();
    let guess = "authorization: Bearer 00000000000000000000000000000000\r\n";
    let basic = format!("authorization: Basic {TOKEN}\r\n");
    let twice = with_token() + &with_token();
    for (stream, headers) in [
        ("idp", ""),
        ("idp", guess),
        ("idp", &basic),
        ("idp", &twice),
        ("quiet", guess),
    ] {
        let reply = push_as(&server, stream, headers, TYPE, &signed);
        assert_eq!(reply.status, 401, "{stream} {headers}");
        assert_eq!(reply.json()["err"], "authentication_failed");
        assert!(reply.header("www-authenticate").is_some());
    }
    assert_eq!(outcome(&server, "eve").await, "allow");
    let unknown = push_as(&server, "other", &with_token(), TYPE, &signed);
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!("stream_unknown"))
    );
    let reply = push_as(&server, "quiet", "", TYPE, &signed);
    assert_eq!(reply.status, 202);
    assert_eq!(outcome(&server, "eve").await, "deny 401 credential_revoked");
}

#[tokio::test]
async fn a_time_far_ahead_locks_nobody_out_for_years() {
    let server = setup().start();
    let ahead = json!({ "event_timestamp": now() + 1_000_000_000 });
    push(
        &server,
        event("t-1", "caep session-revoked", &ahead, &person("fay")),
    );
    assert_eq!(outcome(&server, "fay").await, "deny 401 credential_revoked");
    let listed = revoked(&server);
    let entry = listed.iter().find(|it| it["value"] == "fay").unwrap();
    let cut =
        countersign::model::time::Timestamp::parse_date_time(entry["not_before"].as_str().unwrap());
    assert!(cut.unwrap().seconds() <= now() + 60, "{entry}");
    assert_eq!(entry["by"], "stream idp");
    assert_eq!(entry["reason"], "caep session-revoked");
}
