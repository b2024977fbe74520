//! Wiring: build, run, reload, shut down. Everything that runs is spawned here, named here and stopped here.

mod aside;
mod introspectors;
mod keysets;
mod live;
mod notices;
mod operators;
mod reload;
mod report;
mod run;
mod seen;
mod status;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use run::run;

use crate::authorizer::{Examined, Live, Snapshot};
use crate::config::Bundle;
use crate::identity::{ApiKeys, Resources};
use crate::keys::secret::Secret;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::policy::Trace;
use crate::store::{Store, StoreSettings};
use keysets::KeySets;

/// Where a running server listens.
#[derive(Clone, Debug)]
pub struct Bound {
    /// gRPC over TCP.
    pub grpc: Option<SocketAddr>,
    /// gRPC over a Unix socket.
    pub unix: Option<PathBuf>,
    /// Metrics and health.
    pub metrics: SocketAddr,
    /// Status and changes.
    pub admin: Option<SocketAddr>,
}

impl Bound {
    /// One line for scripts.
    pub fn to_json(&self) -> String {
        let Self {
            grpc,
            unix,
            metrics,
            admin,
        } = self;
        let (grpc, admin) = (grpc.map(shown), admin.map(shown));
        serde_json::json!({ "grpc": grpc, "unix": unix, "metrics": shown(*metrics), "admin": admin })
            .to_string()
    }
}

fn shown(address: SocketAddr) -> String {
    address.to_string()
}

/// The keys that a credential needs could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error("keys could not be loaded: {0}")]
pub struct KeysError(String);

/// How long `explain` waits for the issuers' keys.
const KEYS_WAIT: Duration = Duration::from_secs(5);

/// A snapshot without a server, for `test` and `explain`. With `keys`, the issuers' keys are fetched once.
pub fn offline_snapshot(bundle: Bundle, now: Timestamp, keys: bool) -> Result<Snapshot> {
    if !keys {
        return Ok(bundle.into_snapshot(now, &Resources::default(), Live::none()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let resources = runtime.block_on(async {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut sets = KeySets::new(tasks, stop)?;
        let sources = bundle.providers.introspection_sources();
        let introspectors = sets.introspectors().prepare(sources);
        let handles = sets.prepare(bundle.providers.key_sources());
        if !keysets::loaded(&handles, Instant::now() + KEYS_WAIT).await {
            let missing = keysets::missing(&handles);
            return Err(KeysError(missing.join("; ")).into());
        }
        // A memory of its own: what is explained here uses up nothing that a server remembers.
        let memory = lasting(Store::open(&StoreSettings::in_memory())?).await?;
        anyhow::Ok(Resources {
            key_sets: handles,
            introspectors,
            api_keys: Some(api_keys(&bundle.store, memory.store.clone()).await?),
            ..memory
        })
    })?;
    Ok(bundle.into_snapshot(now, &resources, Live::none()))
}

/// The API keys of a store that is there; none is made for a question.
async fn api_keys(settings: &StoreSettings, memory: Option<Store>) -> Result<ApiKeys> {
    let there = match settings.file() {
        Some(file) => file.exists(),
        None => settings.is_lasting(),
    };
    let store = match memory {
        Some(memory) if !there => memory,
        Some(_) | None => Store::open(settings)?,
    };
    Ok(ApiKeys::load(&store).await?)
}

/// What stays the same for every snapshot of one process.
async fn lasting(store: Store) -> Result<Resources> {
    let began = Instant::now();
    let secret = loop {
        match store.secret(NONCE_SECRET).await {
            Err(error) if error.may_pass() && began.elapsed() < STORE_WAIT => {
                tracing::warn!(%error, "the store is waited for");
                tokio::time::sleep(STORE_PAUSE).await;
            }
            secret => break secret.context("store")?,
        }
    };
    Ok(Resources {
        store: Some(store),
        nonce_secret: Some(Secret::from(secret)),
        ..Resources::default()
    })
}

/// How long a start waits for a store that others serve, and how long between two attempts. After that whoever started this process
/// should know.
const STORE_WAIT: Duration = Duration::from_secs(30);
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// The name of the store's secret that nonces are made with.
const NONCE_SECRET: &str = "dpop-nonce";

/// How long `explain` waits for whoever is asked about a credential.
const ASK_WAIT: Duration = Duration::from_secs(10);

/// Examines a request with its credential, without a server.
pub fn examine(
    snapshot: &Snapshot,
    request: &AccessRequest,
    trace: Option<Trace>,
) -> Result<Examined> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let until = Instant::now() + ASK_WAIT;
    Ok(*runtime.block_on(snapshot.examine(request, until, trace)))
}
