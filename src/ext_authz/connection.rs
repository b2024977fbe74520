//! A bound on connections: one Envoy worker needs one, so a few hundred are somebody else's.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;

/// A connection that gives its place back when it is dropped.
#[derive(Debug)]
pub(super) struct Counted<C> {
    connection: C,
    _place: Option<OwnedSemaphorePermit>,
}

/// The connections of `incoming`, each handed on once it has one of the `places`; one more waits at a time.
pub(super) fn counted<C, S>(
    incoming: S,
    places: Arc<Semaphore>,
) -> impl Stream<Item = io::Result<Counted<C>>>
where
    S: Stream<Item = io::Result<C>>,
{
    incoming.then(move |connection| {
        let places = Arc::clone(&places);
        async move {
            Ok(Counted {
                connection: connection?,
                _place: places.acquire_owned().await.ok(),
            })
        }
    })
}

impl<C: Connected> Connected for Counted<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.connection.connect_info()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Counted<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(cx, buffer)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Counted<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_connection_waits_for_the_place_of_another() {
        let (ours, _theirs) = tokio::io::duplex(8);
        let (more, _others) = tokio::io::duplex(8);
        let incoming = tokio_stream::iter([Ok(ours), Ok(more)]);
        let places = Arc::new(Semaphore::new(1));
        let mut connections = pin!(counted(incoming, Arc::clone(&places)));
        let first = connections.next().await.unwrap().unwrap();
        let mut second = pin!(connections.next());
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), &mut second);
        assert!(waited.await.is_err());
        drop(first);
        assert!(second.await.unwrap().is_ok());
    }
}
