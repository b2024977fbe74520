//! What a minted token says, and what else becomes of the request.

use serde_json::{Value, json};

use super::{HEADER, ISSUER, VAULT, alice, ask, jwks, minted, removes, setup, verify};
use crate::harness::{Ask, SOON, Setup, eventually, now, run};

#[tokio::test]
async fn a_foreign_verifier_reads_who_does_what_to_what() {
    for kind in ["p256", "ed25519"] {
        let server = setup(&[kind]).start();
        let client = server.client().await;
        let token = alice(&server.setup).actor("crm-bot").sign();
        let answer = client
            .check(&ask("POST", "/export/eu").bearer(&token))
            .await;
        let (audience, now) = ("https://payments.example.com", now());
        let minted = minted(&answer);
        let (header, claims) = verify(&minted, &jwks(&server), audience).unwrap();
        assert_eq!(header["typ"], "txntoken+jwt");
        assert_eq!(header["kid"], jwks(&server)["keys"][0]["kid"]);
        let id = answer.told("decision_id");
        let (iat, exp) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        assert!((now - 20..=now).contains(&iat), "{iat} {now}");
        assert_eq!(exp - iat, 60);
        let expected = json!({
            "iss": ISSUER, "iat": iat, "exp": exp, "aud": audience, "jti": id, "txn": id,
            "sub": "alice", "scope": "vault:export", "req_wl": "corp/crm-bot",
            "act": { "sub": "crm-bot", "iss": server.setup.corp.iss },
            "tctx": {
                "action": "vault.export", "route": "vault", "tier": "high",
                "resource": { "type": "segment", "id": "eu" },
                "subject": { "issuer": "corp", "id": "alice", "kind": "human" },
                "actor": { "issuer": "corp", "id": "crm-bot", "kind": "agent" },
            },
        });
        assert_eq!(claims, expected);
        // Another audience, and another server's keys, are refused.
        assert!(verify(&minted, &jwks(&server), "vault").is_err());
        let other = setup(&["p256-too"]).start();
        assert!(verify(&minted, &jwks(&other), audience).is_err());
    }
}

#[tokio::test]
async fn the_credential_stays_behind() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let list = ask("GET", "/list").bearer(&token).header("dpop", "x");
    let answer = client.check(&list).await;
    minted(&answer);
    assert!(removes(&answer, "authorization") && removes(&answer, "dpop"));
    // An API key that Envoy keeps to itself may be there as well.
    assert!(removes(&answer, "x-api-key"));
    // Where no token is demanded, nothing changes.
    let plain = client.check(&ask("GET", "/plain").bearer(&token)).await;
    assert_eq!(plain.outcome(), "allow");
    assert!(!removes(&plain, "authorization"));
}

#[tokio::test]
async fn a_rule_may_log_in_to_the_upstream_in_its_own_way() {
    let setup = setup(&["p256"]);
    let (from, to) = ("x-vault: \"'yes'\"", "authorization: \"'Basic dmF1bHQ6'\"");
    setup.edit("policies/vault.yaml", from, to);
    let server = setup.start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let answer = client.check(&ask("GET", "/basic").bearer(&token)).await;
    minted(&answer);
    let sets = answer.sets("authorization");
    assert_eq!(sets.as_deref(), Some("Basic dmF1bHQ6"));
    assert!(!removes(&answer, "authorization") && removes(&answer, "dpop"));
}

#[tokio::test]
async fn a_cookie_that_is_a_credential_stays_behind_and_the_others_go_on() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = alice(&server.setup).claim("iss", json!("http://127.0.0.1:10080/portal"));
    let token = token.sign();
    let with = |cookies: String| ask("GET", "/list").header("cookie", cookies);
    let answer = client
        .check(&with(format!("a=1; session={token}; b=2")))
        .await;
    minted(&answer);
    assert_eq!(answer.sets("cookie").as_deref(), Some("a=1; b=2"));
    let alone = client.check(&with(format!("session={token}"))).await;
    minted(&alone);
    assert!(removes(&alone, "cookie"));
    // One that Envoy keeps to itself may be a credential as well.
    let unseen = ask("GET", "/list").bearer(&alice(&server.setup).sign());
    assert!(removes(&client.check(&unseen).await, "cookie"));
    // A session's cookie beside another credential is one too many, on this route as on every other.
    let both = with(format!("session={token}")).bearer(&alice(&server.setup).sign());
    assert_eq!(
        client.check(&both).await.outcome(),
        "deny 400 credential_ambiguous"
    );
}

#[tokio::test]
async fn a_clients_own_token_never_goes_on() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let lies = |ask: Ask| ask.header(HEADER, "mine").header("txn_token", "mine");
    let answer = client
        .check(&lies(ask("GET", "/list").bearer(&token)))
        .await;
    assert_ne!(minted(&answer), "mine");
    assert!(removes(&answer, "txn_token") && !removes(&answer, HEADER));
    for open in [ask("GET", "/plain").bearer(&token), ask("GET", "/open")] {
        let answer = client.check(&lies(open)).await;
        assert_eq!(answer.outcome(), "allow");
        assert_eq!(answer.sets(HEADER), None);
        assert!(removes(&answer, "txn_token") && removes(&answer, HEADER));
    }
}

#[tokio::test]
async fn two_guards_demand_what_both_allow_or_nothing() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let answer = client.check(&ask("GET", "/list").bearer(&token)).await;
    let (_, claims) = verify(&minted(&answer), &jwks(&server), "vault").unwrap();
    assert_eq!(claims["scope"], "vault:list");
    let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lasts, 5);
    for kind in ["audience", "scope"] {
        let clash = ask("GET", &format!("/clash/{kind}")).bearer(&token);
        let outcome = client.check(&clash).await.outcome();
        assert_eq!(outcome, "fault 503 constraint_conflict", "{kind}");
    }
    let fine = client
        .check(&ask("GET", "/clash/none").bearer(&token))
        .await;
    minted(&fine);
}

#[tokio::test]
async fn a_minted_token_ends_no_later_than_the_callers() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let export = |token: &str| ask("POST", "/export/eu").bearer(token);
    let soon = now() + 20;
    let token = alice(&server.setup).claim("exp", json!(soon)).sign();
    let answer = client.check(&export(&token)).await;
    let audience = "https://payments.example.com";
    let (_, claims) = verify(&minted(&answer), &jwks(&server), audience).unwrap();
    assert_eq!(claims["exp"], soon);
    // One that is over, and accepted because clocks differ, is good for nothing that could be minted.
    let over = alice(&server.setup).claim("exp", json!(now() - 5)).sign();
    let answer = client.check(&export(&over)).await;
    assert_eq!(answer.outcome(), "deny 401 token_expired");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("invalid_token"), "{challenge}");
    let plain = client.check(&ask("GET", "/plain").bearer(&over)).await;
    assert_eq!(plain.outcome(), "allow");
}

#[tokio::test]
async fn whoever_lacks_the_scope_is_asked_for_it_and_gets_no_token() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = server.setup.corp.token("alice").audience(VAULT);
    let token = token.scope("vault:list").sign();
    let answer = client.check(&ask("GET", "/list").bearer(&token)).await;
    assert_eq!(answer.outcome(), "deny 403 insufficient_scope");
}

/// The type and the members of a minted token are those of no credential, even where its issuer is trusted as one.
#[tokio::test]
async fn a_minted_token_is_no_credential_here_or_elsewhere() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let answer = client
        .check(&ask("POST", "/export/eu").bearer(&token))
        .await;
    let minted = minted(&answer);
    for path in ["/plain", "/list"] {
        let back = client.check(&ask("GET", path).bearer(&minted)).await;
        assert_eq!(back.outcome(), "deny 401 token_issuer", "{path}");
    }
    // Its audience is the payments' own, and this server takes its issuer for one of access tokens.
    let elsewhere = Setup::new();
    elsewhere.write("authz.jwks.json", &jwks(&server).to_string());
    for typ in ["at+jwt", "JWT"] {
        let setup = Setup::new();
        setup.write("authz.jwks.json", &jwks(&server).to_string());
        let provider = format!(
            "
  authz:
    jwt:
      issuer: {ISSUER}
      keys: {{ file: authz.jwks.json }}
      typ: {typ}
      unregistered_client: subject
      map: {{ kind: '\"human\"' }}
"
        );
        let text = setup.read("countersign.yaml");
        setup.write("countersign.yaml", &format!("{text}{provider}"));
        setup.edit(
            "policies/payments.yaml",
            "providers: [corp]",
            "providers: [corp, authz]",
        );
        let other = setup.start();
        let client = other.client().await;
        let answer = client
            .check(&Ask::payments("/v1/payments").bearer(&minted))
            .await;
        assert_eq!(answer.outcome(), "deny 401 token_type", "{typ}");
    }
}

#[tokio::test]
async fn records_say_what_was_demanded_and_hold_no_token() {
    let server = setup(&["p256"])
        .replacing("level: info }", "level: trace }")
        .start();
    let client = server.client().await;
    let token = alice(&server.setup).sign();
    let answer = client.check(&ask("GET", "/list").bearer(&token)).await;
    let (minted, id) = (minted(&answer), answer.told("decision_id"));
    let record = eventually(SOON, "the decision's record", || {
        let mut records = server.records().into_iter();
        records.find(|record| record["decision_id"] == id.as_str())
    });
    let constraints = &record["constraints"];
    assert_eq!(
        constraints["token"],
        json!({ "audience": "vault", "scope": ["vault:list"] })
    );
    assert_eq!(constraints["headers"], json!([HEADER]));
    let written = format!(
        "{}{}{}{}",
        std::fs::read_to_string(server.setup.audit_file()).unwrap(),
        server.log(),
        server.output(),
        server.get("/metrics").body,
    );
    let metadata = answer.metadata().to_string();
    for part in minted.split('.') {
        assert!(!written.contains(part) && !metadata.contains(part));
    }
}

#[test]
fn explain_shows_the_token_that_would_be_minted() {
    let setup = setup(&["p256"]);
    let explain = [
        "explain",
        "--json",
        "--http",
        "GET /list",
        "--route",
        "vault",
        "--issuer",
        "corp",
        "--subject",
        "alice",
        "--scope",
        "vault:list",
        "--scope",
        "vault:read",
    ];
    let ran = run(
        setup.folder(),
        explain.into_iter().chain(["--config", "countersign.yaml"]),
    );
    let shown: Value = ran.json();
    assert_eq!(
        shown["constraints"]["token"],
        json!({ "audience": "vault", "scope": ["vault:list"], "ttl_s": 5.0 }),
        "{ran:?}"
    );
}

/// RFC 8785: members in order, no spaces. Envoy's word for the tool is no word on its arguments.
#[tokio::test]
async fn a_tools_arguments_are_named_by_their_digest() {
    const MEMBERS: &str = r#"{"b":1.0,"a":"\u00e9"}"#;
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let post = || {
        ask("POST", "/mcp")
            .bearer(&alice(&server.setup).sign())
            .header("content-type", "application/json")
    };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"send","arguments":{MEMBERS}}}}}"#
    );
    let answer = client.check(&post().body(&body)).await;
    let (_, claims) = verify(&minted(&answer), &jwks(&server), "vault").unwrap();
    // printf '{"a":"é","b":1}' | openssl dgst -sha256 -binary | basenc --base64url
    assert_eq!(
        claims["tctx"]["args_digest"],
        "qlj7qEg2I77TfBsC7fzL3ZpTEjg3wgv6TLQEmZOihy4"
    );
    let heard = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "send" },
        "is_mcp_request": true, "status": "mcp_ok",
    });
    let alone = post().metadata("envoy.filters.http.mcp", heard);
    let answer = client.check(&alone).await;
    assert_eq!(answer.outcome(), "deny 400 input_incomplete");
}

/// Two integers that are one to whoever reads doubles: a token for the one would be good for the other.
#[tokio::test]
async fn arguments_that_have_no_digest_get_no_token() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let call = |tool: &str, rows: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"rows":{rows}}}}}}}"#
        );
        let token = alice(&server.setup).sign();
        let post = ask("POST", "/mcp").bearer(&token).body(&body);
        post.header("content-type", "application/json")
    };
    minted(&client.check(&call("send", "9007199254740991")).await);
    let answer = client.check(&call("send", "9007199254740993")).await;
    assert_eq!(answer.outcome(), "deny 400 argument_invalid");
    // Where no token speaks of them, what is not declared passes.
    let answer = client.check(&call("note", "9007199254740993")).await;
    assert_eq!(answer.outcome(), "allow");
}
