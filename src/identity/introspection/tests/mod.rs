//! Introspection against a real HTTP server that answers, stalls, drips, redirects and lies.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Introspector;
use crate::identity::proof::{DpopSettings, DpopSpec};
use crate::identity::providers::{CheckedProviders, Clock, Providers};
use crate::identity::refusal::Refusal;
use crate::identity::resources::Resources;
use crate::identity::spec::ProviderSpec;
use crate::identity::testing::{AUDIENCE, changed, provider_name, request, route};
use crate::model::identity::Identity;
use crate::model::reason::FaultCode;
use crate::outbound::HttpClient;
use crate::outbound::testing::TestServer;

mod answers;
mod asking;
mod configuration;
mod failing;
mod routing;

/// A secret that must never be told.
const SECRET: &str = "cl1ent+s3cret";
/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

/// A folder with the client's secret in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    folder
}

/// The least that a provider needs to be told, and `more`.
fn spec(endpoint: &str, more: Json) -> Json {
    let least = json!({
        "endpoint": endpoint,
        "client": { "id": "countersign", "secret": { "file": "secret" } },
        "unregistered_client": "subject",
        "map": { "kind": "\"human\"" },
    });
    changed(&least, more)
}

/// Sound members of an answer.
fn members() -> Json {
    json!({ "active": true, "sub": "alice", "aud": AUDIENCE, "scope": "crm:read", "client_id": "web" })
}

/// Providers by name, with introspectors that ask.
struct World {
    providers: Providers,
    known: Resources,
    folder: TempDir,
}

impl World {
    fn new(specs: &[(&str, Json)]) -> Self {
        let folder = folder();
        let specs = specs.iter().map(|(name, spec)| {
            let spec: ProviderSpec = serde_json::from_value(spec.clone()).unwrap();
            ((*name).to_owned(), spec)
        });
        let checked = CheckedProviders::compile(specs, folder.path()).unwrap();
        let http = HttpClient::new().unwrap();
        let introspectors = checked.introspection_sources().map(|(name, source)| {
            let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
            let known = Introspector::new(source.clone(), http.clone(), tasks, stop);
            (name.clone(), known)
        });
        let known = Resources {
            introspectors: introspectors.collect(),
            ..Resources::default()
        };
        Self {
            providers: checked.with(dpop(), &known),
            known,
            folder,
        }
    }

    /// One provider, `legacy`.
    fn one(server: &TestServer, more: Json) -> Self {
        let spec = spec(&server.url("/introspect"), more);
        Self::new(&[("legacy", json!({ "introspection": spec }))])
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn introspector(&self) -> &Introspector {
        &self.known.introspectors[&provider_name("legacy")]
    }

    async fn ask_within(&self, token: &str, patience: Duration) -> Result<Identity, Refusal> {
        self.ask_on(&["legacy"], token, patience).await
    }

    async fn ask_on(
        &self,
        providers: &[&str],
        token: &str,
        patience: Duration,
    ) -> Result<Identity, Refusal> {
        let now = Instant::now();
        let clock = Clock {
            now,
            until: now + patience,
        };
        let (request, route) = (request(Some(&format!("Bearer {token}"))), route(providers));
        let asked = self.providers.authenticate(&request, &route, clock).await;
        asked.map(|identity| identity.expect("a credential is never anonymous"))
    }

    /// The subject, or the reason code; nothing that is secret stands in any refusal.
    async fn ask(&self, token: &str) -> String {
        said(token, self.ask_within(token, LONG).await)
    }
}

fn said(token: &str, outcome: Result<Identity, Refusal>) -> String {
    if let Err(refusal) = &outcome {
        let told = format!("{refusal:?}");
        assert!(!told.contains(token) && !told.contains("s3cret"), "{told}");
    }
    match outcome {
        Ok(identity) => identity.subject.to_string(),
        Err(Refusal::Deny(denial)) => denial.reason.to_string(),
        Err(Refusal::Fault(fault)) => {
            assert_eq!(fault.code, FaultCode::IntrospectionUnavailable);
            format!("fault: {}", fault.cause)
        }
    }
}

/// Proofs of possession are not what is tested here.
fn dpop() -> DpopSettings {
    DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap()
}

/// Looks until `found`, for at most a while.
async fn eventually(what: &str, mut found: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !found().await {
        assert!(started.elapsed() < LONG, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What is wrong with a provider.
fn findings(more: Json) -> Vec<String> {
    let spec = spec("https://as.example.com/introspect", more);
    let spec: ProviderSpec = serde_json::from_value(json!({ "introspection": spec })).unwrap();
    let specs = [("legacy".to_owned(), spec)];
    match CheckedProviders::compile(specs, Path::new("/etc/countersign")) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.iter().map(ToString::to_string).collect(),
    }
}
