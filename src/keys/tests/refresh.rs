//! The life of a key set, against a real server.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::keys::testing::{TestKey, jwks};
use crate::keys::{Algorithm, JwsError, KeySet, KeySetStatus, KeySource, verify};
use crate::outbound::HttpClient;
use crate::outbound::testing::{Reply, TestServer};

/// A server whose answer can be changed, and what it serves.
struct Issuer {
    server: TestServer,
    reply: Arc<Mutex<Reply>>,
}

/// A key set that stops when it is dropped.
struct Running {
    keys: KeySet,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Issuer {
    async fn start(reply: Reply) -> Self {
        let reply = Arc::new(Mutex::new(reply));
        let current = Arc::clone(&reply);
        let server = TestServer::start(move |_| current.lock().unwrap().clone()).await;
        Self { server, reply }
    }

    fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn source(&self) -> KeySource {
        source(&json!({ "url": self.server.url("/jwks.json") }))
    }
}

impl Running {
    fn start(source: KeySource) -> Self {
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let client = HttpClient::new().unwrap();
        let keys = KeySet::spawn(source, client, &tasks, cancel.clone());
        Self {
            keys,
            tasks,
            cancel,
        }
    }

    fn status(&self) -> KeySetStatus {
        self.keys.status(Instant::now())
    }

    fn check(&self, key: &TestKey) -> Result<(), JwsError> {
        let token = key.token(Algorithm::Es256, &json!({}));
        verify(&token, &Algorithm::ALL, &self.keys, Instant::now()).map(drop)
    }

    async fn loaded(self) -> Self {
        eventually(|| self.status().loaded).await;
        self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn source(spec: &Value) -> KeySource {
    let spec = serde_json::from_value(spec.clone()).unwrap();
    KeySource::compile("corp", spec, Path::new("/")).unwrap()
}

/// Waits for a condition; ten seconds are for a machine that is busy.
async fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "it did not happen within ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[tokio::test]
async fn keys_are_not_loaded_until_a_fetch_succeeds() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::status(503)).await;
    let running = Running::start(issuer.source());
    eventually(|| running.status().failures > 0).await;
    assert_eq!(running.check(&key), Err(JwsError::KeysNotLoaded));
    let status = running.status();
    assert_eq!((status.loaded, status.age, status.keys), (false, None, 0));
    assert_eq!(
        status.last_error.as_deref(),
        Some("the answer has status 503, not 200")
    );

    issuer.answer(Reply::ok(jwks(&[&key])));
    let running = running.loaded().await;
    assert_eq!(running.check(&key), Ok(()));
    let status = running.status();
    assert_eq!(
        (status.name.as_str(), status.keys, status.last_error),
        ("corp", 1, None)
    );
    assert!(status.fetches > status.failures && status.failures >= 1);
}

#[tokio::test]
async fn a_withdrawn_key_stops_working_at_the_next_refresh() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let mut source = issuer.source();
    source.refresh = ms(50);
    let running = Running::start(source).loaded().await;
    assert_eq!(running.check(&old), Ok(()));
    issuer.answer(Reply::ok(jwks(&[&new])));
    eventually(|| running.check(&old) == Err(JwsError::UnknownKey)).await;
    assert_eq!(running.check(&new), Ok(()));
}

#[tokio::test]
async fn a_new_key_is_fetched_as_soon_as_a_token_names_it() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let running = Running::start(issuer.source()).loaded().await;
    issuer.answer(Reply::ok(jwks(&[&old, &new])));
    assert_eq!(running.check(&new), Err(JwsError::UnknownKey));
    eventually(|| running.check(&new) == Ok(())).await;
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_random_key_ids_causes_a_handful_of_fetches() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let running = Running::start(issuer.source()).loaded().await;
    let now = Instant::now();
    for number in 0..100_000 {
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, now)
                .is_err()
        );
    }
    eventually(|| issuer.server.hits() == 2).await;
    tokio::time::sleep(ms(300)).await;
    // The first load, and the one refresh that the flood was worth within `min_interval` (30 s).
    assert_eq!(issuer.server.hits(), 2);
    assert!(running.keys.remembered_unknown() <= 10_000);
    assert_eq!(running.check(&key), Ok(()));
}

#[tokio::test]
async fn asked_refreshes_keep_their_distance() {
    let issuer = Issuer::start(Reply::ok(jwks(&[&TestKey::p256("a")]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(200);
    let running = Running::start(source).loaded().await;
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < ms(1_000) {
        number += 1;
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, Instant::now())
                .is_err()
        );
        tokio::time::sleep(ms(1)).await;
    }
    // The first load, one at once, and one for each 200 ms.
    let hits = issuer.server.hits();
    assert!((3..=7).contains(&hits), "{hits}");
}

#[tokio::test]
async fn an_id_that_stays_unknown_asks_only_once() {
    let issuer = Issuer::start(Reply::ok(jwks(&[&TestKey::p256("a")]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(100);
    let running = Running::start(source).loaded().await;
    let stranger = TestKey::p256("stranger");
    let started = Instant::now();
    while started.elapsed() < ms(600) {
        assert_eq!(running.check(&stranger), Err(JwsError::UnknownKey));
        tokio::time::sleep(ms(5)).await;
    }
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test]
async fn new_keys_clear_what_was_remembered_as_unknown() {
    let (old, new) = (TestKey::p256("old"), TestKey::p256("new"));
    let issuer = Issuer::start(Reply::ok(jwks(&[&old]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(100);
    let running = Running::start(source).loaded().await;
    assert!(running.check(&TestKey::p256("stranger")).is_err());
    assert_eq!(running.keys.remembered_unknown(), 1);
    issuer.answer(Reply::ok(jwks(&[&new])));
    assert!(running.check(&new).is_err());
    eventually(|| running.check(&new) == Ok(())).await;
    assert_eq!(running.keys.remembered_unknown(), 0);
}

#[tokio::test]
async fn fetches_of_one_source_do_not_overlap() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    source.min_interval = ms(1);
    let running = Running::start(source).loaded().await;
    let slow = Reply {
        delay: ms(400),
        ..Reply::ok(jwks(&[&key]))
    };
    issuer.answer(slow);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < ms(300) {
        number += 1;
        let kid = format!("random-{number}");
        assert!(
            running
                .keys
                .lookup(Some(&kid), Algorithm::Es256, Instant::now())
                .is_err()
        );
        tokio::time::sleep(ms(1)).await;
    }
    assert_eq!(issuer.server.hits(), 2);
}

#[tokio::test]
async fn stale_keys_serve_for_a_time_and_then_no_more() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    (source.refresh, source.stale_for) = (ms(50), ms(1_000));
    let running = Running::start(source).loaded().await;
    issuer.answer(Reply::status(500));
    eventually(|| running.status().failures >= 2).await;
    assert_eq!(running.check(&key), Ok(()));
    assert!(!running.status().stale);
    eventually(|| running.check(&key) == Err(JwsError::KeysStale)).await;
    let status = running.status();
    assert!(status.stale && status.loaded && status.age.unwrap() > ms(1_000));

    issuer.answer(Reply::ok(jwks(&[&key])));
    eventually(|| running.check(&key) == Ok(())).await;
    assert_eq!(running.status().last_error, None);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing_and_counts_as_failure() {
    let key = TestKey::p256("a");
    let issuer = Issuer::start(Reply::ok(jwks(&[&key]))).await;
    let mut source = issuer.source();
    source.refresh = ms(20);
    let running = Running::start(source).loaded().await;
    for (body, error) in [
        (r#"{"keys":[]}"#, "the set is empty"),
        (
            "<html>maintenance</html>",
            "the document is not a key set: not a JSON object",
        ),
        (
            r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            "the set has no usable key: the key is symmetric",
        ),
    ] {
        issuer.answer(Reply::ok(body));
        eventually(|| running.status().last_error.as_deref() == Some(error)).await;
        assert_eq!(running.check(&key), Ok(()));
        assert_eq!(running.status().keys, 1);
    }
}

#[tokio::test]
async fn redirecting_dripping_and_oversized_endpoints_are_failures() {
    let body = jwks(&[&TestKey::p256("a")]);
    let redirect = Reply {
        headers: vec![("location".to_owned(), "/jwks.json".to_owned())],
        ..Reply::status(302)
    };
    let drip = Reply {
        drip: Some(ms(20)),
        ..Reply::ok(body)
    };
    let flood = Reply {
        length: None,
        ..Reply::ok(vec![b' '; 300_000])
    };
    for (reply, error) in [
        (
            redirect,
            "the answer is a redirect (status 302); redirects are not followed, configure the final URL",
        ),
        (drip, "no complete answer within 300ms"),
        (flood, "the answer is larger than 262144 bytes"),
    ] {
        let issuer = Issuer::start(reply).await;
        let mut source = issuer.source();
        source.limits.timeout = ms(300);
        let running = Running::start(source);
        eventually(|| running.status().last_error.as_deref() == Some(error)).await;
        assert!(!running.status().loaded);
    }
}

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

#[tokio::test]
async fn the_task_ends_when_it_is_cancelled() {
    let hangs = Reply {
        delay: Duration::from_mins(1),
        ..Reply::ok("")
    };
    let issuer = Issuer::start(hangs).await;
    let running = Running::start(issuer.source());
    eventually(|| issuer.server.hits() == 1).await;
    running.cancel.cancel();
    running.tasks.close();
    tokio::time::timeout(Duration::from_secs(5), running.tasks.wait())
        .await
        .unwrap();
}
