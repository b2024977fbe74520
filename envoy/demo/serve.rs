//! Serves one of the demo's HTTP services.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// Binds, then serves in the background until the handle is aborted.
pub(crate) async fn background(
    listen: SocketAddr,
    service: Router,
) -> anyhow::Result<JoinHandle<std::io::Result<()>>> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on `{listen}`"))?;
    Ok(tokio::spawn(
        async move { axum::serve(listener, service).await },
    ))
}

/// Binds, says so, and serves until somebody asks it to stop.
pub(crate) async fn foreground(
    name: &str,
    listen: SocketAddr,
    service: Router,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on `{listen}`"))?;
    eprintln!("demo {name} on http://{}", listener.local_addr()?);
    tokio::select! {
        ended = async { axum::serve(listener, service).await } => ended?,
        stopped = stop() => stopped?,
    }
    Ok(())
}

/// Returns when this process is asked to stop (Ctrl-C, SIGTERM, or the terminal was closed).
pub(crate) async fn stop() -> anyhow::Result<()> {
    let (mut terminate, mut hangup) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
