//! A key set that runs against a server whose answer can be changed.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::keys::testing::{TestKey, verify};
use crate::keys::{Algorithm, JwsError, KeySet, KeySetStatus, KeySource};
use crate::outbound::HttpClient;
use crate::outbound::testing::{Reply, TestServer};

/// A server whose answer can be changed, and what it serves.
pub(super) struct Issuer {
    pub(super) server: TestServer,
    reply: Arc<Mutex<Reply>>,
}

/// A key set that stops when it is dropped.
pub(super) struct Running {
    pub(super) keys: KeySet,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl Issuer {
    pub(super) async fn start(reply: Reply) -> Self {
        let reply = Arc::new(Mutex::new(reply));
        let current = Arc::clone(&reply);
        let server = TestServer::start(move |_| current.lock().unwrap().clone()).await;
        Self { server, reply }
    }

    pub(super) fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    pub(super) fn source(&self) -> KeySource {
        source(&json!({ "url": self.server.url("/jwks.json") }))
    }
}

impl Running {
    pub(super) fn start(source: KeySource) -> Self {
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let client = HttpClient::new().unwrap();
        let keys = KeySet::spawn(source, client, &tasks, cancel.clone());
        Self {
            keys,
            tasks,
            cancel,
        }
    }

    pub(super) fn status(&self) -> KeySetStatus {
        self.keys.status(Instant::now())
    }

    pub(super) fn check(&self, key: &TestKey) -> Result<(), JwsError> {
        let token = key.token(Algorithm::Es256, &json!({}));
        verify(&token, &Algorithm::ALL, &self.keys, Instant::now())
    }

    pub(super) async fn loaded(self) -> Self {
        eventually(|| self.status().loaded).await;
        self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

pub(super) fn source(spec: &Value) -> KeySource {
    let spec = serde_json::from_value(spec.clone()).unwrap();
    KeySource::compile("corp", spec, Path::new("/")).unwrap()
}

/// Waits for a condition; ten seconds are for a machine that is busy.
pub(super) async fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "it did not happen within ten seconds"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
