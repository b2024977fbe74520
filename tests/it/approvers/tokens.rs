//! Signed approvals: handed to whoever asked, and presented where the answer of another server counts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::keys::SigningKey;
use serde_json::{Value, json};

use super::command::run;
use super::{VAULT, ask, caller, lead, setup_with, waited_for};
use crate::harness::{Answer, Ask, SOON, Server, Setup, eventually_async, now};
use crate::minted::{key, write_key};

/// Who signs.
const ISSUER: &str = "https://authz.example.com/approvals";
const HEADER: &str = "authz-approval-token";
const TYP: &str = "authz-approval+jwt";
const INVALID: &str = "deny 403 approval_invalid";

/// A server that signs approvals as `issuer`, with more said about tokens.
fn signing(issuer: &str, kind: &str, more: &str) -> Setup {
    let token = format!("token: {{ issuer: {issuer}, keys: tokens/{kind}.pem{more} }}");
    let section =
        format!("approvals: {{ providers: [corp], url: https://ops.example.com, {token} }}");
    let setup = setup_with("  url: https://ops.example.com", &section);
    write_key(&setup, kind, key(kind));
    setup
}

/// The same keys of issuers as this server has.
fn trusting(setup: Setup, first: &Server) -> Setup {
    setup.write("corp.jwks.json", &first.setup.corp.jwks());
    setup
}

/// Another region: a store of its own, and it takes the tokens of `first`.
fn abroad(first: &Server) -> Server {
    let accept = format!(
        ", accept: [{{ issuer: {ISSUER}, audience: {ISSUER}, keys: {{ file: first.jwks.json }} }}]"
    );
    let setup = signing("https://abroad.example.com/approvals", "ed25519", &accept);
    let jwks = json!({ "keys": [signer(first).public()] });
    setup.write("first.jwks.json", &jwks.to_string());
    trusting(setup, first).start()
}

fn signer(first: &Server) -> SigningKey {
    SigningKey::load(&first.setup.path("tokens/p256.pem")).unwrap()
}

async fn call(server: &Server, token: &str, path: &str, approval: Option<&str>) -> Answer {
    let ask = Ask::new("POST", "vault.example.com", path).bearer(token);
    let ask = ask.header("content-type", "application/json");
    let ask = ask.header("content-length", "2").body("{}");
    let ask = match approval {
        Some(approval) => ask.header(HEADER, approval),
        None => ask,
    };
    server.client().await.check(&ask).await
}

fn status(server: &Server, id: &str, token: &str) -> Value {
    let reply = ask(
        server,
        &format!("GET /approvals/{id}/status"),
        Some(token),
        "",
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.json()
}

/// Lets somebody approve what a call waits for; its id.
async fn approved(server: &Server, token: &str, path: &str) -> String {
    let id = waited_for(&call(server, token, path, None).await);
    let ana = lead(server, "ana", &["leads"]);
    let line = format!("POST /approvals/{id}/approve");
    assert_eq!(ask(server, &line, Some(&ana), "").status, 200);
    id
}

/// The token of what is approved for whoever holds this credential.
async fn token(server: &Server, credential: &str, path: &str) -> (String, String) {
    let id = approved(server, credential, path).await;
    let said = status(server, &id, credential);
    (id, said["token"].as_str().expect("a token").to_owned())
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_that_its_requester_fetched_passes_once_at_any_replica() {
    let first = signing(ISSUER, "p256", "").start();
    let store = first.setup.path("state.db");
    let second = trusting(signing(ISSUER, "p256", ""), &first);
    let second = second.argument("--store").argument(store.to_str().unwrap());
    let second = second.start();
    let alone = trusting(signing(ISSUER, "p256", ""), &first).start();
    let [alice, bob] = ["alice", "bob"].map(|sub| caller(&first, sub));

    let id = waited_for(&call(&first, &alice, "/open/7", None).await);
    assert_eq!(status(&first, &id, &alice).get("token"), None, "pending");
    let ana = lead(&first, "ana", &["leads"]);
    let line = format!("POST /approvals/{id}/approve");
    assert_eq!(ask(&first, &line, Some(&ana), "").status, 200);
    assert_eq!(status(&first, &id, &ana).get("token"), None, "only reads");
    let said = status(&first, &id, &alice);
    let token = said["token"].as_str().expect("a token").to_owned();
    let claims = claims(&token);
    assert_eq!(claims["jti"], json!(id));
    assert_eq!(claims["approvers"][0]["id"], json!("ana"));
    let lasts = claims["exp"].as_i64().unwrap() - now();
    assert!(
        (590..=600).contains(&lasts),
        "as long as the approval: {lasts}"
    );

    for (server, who, path) in [
        (&second, &bob, "/open/7"),
        (&second, &alice, "/open/8"),
        (&second, &alice, "/open/7?force=1"),
        (&alone, &alice, "/open/7"),
    ] {
        let refused = call(server, who, path, Some(&token)).await;
        assert_eq!(refused.outcome(), INVALID, "{path}");
    }
    let passed = call(&second, &alice, "/open/7", Some(&token)).await;
    assert_eq!(passed.outcome(), "allow");
    assert_eq!(passed.sets("idempotency-key"), Some(id.clone()));
    assert!(passed.ok().headers_to_remove.contains(&HEADER.to_owned()));
    for server in [&second, &first] {
        // Until it knows that the approval is used up, a replica has that said by the store.
        eventually_async(SOON, "it is known to be used up", async || {
            let again = call(server, &alice, "/open/7", Some(&token)).await;
            assert!(!again.allows(), "never twice");
            (again.outcome() == INVALID).then_some(())
        })
        .await;
    }
    let said = format!("{:?}{}{}", first.records(), first.log(), second.log());
    assert!(!said.contains(&token), "a token was told");
}

#[tokio::test]
async fn only_whoever_could_make_the_call_is_handed_its_token() {
    let server = signing(ISSUER, "p256", "").start();
    let corp = &server.setup.corp;
    let both = corp.token("alice").audience(VAULT).actor("crm-bot").sign();
    let id = approved(&server, &both, "/open/7").await;
    let alone = corp.token("alice").audience(VAULT).sign();
    let agent = corp.token("crm-bot").audience(VAULT).sign();
    for one in [&alone, &agent] {
        let said = status(&server, &id, one);
        assert_eq!(said["status"], json!("approved"), "a party may look");
        assert_eq!(said.get("token"), None, "and has nothing to call with");
    }
    let said = status(&server, &id, &both);
    assert_eq!(
        claims(said["token"].as_str().unwrap())["sub"],
        json!("alice")
    );
    let waited = run(&server, Some(&both), &["wait", &id, "--json"]);
    assert!(waited.json()["token"].is_string(), "{waited:?}");
    let line = format!("POST /approvals/{id}/revoke");
    let ana = lead(&server, "ana", &["leads"]);
    assert_eq!(ask(&server, &line, Some(&ana), "").status, 200);
    assert_eq!(status(&server, &id, &both).get("token"), None, "revoked");
}

#[tokio::test]
async fn a_token_of_another_issuer_passes_once() {
    let first = signing(ISSUER, "p256", "").start();
    let abroad = abroad(&first);
    let alice = caller(&first, "alice");
    let (id, token) = token(&first, &alice, "/open/7").await;
    let passed = call(&abroad, &alice, "/open/7", Some(&token)).await;
    assert_eq!(passed.outcome(), "allow", "{:?}", abroad.records());
    assert_eq!(passed.sets("idempotency-key"), Some(id));
    let again = call(&abroad, &alice, "/open/7", Some(&token)).await;
    assert_eq!(again.outcome(), INVALID, "its `jti` was used");
}

#[tokio::test]
async fn what_another_issuer_did_not_sign_for_this_call_is_refused() {
    let first = signing(ISSUER, "p256", "").start();
    let abroad = abroad(&first);
    let alice = caller(&first, "alice");
    let (_, good) = token(&first, &alice, "/open/7").await;
    let signer = signer(&first);
    let with = |typ: &str, change: &dyn Fn(&mut Value)| {
        let mut claims = claims(&good);
        change(&mut claims);
        signer.sign(typ, &claims).unwrap()
    };
    let other_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let stranger = SigningKey::load(&abroad.setup.path("tokens/ed25519.pem")).unwrap();
    for (what, token) in [
        ("type", with("at+jwt", &|_| ())),
        (
            "key of the call",
            with(TYP, &|it| it["authz"]["key"] = json!(other_key)),
        ),
        ("subject", with(TYP, &|it| it["sub"] = json!("bob"))),
        (
            "key of the credential",
            with(TYP, &|it| it["cnf"] = json!({ "jkt": other_key })),
        ),
        ("time", with(TYP, &|it| it["exp"] = json!(now() - 1))),
        (
            "audience",
            with(TYP, &|it| {
                it["aud"] = json!("https://elsewhere.example.com");
            }),
        ),
        (
            "approver",
            with(TYP, &|it| it["approvers"][0]["groups"] = json!(["guests"])),
        ),
        (
            "own approval",
            with(TYP, &|it| it["approvers"][0]["id"] = json!("alice")),
        ),
        ("signature", stranger.sign(TYP, &claims(&good)).unwrap()),
    ] {
        let refused = call(&abroad, &alice, "/open/7", Some(&token)).await;
        assert_eq!(refused.outcome(), INVALID, "{what}");
    }
    for (who, path) in [("bob", "/open/7"), ("alice", "/open/8")] {
        let who = caller(&first, who);
        let refused = call(&abroad, &who, path, Some(&good)).await;
        assert_eq!(refused.outcome(), INVALID, "{path}");
    }
    let passed = call(&abroad, &alice, "/open/7", Some(&with(TYP, &|_| ()))).await;
    assert_eq!(passed.outcome(), "allow", "none of these used it");
}
