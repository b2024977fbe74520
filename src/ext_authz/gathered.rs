//! Answers that are ready together leave together.
//!
//! Every answer makes its connection ready to send, and sending costs more than most decisions: a call of the system, a
//! packet, somebody to wake. What is to be sent is kept until every task that was ready by then has had its turn, and then goes
//! at once. Nothing waits for a time: where there is one call, its answer goes with the next turn of the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are kept, a dozen answers; with so many, they go at once.
const MOST: usize = 8 * 1024;

/// A stream that sends what it is given one turn later.
#[derive(Debug)]
pub(super) struct Gathered<C> {
    stream: C,
    /// What is to be sent, and how much of it has been.
    kept: Vec<u8>,
    sent: usize,
    /// Whether it has waited for its turn.
    waited: bool,
}

impl<C> Gathered<C> {
    pub(super) const fn new(stream: C) -> Self {
        Self {
            stream,
            kept: Vec::new(),
            sent: 0,
            waited: false,
        }
    }
}

impl<C: AsyncWrite + Unpin> Gathered<C> {
    /// Sends everything that is kept.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.kept.get(self.sent..) {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        self.kept.clear();
        self.sent = 0;
        self.waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Gathered<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

// Not vectored: what is gathered is copied once, whatever it was made of.
impl<C: AsyncWrite + Unpin> AsyncWrite for Gathered<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.kept.len() >= MOST {
            ready!(self.poll_send(context))?;
        }
        let room = MOST.saturating_sub(self.kept.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.kept.extend_from_slice(taken);
        Poll::Ready(Ok(taken.len()))
    }

    /// Says that it is done when everything is kept: the turn in which it is sent is asked for.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.kept.is_empty() && !self.waited {
            self.waited = true;
            // Whoever wakes itself goes to the end of the queue.
            context.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    /// A stream with so much room, and its other side.
    fn gathered(room: usize) -> (Gathered<DuplexStream>, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(room);
        (Gathered::new(ours), theirs)
    }

    async fn flush(stream: &mut Gathered<DuplexStream>) {
        poll_fn(|context| Pin::new(&mut *stream).poll_flush(context))
            .await
            .unwrap();
    }

    /// What has come to the other side by now.
    async fn arrived(theirs: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = vec![0; 4 * MOST];
        let read = tokio::time::timeout(std::time::Duration::ZERO, theirs.read(&mut bytes));
        let read = read.await.map_or(0, Result::unwrap);
        bytes.truncate(read);
        bytes
    }

    #[tokio::test]
    async fn what_is_written_in_one_turn_is_sent_in_the_next_and_asks_for_it() {
        let (mut ours, mut theirs) = gathered(1024);
        let mut turns = 0;
        let mut arrivals = Vec::new();
        let writer = poll_fn(|context| {
            turns += 1;
            if turns < 3 {
                let part = [b"one, ".as_slice(), b"two"][turns - 1];
                assert!(Pin::new(&mut ours).poll_write(context, part).is_ready());
            }
            assert!(Pin::new(&mut ours).poll_flush(context).is_ready());
            // Nobody else wakes this: it comes back because it has asked to.
            if turns < 2 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        });
        tokio::time::timeout(std::time::Duration::from_secs(5), writer)
            .await
            .unwrap();
        arrivals.push(arrived(&mut theirs).await);
        assert_eq!(arrivals, [b"one, two"]);
        assert!(ours.kept.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_sent_before_its_turn_unless_there_is_much() {
        let (mut ours, mut theirs) = gathered(4 * MOST);
        ours.write_all(b"few").await.unwrap();
        flush(&mut ours).await;
        assert_eq!(arrived(&mut theirs).await, b"");
        ours.write_all(&vec![b'x'; 2 * MOST]).await.unwrap();
        let early = arrived(&mut theirs).await;
        assert!(early.starts_with(b"fewxxx"));
        assert!(
            early.len() >= MOST && ours.kept.len() <= MOST,
            "{}",
            early.len()
        );
        flush(&mut ours).await;
        flush(&mut ours).await;
        assert_eq!(early.len() + arrived(&mut theirs).await.len(), 3 + 2 * MOST);
    }

    #[tokio::test]
    async fn what_is_kept_is_sent_before_the_end() {
        let (mut ours, mut theirs) = gathered(2);
        ours.write_all(b"farewell").await.unwrap();
        flush(&mut ours).await;
        let (ended, mut read) = (tokio::spawn(async move { ours.shutdown().await }), vec![]);
        theirs.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"farewell");
        ended.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_reads_slowly_gets_everything_in_order() {
        let (mut ours, mut theirs) = gathered(7);
        let sent: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            for part in sent.chunks(611) {
                ours.write_all(part).await.unwrap();
                flush(&mut ours).await;
            }
            ours.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        writer.await.unwrap();
        assert!(read == expected);
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error() {
        let (mut ours, theirs) = gathered(64);
        drop(theirs);
        ours.write_all(b"to nobody").await.unwrap();
        flush(&mut ours).await;
        let gone = poll_fn(|context| Pin::new(&mut ours).poll_flush(context)).await;
        assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
