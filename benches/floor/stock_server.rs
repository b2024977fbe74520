//! The floor as a process of its own.

use std::io::{Write as _, stdout};
use std::path::Path;

use anyhow::Result;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use serde_json::json;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::stock::AlwaysOk;

/// With this argument and the path of a socket, the program is the floor.
pub(crate) const ARGUMENT: &str = "--serve-floor";

/// Serves on a free port of the loopback and on `socket`, and says so as countersign does.
pub(crate) fn serve(socket: &Path) -> Result<()> {
    if socket.exists() {
        // Another one before this one was killed.
        std::fs::remove_file(socket)?;
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        let unix = UnixListener::bind(socket)?;
        let bound = json!({ "grpc": tcp.local_addr()?.to_string(), "unix": socket });
        writeln!(stdout(), "{bound}")?;
        let incoming = TcpIncoming::from(tcp).with_nodelay(Some(true));
        let server = || Server::builder().add_service(AuthorizationServer::new(AlwaysOk));
        let over_tcp = server().serve_with_incoming(incoming);
        let over_unix = server().serve_with_incoming(UnixListenerStream::new(unix));
        tokio::select! {
            done = over_tcp => done?,
            done = over_unix => done?,
            // Ending by itself lets a profiler write what it counted.
            _ = terminated() => {}
        }
        Ok(())
    })
}

async fn terminated() -> Option<()> {
    let mut signals =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok()?;
    signals.recv().await
}
