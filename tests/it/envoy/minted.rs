//! Minted tokens through Envoy: the upstream gets one that it can verify, and nothing that the caller came with.

use std::sync::LazyLock;

use serde_json::json;

use super::client::{Answer, Request};
use super::stage::Stage;
use crate::minted::{self, alice, jwks, verify};

const HOST: &str = "vault.example.com";

/// Takes underscores in header names, so that none of the spellings stops before countersign.
static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let from = "headers_with_underscores_action: REJECT_REQUEST";
    let changes = [
        (from, "headers_with_underscores_action: ALLOW".to_owned()),
        ("                - exact: cookie\n", String::new()),
    ];
    Stage::start(&changes, minted::setup(&["p256"]))
});

/// What the upstream may take for a minted token, in every spelling.
fn tokens(answer: &Answer) -> Vec<String> {
    assert!(
        answer.is_from_upstream(),
        "{}: {}",
        answer.status,
        answer.reason()
    );
    ["txn-token", "txn_token"]
        .map(|name| answer.upstream(name))
        .concat()
}

fn lying(request: Request) -> Request {
    let names = ["txn-token", "Txn-Token", "txn_token", "TXN_TOKEN"];
    names
        .iter()
        .fold(request, |request, name| request.header(name, "mallory"))
}

#[test]
fn the_upstream_gets_a_token_that_it_can_verify_in_place_of_the_callers() {
    let token = alice(&STAGE.server.setup).actor("crm-bot").sign();
    let request = lying(
        Request::post(HOST, "/export/eu")
            .bearer(&token)
            .header("dpop", "x"),
    );
    let answer = STAGE.send(&request.body(b"{}"));
    let found = tokens(&answer);
    assert_eq!(found.len(), 1, "{found:?}");
    let audience = "https://payments.example.com";
    let (_, claims) = verify(&found[0], &jwks(&STAGE.server), audience).unwrap();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["act"]["sub"], "crm-bot");
    assert_eq!(
        claims["tctx"]["resource"],
        json!({ "type": "segment", "id": "eu" })
    );
    for name in ["authorization", "dpop"] {
        assert_eq!(answer.upstream(name), [""; 0], "{name}");
    }
    assert!(!answer.json().to_string().contains(&token));
    assert_eq!(
        STAGE.record(claims["txn"].as_str().unwrap())["verdict"],
        "allow"
    );
}

#[test]
fn a_clients_own_token_arrives_nowhere() {
    let token = alice(&STAGE.server.setup).sign();
    for request in [
        Request::get(HOST, "/plain").bearer(&token),
        Request::get(HOST, "/open"),
    ] {
        let answer = STAGE.send(&lying(request));
        assert_eq!(tokens(&answer), [""; 0]);
        assert!(
            !answer.json().to_string().contains("mallory"),
            "{}",
            answer.json()
        );
    }
    let plain = STAGE.send(&Request::get(HOST, "/plain").bearer(&token));
    assert_eq!(plain.upstream("authorization"), [format!("Bearer {token}")]);
}

#[test]
fn the_credentials_cookie_arrives_nowhere_and_the_others_do() {
    let portal = json!("http://127.0.0.1:10080/portal");
    let token = alice(&STAGE.server.setup).claim("iss", portal).sign();
    let session = format!("session={token}");
    for (lines, left) in [
        (vec![format!("a=1; {session}; b=2")], vec!["a=1; b=2"]),
        (
            vec!["a=1".to_owned(), session.clone(), "b=2".to_owned()],
            vec!["a=1; b=2"],
        ),
        (vec![session.clone()], Vec::new()),
    ] {
        let with = |request, line: &String| Request::header(request, "cookie", line);
        let answer = STAGE.send(&lines.iter().fold(Request::get(HOST, "/list"), with));
        assert_eq!(tokens(&answer).len(), 1);
        assert_eq!(answer.upstream("cookie"), left, "{}", lines.len());
        assert!(!answer.json().to_string().contains(&token));
    }
}

#[test]
fn a_minted_token_does_not_come_back_in() {
    let token = alice(&STAGE.server.setup).sign();
    let minted = tokens(&STAGE.send(&Request::get(HOST, "/list").bearer(&token)));
    let back = STAGE.send(&Request::get(HOST, "/list").bearer(&minted[0]));
    assert_eq!(
        (back.status, back.reason()),
        (401, "token_issuer".to_owned())
    );
}
