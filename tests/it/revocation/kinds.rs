//! Every kind of target, with real credentials: refused once it is revoked, and nobody else with it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{ask, ci, corp, health, lift, records, revoke, setup};
use crate::harness::{Ask, Authority, PAYMENTS, Server, now};
use crate::proof::{Prover, Wanted};

const BY_IDENTITY: &str = "deny 403 identity_revoked";
const BY_CREDENTIAL: &str = "deny 401 credential_revoked";

/// What is revoked, the call that it is about, and how that ends while it is blocked.
struct Case {
    target: Value,
    call: Ask,
    outcome: &'static str,
}

fn case(target: Value, call: Ask, outcome: &'static str) -> Case {
    Case {
        target,
        call,
        outcome,
    }
}

fn of(kind: &str, issuer: &str, value: &str) -> Value {
    json!({ "kind": kind, "issuer": issuer, "value": value })
}

fn alone(kind: &str, value: &str) -> Value {
    json!({ "kind": kind, "value": value })
}

/// Somebody acts for a person: `crm-bot`, which is registered, and before it somebody who is not.
fn chained(server: &Server, sub: &str, inner: &str) -> Ask {
    let act = json!({ "sub": "crm-bot", "act": { "sub": inner } });
    health().bearer(&corp(server, sub).claim("act", act).sign())
}

fn credentials(server: &Server) -> Vec<Case> {
    let bearer = |token: crate::harness::Token<'_>| health().bearer(&token.sign());
    let second = &server.setup.corp.keys[1];
    vec![
        case(
            of("token", "corp", "token-of-tom"),
            bearer(corp(server, "tom")),
            BY_CREDENTIAL,
        ),
        case(
            of("session", "corp", "s-1"),
            bearer(corp(server, "sam").claim("sid", json!("s-1"))),
            BY_CREDENTIAL,
        ),
        case(
            of("key", "corp", "second"),
            bearer(corp(server, "kim").key(second)),
            BY_CREDENTIAL,
        ),
        case(
            of("client", "corp", "portal"),
            bearer(corp(server, "cleo").claim("client_id", json!("portal"))),
            BY_IDENTITY,
        ),
    ]
}

fn identities(server: &Server) -> Vec<Case> {
    let bearer = |token: crate::harness::Token<'_>| health().bearer(&token.sign());
    vec![
        case(
            of("subject", "corp", "sue"),
            bearer(corp(server, "sue")),
            BY_IDENTITY,
        ),
        case(
            of("subject", "corp", "pat"),
            chained(server, "pat", "gateway"),
            BY_IDENTITY,
        ),
        case(
            of("actor", "corp", "crm-bot"),
            chained(server, "amy", "gateway"),
            BY_IDENTITY,
        ),
        case(
            of("actor", "corp", "relay"),
            chained(server, "ian", "relay"),
            BY_IDENTITY,
        ),
        case(
            of("actor", "corp", "kiosk"),
            bearer(corp(server, "kay").claim("client_id", json!("kiosk"))),
            BY_IDENTITY,
        ),
        case(
            alone("spiffe", "spiffe://example.org/tokens/a"),
            bearer(corp(server, "spiffe://example.org/tokens/a")),
            BY_IDENTITY,
        ),
        // Whoever acts for nobody else acts all the same.
        case(
            of("actor", "ci", "deployer-2"),
            bearer(ci(server, "deployer-2")),
            BY_IDENTITY,
        ),
        case(
            of("issuer", "ci", ""),
            bearer(ci(server, "someone")),
            BY_IDENTITY,
        ),
        case(
            alone("owner", "platform@example.com"),
            bearer(ci(server, "deployer")),
            BY_IDENTITY,
        ),
        // The owner of somebody inside a chain.
        case(
            alone("owner", "alice@example.com"),
            chained(server, "eve", "gateway"),
            BY_IDENTITY,
        ),
    ]
}

fn workloads(server: &Server) -> Vec<Case> {
    let peer = |id: &str| health().principal(id);
    let with_token = |id: &str| peer(id).bearer(&corp(server, "wes").sign());
    vec![
        case(
            alone("spiffe", "spiffe://example.org/web/a"),
            peer("spiffe://example.org/web/a"),
            BY_IDENTITY,
        ),
        case(
            alone("spiffe", "spiffe://example.org/web/b"),
            with_token("spiffe://example.org/web/b"),
            BY_IDENTITY,
        ),
        case(
            alone("spiffe_prefix", "spiffe://example.org/batch"),
            peer("spiffe://example.org/batch/x/y"),
            BY_IDENTITY,
        ),
        case(
            alone("spiffe_prefix", "spiffe://example.org"),
            with_token("spiffe://example.org/web/c"),
            BY_IDENTITY,
        ),
    ]
}

/// A neighbour of everybody: another name at the same provider, or the same name elsewhere.
fn neighbours(server: &Server) -> Vec<Ask> {
    let bearer = |token: crate::harness::Token<'_>| health().bearer(&token.sign());
    let crm_bot_elsewhere = ci(server, "crm-bot");
    vec![
        bearer(corp(server, "nel").claim("sid", json!("s-2"))),
        bearer(corp(server, "platform@example.com")),
        health().principal("spiffe://example.net/web/a"),
        bearer(crm_bot_elsewhere),
    ]
}

#[tokio::test]
async fn every_kind_is_refused_while_it_is_blocked_and_nobody_else_is() {
    let server = setup().start();
    let client = server.client().await;
    let mut cases = credentials(&server);
    cases.extend(identities(&server));
    cases.extend(workloads(&server));
    for Case {
        target,
        call,
        outcome,
    } in &cases
    {
        assert_eq!(
            client.check(call).await.outcome(),
            "allow",
            "before {target}"
        );
        revoke(&server, target);
        assert_eq!(client.check(call).await.outcome(), *outcome, "{target}");
        let whole_issuer = target["kind"] == "issuer";
        for neighbour in neighbours(&server)
            .iter()
            .take(if whole_issuer { 3 } else { 4 })
        {
            let answer = client.check(neighbour).await;
            assert_eq!(answer.outcome(), "allow", "a neighbour of {target}");
        }
        lift(&server, target);
        assert_eq!(
            client.check(call).await.outcome(),
            "allow",
            "lifted {target}"
        );
    }
    let told = records(&server, |all| {
        let refused = all
            .iter()
            .filter(|it| it["reason"].to_string().contains("revoked"));
        refused.count() >= cases.len()
    });
    let changes = told
        .iter()
        .filter(|it| it["action"] == "revocations.revoke");
    assert_eq!(changes.count(), cases.len(), "each change has its record");
}

#[tokio::test]
async fn a_cut_refuses_what_was_issued_until_then_and_new_credentials_work() {
    let server = setup().start();
    let client = server.client().await;
    let token = |issued: Option<i64>| {
        let token = corp(&server, "nina").claim("iat", json!(issued));
        health().bearer(&token.sign())
    };
    let (old, new, undated) = (token(Some(now() - 60)), token(Some(now())), token(None));
    for call in [&old, &new, &undated] {
        assert_eq!(client.check(call).await.outcome(), "allow");
    }
    let at = now() - 30;
    let moment =
        json!({ "kind": "subject", "issuer": "corp", "value": "nina", "not_before": rfc3339(at) });
    revoke(&server, &moment);
    assert_eq!(client.check(&old).await.outcome(), BY_CREDENTIAL);
    assert_eq!(client.check(&undated).await.outcome(), BY_CREDENTIAL);
    assert_eq!(client.check(&new).await.outcome(), "allow");
    let challenge = client.check(&old).await.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");

    // A lift says nothing about cuts, and an earlier cut changes nothing.
    let (status, said) = ask(
        &server,
        "POST /revocations/lift",
        &of("subject", "corp", "nina"),
    );
    assert_eq!((status, &said["code"]), (409, &json!("not_blocked")));
    let earlier = json!({ "kind": "subject", "issuer": "corp", "value": "nina", "not_before": rfc3339(at - 600) });
    revoke(&server, &earlier);
    assert_eq!(client.check(&old).await.outcome(), BY_CREDENTIAL);
    let now = json!({ "kind": "subject", "issuer": "corp", "value": "nina", "not_before": "now" });
    revoke(&server, &now);
    assert_eq!(client.check(&new).await.outcome(), BY_CREDENTIAL);
}

#[tokio::test]
async fn an_issuer_is_refused_for_its_credentials_and_for_those_it_vouches_for_in_others() {
    let server = setup().start();
    let client = server.client().await;
    let act = json!({ "sub": "deployer", "iss": server.setup.ci.iss });
    let mixed = health().bearer(&corp(&server, "mia").claim("act", act).sign());
    let of_ci = health().bearer(&ci(&server, "someone").sign());
    let of_corp = health().bearer(&corp(&server, "mia").sign());
    for (issuer, outcomes) in [
        ("corp", [BY_IDENTITY, "allow", BY_IDENTITY]),
        ("ci", [BY_IDENTITY, BY_IDENTITY, "allow"]),
    ] {
        revoke(&server, &of("issuer", issuer, ""));
        for (call, outcome) in [&mixed, &of_ci, &of_corp].into_iter().zip(outcomes) {
            assert_eq!(client.check(call).await.outcome(), outcome, "{issuer}");
        }
        lift(&server, &of("issuer", issuer, ""));
        assert_eq!(client.check(&mixed).await.outcome(), "allow");
    }
}

fn rfc3339(seconds: i64) -> String {
    countersign::model::time::Timestamp::from_seconds(seconds).to_string()
}

#[tokio::test]
async fn an_api_key_is_refused_with_the_codes_of_keys() {
    let server = setup().start();
    let client = server.client().await;
    let new = json!({ "provider": "partners", "id": "billing", "owner": "team@example.com" });
    let (status, issued) = ask(&server, "POST /keys", &new);
    assert_eq!(status, 201, "{issued}");
    let key = issued["key"].as_str().unwrap();
    let call = || health().header("x-api-key", key);
    crate::harness::eventually_async(crate::harness::SOON, "the key", async || {
        (client.check(&call()).await.outcome() == "allow").then_some(())
    })
    .await;
    for (target, outcome) in [
        (
            alone("api_key", issued["id"].as_str().unwrap()),
            "deny 401 api_key_revoked",
        ),
        (of("subject", "partners", "billing"), BY_IDENTITY),
        (alone("owner", "team@example.com"), BY_IDENTITY),
    ] {
        revoke(&server, &target);
        assert_eq!(client.check(&call()).await.outcome(), outcome, "{target}");
        lift(&server, &target);
        assert_eq!(client.check(&call()).await.outcome(), "allow", "{target}");
    }
    // A whole key in place of its id is neither kept nor repeated.
    let (status, said) = ask(&server, "POST /revocations", &alone("api_key", key));
    assert_eq!((status, &said["code"]), (400, &json!("revocation_invalid")));
    assert!(!said.to_string().contains(key), "{said}");
}

#[tokio::test]
async fn a_proof_key_is_refused_with_the_token_that_is_bound_to_it() {
    let prover = Prover::start();
    let jkt = prover.thumbprint("web", "ES256");
    let server = setup().start();
    let client = server.client().await;
    let alice = server.setup.corp.token("alice").audience(PAYMENTS);
    let token = alice.scope("payments:read").groups(&["payments"]);
    let token = token.claim("cnf", json!({ "jkt": jkt })).sign();
    let list = async || {
        let wanted = Wanted::of("GET", "https://payments.example.com/v1/payments", &token);
        let ask = |proof: &str| {
            Ask::payments("/v1/payments")
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", proof)
        };
        let answer = client.check(&ask(&prover.proof(&wanted))).await;
        match answer.outcome().as_str() {
            "deny 401 dpop_nonce_required" => {
                let nonce = answer.header("dpop-nonce").unwrap();
                let proof = prover.proof(&wanted.nonce(&nonce));
                client.check(&ask(&proof)).await.outcome()
            }
            _ => answer.outcome(),
        }
    };
    assert_eq!(list().await, "allow");
    let target = alone("proof_key", &format!("jkt:{jkt}"));
    revoke(&server, &target);
    assert_eq!(list().await, BY_CREDENTIAL);
    lift(&server, &target);
    assert_eq!(list().await, "allow");
}

#[tokio::test]
async fn a_certificate_is_refused_as_what_a_token_is_bound_to_and_beside_any_token() {
    let authority = Authority::new("Somebody");
    let pair = authority.client(&["spiffe://example.org/web/cert"], &[]);
    let lines = pair
        .certificate
        .lines()
        .filter(|line| !line.starts_with('-'));
    let der = STANDARD.decode(lines.collect::<String>()).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
    let escaped = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let pem: String = pair.certificate.bytes().map(escaped).collect();
    let server = setup().start();
    let client = server.client().await;
    let from = |token: &str| health().bearer(token).certificate(&pem);
    let bound = corp(&server, "bea").claim("cnf", json!({ "x5t#S256": thumbprint }));
    let (bound, plain) = (from(&bound.sign()), from(&corp(&server, "bob").sign()));
    let itself = health().certificate(&pem);
    let target = alone("proof_key", &format!("x5t:{thumbprint}"));
    for call in [&bound, &plain, &itself] {
        assert_eq!(client.check(call).await.outcome(), "allow");
    }
    revoke(&server, &target);
    for call in [&bound, &plain, &itself] {
        assert_eq!(client.check(call).await.outcome(), BY_CREDENTIAL);
    }
    lift(&server, &target);
    // A certificate was issued when it says, so a workload comes in again with a newer one.
    let spiffe = |at: i64| json!({ "kind": "spiffe", "value": "spiffe://example.org/web/cert", "not_before": rfc3339(at) });
    revoke(&server, &spiffe(0));
    let party = json!({ "kind": "subject", "issuer": "mesh", "value": "spiffe://example.org/web/cert", "not_before": rfc3339(0) });
    revoke(&server, &party);
    assert_eq!(client.check(&itself).await.outcome(), "allow");
    revoke(&server, &spiffe(now()));
    assert_eq!(client.check(&itself).await.outcome(), BY_CREDENTIAL);
    assert_eq!(client.check(&plain).await.outcome(), BY_CREDENTIAL);
}

/// Whoever stole a key leaves out which it is.
#[tokio::test]
async fn a_key_is_refused_also_where_a_token_does_not_name_it() {
    let server = setup().start();
    let client = server.client().await;
    let unnamed = ci(&server, "someone").header("kid", Value::Null).sign();
    let unnamed = health().bearer(&unnamed);
    assert_eq!(client.check(&unnamed).await.outcome(), "allow");
    let [key] = &*server.setup.ci.keys else {
        panic!("one key");
    };
    revoke(&server, &of("key", "ci", &key.kid));
    assert_eq!(client.check(&unnamed).await.outcome(), BY_CREDENTIAL);
}

/// The issuer's clock is ahead by less than the provider bears.
#[tokio::test]
async fn a_cut_of_now_takes_what_was_issued_by_a_clock_that_is_ahead() {
    let server = setup().start();
    let client = server.client().await;
    let ahead = corp(&server, "nora").claim("iat", json!(now() + 20)).sign();
    let ahead = health().bearer(&ahead);
    assert_eq!(client.check(&ahead).await.outcome(), "allow");
    let cut = json!({ "kind": "subject", "issuer": "corp", "value": "nora", "not_before": "now" });
    revoke(&server, &cut);
    assert_eq!(client.check(&ahead).await.outcome(), BY_CREDENTIAL);
}
