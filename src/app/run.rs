//! A server from start to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Bound;
use super::keysets::KeySets;
use super::live::Replica;
use super::notices::Notices;
use super::operators::{Doors, Servers};
use super::reload::{Asker, Lasting, Reloader};
use super::seen;
use super::status::StatusSource;
use crate::audit::{Audit, AuditError, AuditWriter};
use crate::authorizer::{Authorizer, ShadowQueue};
use crate::config::{Bundle, Overrides};
use crate::ext_authz::{Drained, Edge, EdgeError, now};
use crate::identity::{ApiKeyTask, ApiKeys, Resources};
use crate::model::name::ReplicaName;
use crate::model::time::Timestamp;
use crate::outbound::HttpClient;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::tls;

/// How long records may take to be written after the last answer.
const AUDIT_GRACE: Duration = Duration::from_secs(5);

/// How long what runs beside decisions may take to end.
const TASKS_GRACE: Duration = Duration::from_secs(1);

/// How often readiness is looked at.
const READY_POLL: Duration = Duration::from_millis(50);

/// Runs the server until SIGTERM or SIGINT, drains, and returns. `announce` is called once everything listens.
pub async fn run(
    config: PathBuf,
    overrides: Overrides,
    bundle: Bundle,
    announce: impl FnOnce(&Bound),
) -> Result<()> {
    let since = Instant::now();
    let (open, writer) = Open::new(&bundle).await?;
    let (api_keys, lasting) = open.lasting().await?;
    let replica = open.replica(bundle.store.replica())?;
    let (metrics_settings, admin_settings) = (bundle.metrics, bundle.admin.clone());
    let live = replica.live.clone();
    let lasting = Lasting {
        resources: lasting,
        live: live.clone(),
    };
    let sets = KeySets::new(open.tasks.clone(), open.stop.clone())?;
    let (metrics, started) = (open.metrics.clone(), open.started);
    let reloader = Reloader::start(config, overrides, bundle, sets, lasting, metrics, started)
        .listing(open.edge.allow_list());
    let source = StatusSource {
        in_force: Arc::clone(&reloader.in_force),
        started,
        since,
        draining: Arc::default(),
        api_keys,
        replica,
        metrics: open.metrics.clone(),
    };
    let (ask, asked) = mpsc::channel(1);
    let notices = Notices {
        in_force: Arc::clone(&source.in_force),
        store: open.store.clone(),
        metrics: open.metrics.clone(),
        http: HttpClient::new()?,
    };
    let told = notices.spawn(&open.tasks, open.stop.clone());
    live.approvals.listen(told);
    let authorizer = open.authorizer(&source);
    let doors = Doors {
        source: source.clone(),
        authorizer: authorizer.clone(),
        live,
        metrics: open.metrics.clone(),
        store: open.store.clone(),
        audit: open.audit.clone(),
        ask: ask.clone(),
    };
    let servers = doors.open(&metrics_settings, admin_settings).await?;
    servers.watch(&open.tasks, &open.stop);
    let bound = open.bound(&servers);
    let last = Last::spawn(servers, writer);
    open.tasks.spawn(reloader.run(asked, open.stop.clone()));
    let shutdown = CancellationToken::new();
    open.watch_signals(shutdown.clone(), Arc::clone(&source.draining), ask)?;
    say(&bound);
    announce(&bound);
    let (tasks, stop) = (open.tasks.clone(), open.stop.clone());
    let drained = open.decide(authorizer, source, shutdown).await;
    stop.cancel();
    tasks.close();
    // What the last decisions left to others, in records and in the store, is written while there are records.
    let _stopped_in_time = tokio::time::timeout(TASKS_GRACE, tasks.wait()).await;
    last.end().await?;
    say_end(drained.context("grpc")?);
    Ok(())
}

/// What is open before anything is decided, and everything that runs beside decisions.
struct Open {
    started: Timestamp,
    metrics: Metrics,
    audit: Audit,
    store: Store,
    edge: Edge,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Open {
    async fn new(bundle: &Bundle) -> Result<(Self, AuditWriter)> {
        let started = now();
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), started)?;
        let (audit, writer) = Audit::open(&bundle.audit, metrics.clone()).context("audit")?;
        let store = Store::open(&bundle.store).context("store")?;
        let edge = Edge::bind(bundle.grpc.clone(), &metrics).await;
        let open = Self {
            started,
            metrics,
            audit,
            store,
            edge: edge.context("grpc")?,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        Ok((open, writer))
    }

    /// What the providers of every snapshot are given; the API keys among it follow the store.
    async fn lasting(&self) -> Result<(ApiKeys, Resources)> {
        let (api_keys, following) = ApiKeys::following(self.store.clone());
        let following = follow(following, self.metrics.clone(), self.stop.clone());
        self.tasks.spawn(following);
        let lasting = Resources {
            api_keys: Some(api_keys.clone()),
            ..super::lasting(self.store.clone()).await?
        };
        let verified = lasting.verified.clone();
        self.metrics
            .watch_cache("tokens", move || verified.status());
        Ok((api_keys, lasting))
    }

    /// What decisions know of the store; it follows from now on.
    fn replica(&self, name: Option<&ReplicaName>) -> Result<Replica> {
        let replica = Replica::new(&self.store, name)?;
        replica.follow(&self.store, &self.metrics, &self.tasks, &self.stop);
        let rulings = replica.live.rulings.clone();
        self.metrics.watch_cache("rules", move || rulings.status());
        Ok(replica)
    }

    fn bound(&self, servers: &Servers) -> Bound {
        Bound {
            grpc: self.edge.bound().addr,
            unix: self.edge.bound().unix.clone(),
            metrics: servers.metrics(),
            admin: servers.admin(),
        }
    }

    /// SIGTERM and SIGINT drain; SIGHUP reloads and reopens the audit file.
    fn watch_signals(
        &self,
        shutdown: CancellationToken,
        draining: Arc<AtomicBool>,
        ask: mpsc::Sender<Asker>,
    ) -> Result<()> {
        let (audit, stop) = (self.audit.clone(), self.stop.clone());
        let signals = watch_signals(shutdown, draining, ask, audit, stop)?;
        self.tasks.spawn(signals);
        Ok(())
    }

    /// Decides with the snapshot in force; what it leaves to others is done by tasks of their own.
    fn authorizer(&self, source: &StatusSource) -> Authorizer {
        let sightings = seen::spawn(&self.tasks, &self.store, &self.metrics, &self.stop);
        let (queue, worker) = ShadowQueue::new(self.audit.clone(), self.metrics.clone());
        self.tasks
            .spawn(worker.run(self.stop.clone().cancelled_owned()));
        let snapshot = Arc::clone(&source.in_force.snapshot);
        let in_force = Arc::clone(&snapshot);
        self.metrics
            .watch_rulings(move || in_force.load().rulings.stands());
        let (audit, metrics) = (self.audit.clone(), self.metrics.clone());
        Authorizer::new(snapshot, audit, metrics, queue, sightings)
    }

    /// Answers checks until `shutdown`, and then those that are in flight.
    async fn decide(
        self,
        authorizer: Authorizer,
        source: StatusSource,
        shutdown: CancellationToken,
    ) -> Result<Drained, EdgeError> {
        let Self {
            started: _,
            metrics: _,
            audit: _,
            store: _,
            edge,
            tasks,
            stop,
        } = self;
        if let Some(tls) = edge.tls() {
            tasks.spawn(tls::watch(tls, now, stop.clone()));
        }
        let (ready_sender, ready) = watch::channel(false);
        tasks.spawn(watch_readiness(source, ready_sender, stop));
        edge.serve(authorizer, ready, shutdown).await
    }
}

fn say_end(drained: Drained) {
    match drained {
        Drained::Complete => tracing::info!("drained: every check in flight was answered"),
        Drained::Cut => {
            tracing::warn!("drained: checks in flight were cut at the end of the grace period");
        }
    }
}

fn say(bound: &Bound) {
    tracing::info!(
        grpc = bound.grpc.map(tracing::field::display),
        unix = bound.unix.as_ref().map(|path| tracing::field::display(path.display())),
        metrics = %bound.metrics,
        admin = bound.admin.map(tracing::field::display),
        "countersign listens"
    );
}

/// What ends last: the records of the last decisions, then the metrics about them.
struct Last {
    stop_servers: CancellationToken,
    servers: JoinHandle<()>,
    stop_records: CancellationToken,
    records: JoinHandle<Result<(), AuditError>>,
}

impl Last {
    fn spawn(servers: Servers, writer: AuditWriter) -> Self {
        let (stop_servers, stop_records) = (CancellationToken::new(), CancellationToken::new());
        Self {
            servers: tokio::spawn(servers.serve(stop_servers.clone())),
            records: tokio::spawn(writer.run(stop_records.clone(), AUDIT_GRACE)),
            stop_servers,
            stop_records,
        }
    }

    async fn end(self) -> Result<()> {
        self.stop_records.cancel();
        if let Err(error) = self.records.await? {
            tracing::error!(%error, "decision records were lost");
        }
        self.stop_servers.cancel();
        Ok(self.servers.await?)
    }
}

/// Ready once everything was loaded that decisions need.
async fn watch_readiness(
    source: StatusSource,
    ready: watch::Sender<bool>,
    stop: CancellationToken,
) {
    loop {
        let loaded = source.loaded();
        ready.send_if_modified(|known| std::mem::replace(known, loaded) != loaded);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(READY_POLL) => {}
        }
    }
}

/// Keeps the API keys like the store, and says how they are.
async fn follow(task: ApiKeyTask, metrics: Metrics, stop: CancellationToken) {
    let looked = |keys: &ApiKeys| {
        let age = keys.age(Instant::now()).unwrap_or_default();
        metrics.api_keys(keys.live(now()), keys.unreadable(), age);
    };
    task.run(stop, looked).await;
}

/// SIGTERM and SIGINT drain; SIGHUP reloads and reopens the audit file.
fn watch_signals(
    shutdown: CancellationToken,
    draining: Arc<AtomicBool>,
    ask: mpsc::Sender<Asker>,
    audit: Audit,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    audit.reopen();
                    // A full channel means that a reload is due already.
                    let _due_already = ask.try_send(None);
                    continue;
                }
                () = stop.cancelled() => return,
            }
            tracing::info!("draining");
            draining.store(true, Ordering::Relaxed);
            shutdown.cancel();
        }
    })
}
