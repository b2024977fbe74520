//! The listener: few connections, each short and with a deadline for everything, so that a slow or idle client takes
//! nothing from the rest.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::answers::router;
use super::spec::AdminSettings;
use super::{AdminError, AdminState};

/// Most connections at once; the next wait in the system's backlog.
const MAX_CONNECTIONS: usize = 64;
/// Most headers of a request, and most bytes of its head.
const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 16 * 1024;
/// Pause after the system refused to accept, so that running out of descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// To send a request's head, also counted while the connection is idle.
    pub(super) head: Duration,
    /// From its first byte to its last, however many requests it carries.
    pub(super) connection: Duration,
    /// To finish after the server was told to stop.
    pub(super) grace: Duration,
}

const LIMITS: Limits = Limits {
    head: Duration::from_secs(10),
    connection: Duration::from_mins(1),
    grace: Duration::from_secs(1),
};

/// The operator edge, bound to its address.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    limits: Limits,
}

impl AdminServer {
    /// Binds the address; connections wait until [`serve`](Self::serve).
    pub async fn bind(settings: &AdminSettings, state: AdminState) -> Result<Self, AdminError> {
        let refused = |source| AdminError::Bind {
            address: settings.listen(),
            source,
        };
        let listener = TcpListener::bind(settings.listen())
            .await
            .map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            router: router(state),
            limits: LIMITS,
        })
    }

    /// The address that was bound, with the port that the system chose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then lets requests that have begun finish, for at most a second. `stop` comes after the
    /// drain, so that an operator can watch it.
    pub async fn serve(self, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((stream, _peer)) => {
                            let (router, stop) = (self.router.clone(), stop.clone());
                            connections.spawn(converse(stream, router, self.limits, stop));
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the admin listener could not accept a connection");
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
            }
        }
        // What is left when the set is dropped is aborted.
        let finish = async { while connections.join_next().await.is_some() {} };
        if timeout(self.limits.grace, finish).await.is_err() {
            tracing::debug!("admin connections were cut at shutdown");
        }
    }

    #[cfg(test)]
    pub(super) fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

async fn converse(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let deadline = sleep(limits.connection);
    tokio::pin!(deadline);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an admin connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut deadline => return,
        }
    }
}
