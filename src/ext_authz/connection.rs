//! Connections, from accepted to served: each has a place, knows who is at its other side, and speaks within a time.
//!
//! One Envoy worker needs one connection, so a few hundred are somebody else's.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;

use super::gathered::Gathered;
use super::peer::Peer;
use crate::tls::Crowd;

/// Bytes with which every client begins (RFC 9113, section 3.4).
const PREFACE: usize = 24;
/// How long a client may take to send them if nobody waits; what comes after is bounded by the probes of an idle
/// connection.
const PREFACE_WITHIN: Duration = Duration::from_secs(3);
/// Pause after the system refused to accept, so that running out of descriptors is no busy loop, and no end either.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection that gives its place back when it is dropped.
#[derive(Debug)]
pub(super) struct Connection<C> {
    stream: Gathered<C>,
    peer: Peer,
    silent: Option<Silent>,
    _place: Option<OwnedSemaphorePermit>,
}

/// The client has not introduced itself yet.
struct Silent {
    missing: usize,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl fmt::Debug for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Silent").finish_non_exhaustive()
    }
}

/// Places for connections, and who has one without having said anything. Cheap to clone; clones are the same places.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    silent: Crowd,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            silent: Crowd::default(),
        }
    }

    /// One of them, as soon as there is one; somebody who is silent gives way.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        self.silent.press();
        Arc::clone(&self.free).acquire_owned().await.ok()
    }
}

/// The connections of a listener, whatever goes wrong with one of them.
pub(super) fn accepted<C>(incoming: impl Stream<Item = io::Result<C>>) -> impl Stream<Item = C> {
    let accepted = incoming.then(async |accepted| match accepted {
        Ok(stream) => Some(stream),
        Err(error) if is_the_clients(error.kind()) => None,
        Err(error) => {
            tracing::warn!(%error, "the gRPC listener could not accept a connection");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    });
    accepted.filter_map(|stream| stream)
}

/// Whether the client gave up before it was accepted.
const fn is_the_clients(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::Interrupted
    )
}

/// The connections of `incoming`, each handed on once it has one of the `places`; one more waits at a time.
pub(super) fn counted<C>(
    incoming: impl Stream<Item = (C, Peer)>,
    places: Places,
) -> impl Stream<Item = io::Result<Connection<C>>> {
    incoming.then(move |(stream, peer)| {
        let places = places.clone();
        async move {
            let place = places.take().await;
            let silent = Silent {
                missing: PREFACE,
                until: Box::pin(places.silent.enough(PREFACE_WITHIN)),
            };
            Ok(Connection {
                stream: Gathered::new(stream),
                peer,
                silent: Some(silent),
                _place: place,
            })
        }
    })
}

impl<C> Connected for Connection<C> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl Silent {
    /// Whether it still is, after so many more bytes.
    fn heard(mut self, bytes: usize) -> Option<Self> {
        self.missing = self.missing.saturating_sub(bytes);
        (self.missing > 0).then_some(self)
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Connection<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(mut silent) = self.silent.take() else {
            return read;
        };
        let read = match read {
            Poll::Pending => {
                let late = silent.until.as_mut().poll(cx);
                self.silent = Some(silent);
                ready!(late);
                Err(io::Error::from(io::ErrorKind::TimedOut))
            }
            Poll::Ready(read) => {
                let bytes = buffer.filled().len().saturating_sub(before);
                self.silent = silent.heard(bytes);
                read
            }
        };
        Poll::Ready(read)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Connection<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_connection_waits_for_the_place_of_another() {
        let (ours, _theirs) = tokio::io::duplex(8);
        let (more, _others) = tokio::io::duplex(8);
        let incoming = tokio_stream::iter([(ours, Peer::Anybody), (more, Peer::Anybody)]);
        let mut connections = pin!(counted(incoming, Places::new(1)));
        let first = connections.next().await.unwrap().unwrap();
        let mut second = pin!(connections.next());
        let waited = tokio::time::timeout(Duration::from_millis(20), &mut second);
        assert!(waited.await.is_err());
        drop(first);
        assert!(second.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_client_that_does_not_introduce_itself_is_cut_off_and_one_that_has_is_not() {
        for (sent, cut) in [(0, true), (PREFACE - 1, true), (PREFACE, false)] {
            let (ours, mut theirs) = tokio::io::duplex(64);
            let incoming = tokio_stream::iter([(ours, Peer::Anybody)]);
            let mut connections = pin!(counted(incoming, Places::new(1)));
            let mut connection = connections.next().await.unwrap().unwrap();
            if let Some(silent) = &mut connection.silent {
                silent.until = Box::pin(sleep(Duration::from_millis(30)));
            }
            theirs.write_all(&vec![7; sent]).await.unwrap();
            let mut bytes = vec![0; 64];
            let read = async {
                let mut count = 0;
                while count <= sent {
                    count += connection.read(&mut bytes).await?;
                }
                Ok::<_, io::Error>(())
            };
            let ended = tokio::time::timeout(Duration::from_millis(300), read).await;
            assert_eq!(ended.is_ok_and(|it| it.is_err()), cut, "{sent}");
        }
    }

    #[tokio::test]
    async fn what_the_system_refuses_does_not_end_the_listener() {
        let refused = || io::Error::from_raw_os_error(24);
        let incoming = [
            Err(refused()),
            Ok(1),
            Err(io::ErrorKind::ConnectionReset.into()),
            Ok(2),
        ];
        let connections: Vec<i32> = accepted(tokio_stream::iter(incoming)).collect().await;
        assert_eq!(connections, [1, 2]);
    }
}
