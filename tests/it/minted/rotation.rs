//! New keys and old ones, while the server runs.

use serde_json::Value;

use super::{CONFIG, alice, ask, jwks, key, minted, setup, verify, write_key};
use crate::harness::{Client, SOON, Server, eventually};

const AUDIENCE: &str = "https://payments.example.com";

async fn export(server: &Server, client: &Client) -> String {
    let token = alice(&server.setup).sign();
    minted(
        &client
            .check(&ask("POST", "/export/eu").bearer(&token))
            .await,
    )
}

/// The ids of the published keys, in their order.
fn kids(server: &Server) -> Vec<String> {
    let set = jwks(server);
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Names other keys, and waits until they are published.
fn name(server: &Server, from: &str, to: &str) -> Vec<String> {
    let before = kids(server);
    server
        .setup
        .edit(CONFIG, &format!("keys: [{from}]"), &format!("keys: [{to}]"));
    eventually(SOON, to, || Some(kids(server)).filter(|now| *now != before))
}

#[tokio::test]
async fn keys_overlap_and_the_old_one_goes_last() {
    const OLD: &str = "tokens/p256.pem";
    const NEW: &str = "tokens/ed25519.pem";
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let by_old = export(&server, &client).await;
    // Published first, so that every verifier has it before it signs.
    write_key(&server.setup, "ed25519", key("ed25519"));
    let published = name(&server, OLD, &format!("{OLD}, {NEW}"));
    assert_eq!(published.len(), 2);
    let signed_by = |token: &str| {
        let (header, _) = verify(token, &jwks(&server), AUDIENCE).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!(signed_by(&export(&server, &client).await), published[0]);
    name(&server, &format!("{OLD}, {NEW}"), &format!("{NEW}, {OLD}"));
    let by_new = export(&server, &client).await;
    assert_eq!(signed_by(&by_new), published[1]);
    assert_eq!(
        signed_by(&by_old),
        published[0],
        "the old one's tokens are good"
    );
    assert_eq!(name(&server, &format!("{NEW}, {OLD}"), NEW), published[1..]);
    assert_eq!(signed_by(&by_new), published[1]);
    let gone = verify(&by_old, &jwks(&server), AUDIENCE);
    assert!(gone.is_err(), "{gone:?}");
}

#[tokio::test]
async fn a_file_that_changes_in_place_is_another_key() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let before = kids(&server);
    let by_old = export(&server, &client).await;
    let version = server.status()["policy"]["version"].clone();
    write_key(&server.setup, "p256", key("p256-too"));
    eventually(SOON, "another key", || {
        (kids(&server) != before).then_some(())
    });
    assert_ne!(server.status()["policy"]["version"], version);
    let by_new = export(&server, &client).await;
    assert!(verify(&by_new, &jwks(&server), AUDIENCE).is_ok());
    assert!(verify(&by_old, &jwks(&server), AUDIENCE).is_err());
}

#[tokio::test]
async fn a_bad_key_changes_nothing_until_it_is_cured() {
    let server = setup(&["p256"]).start();
    let client = server.client().await;
    let before = kids(&server);
    let state = |wanted: &str| {
        let reload = server.status()["policy"]["reload"].clone();
        (reload["state"] == wanted).then_some(reload)
    };
    for bad in ["rsa", "encrypted", "certificate"] {
        write_key(&server.setup, "p256", key(bad));
        let reload: Value = eventually(SOON, bad, || state("refused"));
        let problem = reload["problems"][0].as_str().unwrap();
        assert!(problem.contains("tokens/p256.pem"), "{problem}");
        assert_eq!(kids(&server), before);
        let token = export(&server, &client).await;
        assert!(verify(&token, &jwks(&server), AUDIENCE).is_ok());
        write_key(&server.setup, "p256", key("p256"));
        eventually(SOON, "cured", || state("applied"));
    }
    write_key(&server.setup, "p256", key("ed25519"));
    eventually(SOON, "another key", || {
        (kids(&server) != before).then_some(())
    });
}

#[test]
fn without_a_section_no_keys_are_published() {
    let server = crate::harness::Setup::new().start();
    let reply = server.get("/.well-known/jwks.json");
    assert_eq!(reply.status, 404);
    assert!(reply.json()["detail"].as_str().unwrap().contains("`token`"));
}
