//! A listener: few connections, each short and with a deadline for everything, so that a slow or idle client takes
//! nothing from the rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::gate::{Connection, Gate};
use super::settings::{AdminSettings, MetricsSettings};
use super::{AdminError, AdminState, MetricsState, answers, metrics};
use crate::telemetry::Listener;
use crate::tls::ServerTls;

/// Most connections at once; the next wait in the system's backlog.
const MAX_CONNECTIONS: usize = 256;
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
    /// From its first byte on, however many requests it carries; what is being answered then has `answer` to finish.
    pub(super) connection: Duration,
    /// For the last answer of a connection whose time is over: longer than anybody waits for an approval.
    pub(super) answer: Duration,
    /// To finish after the server was told to stop.
    pub(super) grace: Duration,
}

const LIMITS: Limits = Limits {
    head: Duration::from_secs(10),
    connection: Duration::from_mins(1),
    answer: Duration::from_secs(40),
    grace: Duration::from_secs(1),
};

/// One listener of the operator edge, bound to its address.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<ServerTls>,
    router: Router,
    limits: Limits,
}

impl HttpServer {
    /// Binds the metrics listener; connections wait until [`serve`](Self::serve).
    pub async fn metrics(
        settings: &MetricsSettings,
        state: MetricsState,
    ) -> Result<Self, AdminError> {
        Self::bind(settings.listen(), None, metrics::router(state)).await
    }

    /// Binds the admin listener, if there is one; connections wait until [`serve`](Self::serve).
    pub async fn admin(
        settings: AdminSettings,
        state: AdminState,
    ) -> Result<Option<Self>, AdminError> {
        let Some(listen) = settings.listen else {
            return Ok(None);
        };
        let counts = state.metrics.tls(Listener::Admin);
        let load = |spec| ServerTls::load(spec, &[b"http/1.1"], counts);
        let tls = settings.tls.as_ref().map(load).transpose()?;
        let router = answers::router(Gate::new(settings, state)?);
        Self::bind(listen, tls, router).await.map(Some)
    }

    async fn bind(
        listen: SocketAddr,
        tls: Option<ServerTls>,
        router: Router,
    ) -> Result<Self, AdminError> {
        let refused = |source| AdminError::Bind {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            tls,
            router,
            limits: LIMITS,
        })
    }

    /// Its certificate, for whoever reads changed files again.
    pub const fn tls(&self) -> Option<&ServerTls> {
        self.tls.as_ref()
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
                        Ok((stream, peer)) => {
                            connections.spawn(self.conversation(stream, peer, stop.clone()));
                        }
                        Err(error) => {
                            tracing::warn!(%error, "a listener for operators could not accept a connection");
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                }
            }
        }
        // What is left when the set is dropped is aborted.
        let finish = async { while connections.join_next().await.is_some() {} };
        if timeout(self.limits.grace, finish).await.is_err() {
            tracing::debug!("connections of operators were cut at shutdown");
        }
    }

    /// One connection from its handshake to its end.
    fn conversation(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let (router, limits, tls) = (self.router.clone(), self.limits, self.tls.clone());
        let local = stream.local_addr().unwrap_or(self.address);
        let mut connection = Connection {
            local: local.ip(),
            remote: peer.ip().to_canonical(),
            certificate: None,
        };
        async move {
            let Some(tls) = tls else {
                return converse(stream, router.layer(Extension(connection)), limits, stop).await;
            };
            match tls.accept(stream).await {
                Ok(accepted) => {
                    connection.certificate = accepted.certificate.map(Arc::new);
                    let router = router.layer(Extension(connection));
                    converse(accepted.stream, router, limits, stop).await;
                }
                Err(error) => tracing::debug!(%error, "no TLS on the admin listener"),
            }
        }
    }

    #[cfg(test)]
    pub(super) fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

async fn converse<S>(stream: S, router: Router, limits: Limits, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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
    let over = sleep(limits.connection);
    tokio::pin!(over);
    let deadline = sleep(limits.connection.saturating_add(limits.answer));
    tokio::pin!(deadline);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an operator's connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut over, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut deadline => return,
        }
    }
}
