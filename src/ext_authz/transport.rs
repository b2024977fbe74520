//! The bounds of the HTTP/2 that carries the calls.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::transport::server::Connected;
use tonic::transport::{Error, Server};

/// Most streams of one connection beyond the checks that may be in flight, so that load is shed with an answer and not
/// by the transport.
const SPARE_STREAMS: u32 = 64;
/// Largest list of HTTP/2 headers in bytes; a call's own headers are under 1 KiB.
const MAX_HEADER_LIST: u32 = 16 * 1024;
/// Bytes that one stream may send before it waits: a whole message.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// Bytes that one connection may send before it waits.
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// Streams that a peer may open and reset before the connection is closed (CVE-2023-44487).
const MAX_RESET_STREAMS: usize = 64;
/// How often an idle connection is probed, and how long the answer may take.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// What answers the calls of a connection.
pub(super) trait Serves:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Serves for S where
    S: Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

/// Serves `front` to every connection of `incoming` until `closing` is cancelled, then until each has ended. At most
/// `concurrency` checks are expected at once.
pub(super) async fn accept<C>(
    incoming: impl Stream<Item = io::Result<C>>,
    front: &impl Serves,
    concurrency: usize,
    closing: &CancellationToken,
) -> Result<(), Error>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let checks = u32::try_from(concurrency).unwrap_or(u32::MAX);
    let (interval, timeout) = KEEPALIVE;
    Server::builder()
        .max_concurrent_streams(checks.saturating_add(SPARE_STREAMS))
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_pending_accept_reset_streams(Some(MAX_RESET_STREAMS))
        .http2_keepalive_interval(Some(interval))
        .http2_keepalive_timeout(Some(timeout))
        .serve_with_incoming_shutdown(front.clone(), incoming, closing.cancelled())
        .await
}
