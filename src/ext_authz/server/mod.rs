//! The gRPC server: its listeners, its bounds, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use crate::authorizer::Authorizer;

use super::connection::{Places, accepted, counted};
use super::health::Reporter;
use super::limit::Load;
use super::method::Front;
use super::peer::{AllowList, Peer};
use super::reflection;
use super::secure::Secured;
use super::service::Checks;
use super::socket::{SocketError, UnixIncoming};
use super::spec::{DrainSpec, Grpc};
use super::transport::{Serves, accept};
use crate::telemetry::{Listener, Metrics};
use crate::tls::{ServerTls, TlsError};

/// Most connections at once, all listeners together; one Envoy worker opens one.
const MAX_CONNECTIONS: usize = 256;
/// Largest message in bytes; a check without a body is under 100 KiB. A larger one never reaches the handler and is
/// Envoy's to judge, so Envoy's `max_request_bytes` must stay well below.
pub const MAX_MESSAGE: usize = 1024 * 1024;
/// The protocol in ALPN (RFC 9113, section 3.2).
const ALPN: &[u8] = b"h2";
/// Why the server cannot start, or ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The TCP address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The Unix socket cannot be listened on.
    #[error(transparent)]
    Unix(#[from] SocketError),
    /// The certificate cannot be served.
    #[error("the gRPC listener has no certificate")]
    Tls(#[from] TlsError),
    /// A listener failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The TCP address, with the port that was taken.
    pub addr: Option<SocketAddr>,
    /// The Unix socket.
    pub unix: Option<PathBuf>,
}

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request in flight was answered.
    Complete,
    /// Some connections were still open when the grace period ended; the end of the process cuts them.
    Cut,
}

/// The Envoy edge, listening. Connections wait until [`Edge::serve`] answers them.
#[derive(Debug)]
pub struct Edge {
    settings: Grpc,
    tcp: Option<TcpListener>,
    tls: Option<ServerTls>,
    list: AllowList,
    unix: Option<UnixIncoming>,
    bound: Bound,
    load: Arc<Load>,
}

impl Edge {
    /// Starts to listen on everything that is configured, or on nothing.
    pub async fn bind(settings: Grpc, metrics: &Metrics) -> Result<Self, EdgeError> {
        let counting = metrics.tls(Listener::Grpc);
        let tls = settings.tls.as_ref();
        let tls = tls.map(|spec| ServerTls::load(spec, &[ALPN], counting));
        let tcp = match settings.tcp {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let unix = match &settings.unix {
            Some(path) => Some(UnixIncoming::bind(path).await?),
            None => None,
        };
        let addr = tcp.as_ref().map(|(_, addr)| *addr);
        Ok(Self {
            bound: Bound {
                addr,
                unix: settings.unix.clone(),
            },
            tcp: tcp.map(|(listener, _)| listener),
            tls: tls.transpose()?,
            list: AllowList::new(settings.envoys.clone()),
            unix,
            load: Arc::new(Load::new(settings.concurrency)),
            settings,
        })
    }

    /// Where it listens.
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// The certificate of the TCP listener, to be followed by [`watch`](crate::tls::watch).
    pub fn tls(&self) -> Option<ServerTls> {
        self.tls.clone()
    }

    /// Who may ask; a reload replaces it.
    pub fn allow_list(&self) -> AllowList {
        self.list.clone()
    }

    /// Its load, for metrics.
    pub fn load(&self) -> Arc<Load> {
        Arc::clone(&self.load)
    }

    /// Serves checks, health and reflection until `shutdown` is cancelled, then drains: health says `NOT_SERVING`, new
    /// connections are still taken for `drain.delay` so that Envoy sees it, requests in flight are finished, and what
    /// is open after `drain.grace` is cut. Health says `NOT_SERVING` while `ready` is false. Removes the Unix socket.
    pub async fn serve(
        self,
        authorizer: Authorizer,
        ready: watch::Receiver<bool>,
        shutdown: CancellationToken,
    ) -> Result<Drained, EdgeError> {
        let checks = Checks::new(authorizer, self.load(), self.settings.patience);
        let front = |others| Front::new(checks, others);
        self.serve_with(front, ready, shutdown).await
    }

    /// Serves what `front` makes of health and reflection.
    async fn serve_with<S: Serves>(
        self,
        front: impl FnOnce(Routes) -> S,
        ready: watch::Receiver<bool>,
        shutdown: CancellationToken,
    ) -> Result<Drained, EdgeError> {
        let reporter = Reporter::new().await;
        let mut routes = Routes::builder();
        routes.add_service(reporter.service());
        reflection::add(&mut routes);
        let closing = CancellationToken::new();
        let drain = self.settings.drain.clone();
        let front = front(routes.routes().prepare());
        let listeners = self.listeners(&front, &closing);
        tokio::select! {
            ended = listeners => ended.map(|()| Drained::Complete),
            () = drained(reporter, ready, &shutdown, &closing, &drain) => Ok(Drained::Cut),
        }
    }

    /// Serves every listener until `closing` is cancelled and its connections have ended.
    async fn listeners<S: Serves>(
        self,
        front: &S,
        closing: &CancellationToken,
    ) -> Result<(), EdgeError> {
        let Self {
            settings,
            tcp,
            tls,
            list,
            unix,
            bound: _,
            load: _,
        } = self;
        let places = Places::new(MAX_CONNECTIONS);
        let serve = Serve {
            front,
            concurrency: settings.concurrency,
            places,
            closing,
        };
        let tcp = async {
            let Some(listener) = tcp else { return Ok(()) };
            let incoming = accepted(TcpIncoming::from(listener).with_nodelay(Some(true)));
            match tls {
                Some(tls) => {
                    let list = settings.authenticates().then_some(list);
                    serve.all(Secured::new(incoming, tls, list)).await
                }
                None => serve.all(incoming.map(anybody)).await,
            }
        };
        let unix = async {
            let Some(incoming) = unix else { return Ok(()) };
            serve.all(accepted(incoming).map(anybody)).await
        };
        tokio::try_join!(tcp, unix)?;
        Ok(())
    }
}

/// What every listener serves with.
struct Serve<'a, S> {
    front: &'a S,
    concurrency: usize,
    places: Places,
    closing: &'a CancellationToken,
}

impl<S: Serves> Serve<'_, S> {
    async fn all<C>(
        &self,
        incoming: impl Stream<Item = (C, Peer)>,
    ) -> Result<(), tonic::transport::Error>
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connections = counted(incoming, self.places.clone());
        // One for each kind of listener, each of some kilobytes: not on the stack of whoever waits for all.
        Box::pin(accept(
            connections,
            self.front,
            self.concurrency,
            self.closing,
        ))
        .await
    }
}

/// Who comes by a listener that asks nobody who they are: whoever can reach it.
fn anybody<C>(stream: C) -> (C, Peer) {
    (stream, Peer::Anybody)
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), EdgeError> {
    let fail = |source| EdgeError::Tcp { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}

/// Follows readiness until `shutdown`, then leads the way out; returns when the grace period is over.
async fn drained(
    mut reporter: Reporter,
    ready: watch::Receiver<bool>,
    shutdown: &CancellationToken,
    closing: &CancellationToken,
    drain: &DrainSpec,
) {
    reporter.follow(ready, shutdown).await;
    tracing::info!(delay = ?drain.delay, "draining");
    tokio::time::sleep(drain.delay).await;
    reporter.close().await;
    closing.cancel();
    tokio::time::sleep(drain.grace).await;
    tracing::warn!(grace = ?drain.grace, "connections are still open at the end of the grace period");
}

#[cfg(test)]
mod tests;
