//! TLS before anything else: handshakes run beside each other, so that a slow client delays nobody, and only who is on
//! the list comes out.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_stream::Stream;

use super::peer::{AllowList, Peer};
use crate::tls::{HandshakeError, MAX_HANDSHAKES, ServerTls, TlsStream};

type Shaken = Result<(TlsStream<TcpStream>, Peer), HandshakeError>;

/// The connections whose handshake went well. Dropping it cuts the handshakes that are not done.
pub(super) struct Secured<S> {
    incoming: Pin<Box<S>>,
    ended: bool,
    /// Accepted, and there was no room for its handshake.
    waiting: Option<TcpStream>,
    handshakes: JoinSet<Shaken>,
    tls: ServerTls,
    /// Who may come in; without one, everybody whom `tls` accepts.
    list: Option<AllowList>,
}

impl<S: Stream<Item = TcpStream>> Secured<S> {
    pub(super) fn new(incoming: S, tls: ServerTls, list: Option<AllowList>) -> Self {
        Self {
            incoming: Box::pin(incoming),
            ended: false,
            waiting: None,
            handshakes: JoinSet::new(),
            tls,
            list,
        }
    }

    /// Begins the handshakes of all who wait, as far as there is room; for the next one a slow client gives way.
    fn begin(&mut self, cx: &mut Context<'_>) {
        while let Some(stream) = self.next(cx) {
            if self.handshakes.len() >= MAX_HANDSHAKES {
                self.waiting = Some(stream);
                return;
            }
            let (tls, list) = (self.tls.clone(), self.list.clone());
            self.handshakes.spawn(shake(stream, tls, list));
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let waited = self.waiting.take();
        if waited.is_some() || self.ended {
            return waited;
        }
        let Poll::Ready(accepted) = self.incoming.as_mut().poll_next(cx) else {
            return None;
        };
        self.ended = accepted.is_none();
        if self.handshakes.len() >= MAX_HANDSHAKES && accepted.is_some() {
            self.tls.press();
        }
        accepted
    }
}

async fn shake(stream: TcpStream, tls: ServerTls, list: Option<AllowList>) -> Shaken {
    let admit = |certificate| match &list {
        Some(list) => list.admit(certificate),
        None => Some(Peer::Anybody),
    };
    tls.accept_known(stream, admit).await
}

impl<S: Stream<Item = TcpStream>> Stream for Secured<S> {
    type Item = (TlsStream<TcpStream>, Peer);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            self.begin(cx);
            match self.handshakes.poll_join_next(cx) {
                Poll::Ready(Some(Ok(Ok(connection)))) => return Poll::Ready(Some(connection)),
                Poll::Ready(Some(Ok(Err(error)))) => {
                    tracing::debug!(%error, "a connection to the gRPC port was not accepted");
                }
                Poll::Ready(Some(Err(_defect))) => tracing::error!("a handshake panicked"),
                Poll::Ready(None) if self.ended => return Poll::Ready(None),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
