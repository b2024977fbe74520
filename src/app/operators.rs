//! What the listeners for operators are given.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot};

use super::reload::Asker;
use super::status::StatusSource;
use crate::admin::{
    AdminSettings, AdminState, HttpServer, MetricsSettings, MetricsState, Reloading,
};
use crate::audit::Audit;
use crate::ext_authz::now;
use crate::telemetry::Metrics;

/// Binds the metrics listener.
pub(super) async fn metrics(
    settings: &MetricsSettings,
    source: &StatusSource,
    metrics: &Metrics,
) -> Result<HttpServer> {
    let source = source.clone();
    let state = MetricsState {
        metrics: metrics.clone(),
        status: Arc::new(move || source.read()),
    };
    let server = HttpServer::metrics(settings, state).await;
    server.context("metrics")
}

/// What the admin listener reaches.
pub(super) struct Doors {
    pub(super) source: StatusSource,
    pub(super) metrics: Metrics,
    pub(super) audit: Audit,
    pub(super) ask: mpsc::Sender<Asker>,
}

impl Doors {
    /// Binds the admin listener, if there is one.
    pub(super) async fn open(self, settings: AdminSettings) -> Result<Option<HttpServer>> {
        let Self {
            source,
            metrics,
            audit,
            ask,
        } = self;
        let in_force = Arc::clone(&source.in_force);
        let state = AdminState {
            metrics,
            status: Arc::new(move || source.read()),
            reload: Arc::new(move || reloading(ask.clone())),
            snapshot: Arc::new(move || in_force.snapshot.load_full()),
            audit,
            clock: now,
        };
        HttpServer::admin(settings, state).await.context("admin")
    }
}

/// Asks the reloader, and waits for what becomes of it.
fn reloading(ask: mpsc::Sender<Asker>) -> Reloading {
    Box::pin(async move {
        let (tell, told) = oneshot::channel();
        ask.send(Some(tell)).await.ok()?;
        told.await.ok()
    })
}
