//! Keys that are found by discovery, and keys in a file.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::running::{Running, eventually, source};
use crate::keys::JwsError;
use crate::keys::testing::{TestKey, jwks};
use crate::outbound::testing::{Reply, TestServer};

/// A server with an `OpenID` configuration that names `issuer` (its own URL plus the suffix) and `jwks_uri`.
async fn discovery(
    issuer_suffix: &'static str,
    jwks_uri: Option<&'static str>,
    key: &TestKey,
) -> TestServer {
    let keys = jwks(&[key]);
    let base = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&base);
    let server = TestServer::start(move |path| {
        let base = own.lock().unwrap().clone();
        match path {
            "/realm/.well-known/openid-configuration" => {
                let own_uri = format!("{base}/keys");
                let uri = jwks_uri.unwrap_or(&own_uri);
                Reply::ok(json!({ "issuer": base + issuer_suffix, "jwks_uri": uri }).to_string())
            }
            "/keys" => Reply::ok(keys.clone()),
            _ => Reply::status(404),
        }
    })
    .await;
    *base.lock().unwrap() = server.url("");
    server
}

#[tokio::test]
async fn discovery_finds_the_keys() {
    let key = TestKey::p256("a");
    let server = discovery("/realm", None, &key).await;
    let running = Running::start(source(&json!({ "discovery": server.url("/realm") })))
        .loaded()
        .await;
    assert_eq!(running.check(&key), Ok(()));
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let key = TestKey::p256("a");
    for (says, configured) in [
        ("/realm/", "/realm"),
        ("/realm", "/realm/"),
        ("/other", "/realm"),
    ] {
        let server = discovery(says, None, &key).await;
        let running = Running::start(source(&json!({ "discovery": server.url(configured) })));
        let error = "the OpenID configuration's `issuer` is not the configured one, byte for byte";
        eventually(|| running.status().last_error.as_deref() == Some(error)).await;
        assert_eq!(server.hits(), 1);
    }
}

#[tokio::test]
async fn a_discovered_url_obeys_the_same_rules() {
    for (uri, error) in [
        (
            "http://keys.example.com/",
            "plain `http` is allowed on loopback only",
        ),
        ("file:///etc/passwd", "the URL's scheme is not `https`"),
        (
            "https://a:b@keys.example.com/",
            "the URL contains credentials",
        ),
    ] {
        let server = discovery("/realm", Some(uri), &TestKey::p256("a")).await;
        let running = Running::start(source(&json!({ "discovery": server.url("/realm") })));
        eventually(|| {
            running
                .status()
                .last_error
                .is_some_and(|found| found.contains(error))
        })
        .await;
    }
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, jwks(&[&old])).unwrap();
    let running = Running::start(source(&json!({ "file": path })))
        .loaded()
        .await;
    assert_eq!(running.check(&old), Ok(()));

    // Replaced by a file of the same size, as a rename does it.
    let mut next = tempfile::NamedTempFile::new_in(&directory).unwrap();
    next.write_all(&jwks(&[&new])).unwrap();
    next.persist(&path).unwrap();
    eventually(|| running.check(&new) == Ok(())).await;
    assert_eq!(running.check(&old), Err(JwsError::UnknownKey));

    std::fs::write(&path, "{").unwrap();
    eventually(|| running.status().last_error.is_some()).await;
    assert_eq!(running.check(&new), Ok(()));
}

#[tokio::test]
async fn a_missing_or_oversized_file_is_a_failure_until_it_is_there() {
    let key = TestKey::p256("a");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let spec = json!({ "file": path, "max_bytes": 1_000 });
    let running = Running::start(source(&spec));
    let error = |text: &'static str| {
        running
            .status()
            .last_error
            .is_some_and(|found| found.starts_with(text))
    };
    eventually(|| error("cannot read the file: No such file")).await;
    std::fs::write(&path, " ".repeat(1_001)).unwrap();
    eventually(|| error("the file is larger than 1000 bytes")).await;
    std::fs::write(&path, jwks(&[&key])).unwrap();
    eventually(|| running.check(&key) == Ok(())).await;
}
