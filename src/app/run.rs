//! A server from start to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Bound;
use super::keysets::KeySets;
use super::reload::{InForce, Reloader, applied};
use super::status::StatusSource;
use crate::admin::{AdminServer, AdminState};
use crate::audit::Audit;
use crate::authorizer::{Authorizer, ShadowQueue};
use crate::config::{Bundle, Overrides};
use crate::ext_authz::{Drained, Edge, now};
use crate::telemetry::Metrics;

/// How long records may take to be written after the last answer.
const AUDIT_GRACE: Duration = Duration::from_secs(5);

/// How often readiness is looked at.
const READY_POLL: Duration = Duration::from_millis(50);

/// Runs the server until SIGTERM or SIGINT, drains, and returns. `announce` is called once everything listens.
pub async fn run(
    config: PathBuf,
    overrides: Overrides,
    bundle: Bundle,
    announce: impl FnOnce(&Bound),
) -> Result<()> {
    let started = now();
    let since = Instant::now();
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), started)?;
    let (audit, writer) = Audit::open(&bundle.audit, metrics.clone()).context("audit")?;
    let edge = Edge::bind(bundle.grpc.clone()).await.context("grpc")?;

    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut sets = KeySets::new(tasks.clone(), stop.clone())?;
    let handles = sets.prepare(bundle.providers.key_sources());
    sets.commit();
    let (watched, seen) = (bundle.watched.clone(), bundle.stamp.clone());
    let fixed = bundle.fixed.clone();
    let admin_settings = bundle.admin;
    let snapshot = Arc::new(bundle.into_snapshot(started, &handles));
    metrics.policy_loaded(Arc::clone(&snapshot.version), started);
    tracing::info!(policy.version = %snapshot.version, rules = snapshot.policy.len(), "policy loaded");

    let in_force = Arc::new(InForce {
        snapshot: Arc::new(ArcSwap::new(snapshot)),
        handles: ArcSwap::from_pointee(handles),
        reload: Mutex::new(applied(started)),
    });
    let draining = Arc::new(AtomicBool::new(false));
    let source = StatusSource {
        in_force: Arc::clone(&in_force),
        started,
        since,
        draining: Arc::clone(&draining),
    };

    let read = source.clone();
    let state = AdminState {
        metrics: metrics.clone(),
        status: Arc::new(move || read.read()),
    };
    let admin = AdminServer::bind(&admin_settings, state)
        .await
        .context("admin")?;
    let bound = Bound {
        grpc: edge.bound().addr,
        unix: edge.bound().unix.clone(),
        admin: admin.address(),
    };
    let admin_stop = CancellationToken::new();
    let admin_task = tokio::spawn(admin.serve(admin_stop.clone()));
    let audit_stop = CancellationToken::new();
    let audit_task = tokio::spawn(writer.run(audit_stop.clone(), AUDIT_GRACE));

    let (queue, worker) = ShadowQueue::new(audit.clone(), metrics.clone());
    tasks.spawn(worker.run());
    let (ask, asked) = mpsc::channel(1);
    let reloader = Reloader {
        config,
        overrides,
        watched,
        seen,
        fixed,
        sets,
        in_force: Arc::clone(&in_force),
        metrics: metrics.clone(),
    };
    tasks.spawn(reloader.run(asked, stop.clone()));
    let (ready_sender, ready) = watch::channel(false);
    tasks.spawn(watch_readiness(source, ready_sender, stop.clone()));

    let shutdown = CancellationToken::new();
    tasks.spawn(watch_signals(
        shutdown.clone(),
        draining,
        ask,
        audit.clone(),
        stop.clone(),
    )?);
    tracing::info!(grpc = ?bound.grpc, unix = ?bound.unix, admin = %bound.admin, "countersign listens");
    announce(&bound);

    let authorizer = Authorizer::new(Arc::clone(&in_force.snapshot), audit, metrics, queue);
    let ended = edge
        .serve(authorizer, ready, shutdown)
        .await
        .context("grpc")?;
    match ended {
        Drained::Complete => tracing::info!("drained: every check in flight was answered"),
        Drained::Cut => {
            tracing::warn!("drained: checks in flight were cut at the end of the grace period");
        }
    }
    stop.cancel();
    tasks.close();
    audit_stop.cancel();
    if let Err(error) = audit_task.await? {
        tracing::error!(%error, "decision records were lost");
    }
    admin_stop.cancel();
    admin_task.await?;
    let _stopped_in_time = tokio::time::timeout(Duration::from_secs(1), tasks.wait()).await;
    Ok(())
}

/// Ready once every key set was loaded.
async fn watch_readiness(
    source: StatusSource,
    ready: watch::Sender<bool>,
    stop: CancellationToken,
) {
    loop {
        let loaded = source.keys_loaded();
        ready.send_if_modified(|known| std::mem::replace(known, loaded) != loaded);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(READY_POLL) => {}
        }
    }
}

/// SIGTERM and SIGINT drain; SIGHUP reloads and reopens the audit file.
fn watch_signals(
    shutdown: CancellationToken,
    draining: Arc<AtomicBool>,
    ask: mpsc::Sender<()>,
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
                    let _due_already = ask.try_send(());
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
