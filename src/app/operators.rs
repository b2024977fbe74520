//! What the listeners for operators are given.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reload::{Asker, InForce};
use super::status::StatusSource;
use crate::admin::{
    AdminSettings, AdminState, Decide, HttpServer, JwksNow, MetricsSettings, MetricsState,
    Reloading, StatusNow, StreamsNow,
};
use crate::audit::Audit;
use crate::authorizer::{Authorizer, Live};
use crate::ext_authz::now;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::tls;

/// Both listeners, bound.
pub(super) struct Servers {
    metrics: HttpServer,
    admin: Option<HttpServer>,
}

impl Servers {
    /// The address of the metrics listener.
    pub(super) const fn metrics(&self) -> SocketAddr {
        self.metrics.address()
    }

    /// The address of the admin listener, if there is one.
    pub(super) fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(HttpServer::address)
    }

    /// Reads changed certificates again until `stop`.
    pub(super) fn watch(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        if let Some(tls) = self.admin.as_ref().and_then(HttpServer::tls) {
            tasks.spawn(tls::watch(tls.clone(), now, stop.clone()));
        }
    }

    /// Answers until `stop`.
    pub(super) async fn serve(self, stop: CancellationToken) {
        let Self { metrics, admin } = self;
        let admin = async {
            if let Some(admin) = admin {
                admin.serve(stop.clone()).await;
            }
        };
        tokio::join!(metrics.serve(stop.clone()), admin);
    }
}

/// What the listeners reach.
pub(super) struct Doors {
    pub(super) source: StatusSource,
    pub(super) authorizer: Authorizer,
    pub(super) live: Live,
    pub(super) metrics: Metrics,
    pub(super) store: Store,
    pub(super) audit: Audit,
    pub(super) ask: mpsc::Sender<Asker>,
}

impl Doors {
    /// Binds both listeners.
    pub(super) async fn open(
        self,
        metrics_settings: &MetricsSettings,
        admin_settings: AdminSettings,
    ) -> Result<Servers> {
        let Self {
            source,
            authorizer,
            live,
            metrics,
            store,
            audit,
            ask,
        } = self;
        let in_force = Arc::clone(&source.in_force);
        let counted = metrics.clone();
        let status: StatusNow = Arc::new(move || {
            let status = source.read();
            let approvals = &source.in_force.snapshot.load().live.approvals;
            // Some are over only because time has passed, so they are counted when somebody looks.
            counted.approvals(&approvals.counts(status.now));
            status
        });
        let shown = MetricsState {
            metrics: metrics.clone(),
            status: Arc::clone(&status),
            jwks: jwks(&in_force),
        };
        let streams = streams(&in_force);
        let state = AdminState {
            metrics,
            status,
            reload: Arc::new(move || reloading(ask.clone())),
            snapshot: Arc::new(move || in_force.snapshot.load_full()),
            streams,
            decide: deciding(authorizer),
            live,
            store,
            audit,
            clock: now,
        };
        let metrics = HttpServer::metrics(metrics_settings, shown).await;
        let admin = HttpServer::admin(admin_settings, state).await;
        Ok(Servers {
            metrics: metrics.context("metrics")?,
            admin: admin.context("admin")?,
        })
    }
}

/// Decides as the edge that Envoy asks does.
fn deciding(authorizer: Authorizer) -> Decide {
    Arc::new(move |request, arrival, until| {
        let authorizer = authorizer.clone();
        Box::pin(async move { authorizer.decide(&request, arrival, until).await })
    })
}

/// The keys of the snapshot in force.
fn jwks(in_force: &Arc<InForce>) -> JwksNow {
    let in_force = Arc::clone(in_force);
    Arc::new(move || {
        let snapshot = in_force.snapshot.load();
        Some(Arc::clone(snapshot.minter.as_ref()?.jwks()))
    })
}

/// The streams in force.
fn streams(in_force: &Arc<InForce>) -> StreamsNow {
    let in_force = Arc::clone(in_force);
    Arc::new(move || in_force.streams.load().as_ref().clone())
}

/// Asks the reloader, and waits for what becomes of it.
fn reloading(ask: mpsc::Sender<Asker>) -> Reloading {
    Box::pin(async move {
        let (tell, told) = oneshot::channel();
        ask.send(Some(tell)).await.ok()?;
        told.await.ok()
    })
}
