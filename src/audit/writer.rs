//! The one task that writes records: at once when idle, every few milliseconds under load, and again and again while the
//! sink fails.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::telemetry::Metrics;

use super::AuditError;
use super::sink::{Sink, name, push};
use super::waiting::Waiting;

/// From one writing to the next, unless there is much to write: a record waits no longer than that, and a busy server is
/// disturbed no oftener.
const PAUSE: Duration = Duration::from_millis(5);
/// Wait before the first retry; it doubles up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Writes queued records until it is stopped.
pub struct AuditWriter {
    waiting: Arc<Waiting>,
    reopen: Arc<Notify>,
    /// Set while the sink does not take what it is given.
    failing: Arc<AtomicBool>,
    sink: Sink,
    metrics: Metrics,
    batch: Batch,
}

/// Lines on their way, and how many of their bytes are written.
#[derive(Default)]
struct Batch {
    bytes: Arc<Vec<u8>>,
    written: usize,
}

impl AuditWriter {
    pub(super) fn new(
        waiting: Arc<Waiting>,
        reopen: Arc<Notify>,
        failing: Arc<AtomicBool>,
        sink: Sink,
        metrics: Metrics,
    ) -> Self {
        Self {
            waiting,
            reopen,
            failing,
            sink,
            metrics,
            batch: Batch::default(),
        }
    }

    /// Runs until `stop`; then takes no more records and writes those it has, for at most `grace`. The error says how
    /// many were not written. Whoever calls this stops deciding first.
    pub async fn run(mut self, stop: CancellationToken, grace: Duration) -> Result<(), AuditError> {
        tokio::select! {
            () = self.work(&stop) => return Ok(()),
            () = async { stop.cancelled().await; sleep(grace).await } => {}
        }
        match self.batch.lines_left() + self.waiting.lines() {
            0 => Ok(()),
            lost => Err(AuditError::Lost(lost)),
        }
    }

    async fn work(&mut self, stop: &CancellationToken) {
        let (reopen, waiting) = (Arc::clone(&self.reopen), Arc::clone(&self.waiting));
        let mut calm = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = reopen.notified() => self.reopen().await,
                () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
                taken = waiting.next(calm) => {
                    let Some(bytes) = taken else { return };
                    calm = Instant::now() + PAUSE;
                    self.batch = Batch::of(bytes);
                    self.write().await;
                    if let Some(bytes) = Arc::into_inner(std::mem::take(&mut self.batch).bytes) {
                        waiting.recycle(bytes);
                    }
                }
            }
        }
    }

    async fn write(&mut self) {
        let mut wait = FIRST_WAIT;
        let mut failing = false;
        while let Err(error) = self.attempt().await {
            self.metrics.audit_failed();
            if !failing {
                let sink = name(self.sink.spec());
                tracing::error!(%sink, %error, "decision records cannot be written; trying again until they can");
            }
            failing = true;
            self.failing.store(true, Ordering::Relaxed);
            let reopen = Arc::clone(&self.reopen);
            tokio::select! {
                () = reopen.notified() => self.reopen().await,
                () = sleep(wait) => wait = (wait * 2).min(MAX_WAIT),
            }
        }
        if failing {
            self.failing.store(false, Ordering::Relaxed);
            tracing::info!(sink = %name(self.sink.spec()), "decision records are written again");
        }
    }

    async fn attempt(&mut self) -> io::Result<()> {
        let (file, bytes) = (self.sink.file(), Arc::clone(&self.batch.bytes));
        let from = self.batch.written;
        let (written, result) = spawn_blocking(move || push(&file, &bytes, from)).await?;
        self.batch.written = written;
        result
    }

    async fn reopen(&mut self) {
        let spec = self.sink.spec().clone();
        match spawn_blocking(move || Sink::open(&spec)).await {
            Ok(Ok(sink)) => {
                self.sink = sink;
                self.batch.rewind();
                tracing::info!(sink = %name(self.sink.spec()), "audit sink opened again");
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit sink stays the one that was open before");
            }
            Err(error) => tracing::error!(%error, "opening the audit sink again was cut short"),
        }
    }
}

impl Batch {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(bytes),
            written: 0,
        }
    }

    /// Goes back to the start of a line that is half written: a new file gets it whole.
    fn rewind(&mut self) {
        let done = self.bytes.get(..self.written).unwrap_or_default();
        self.written = done
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
    }

    fn lines_left(&self) -> usize {
        let left = self.bytes.get(self.written..).unwrap_or_default();
        left.split(|byte| *byte == b'\n').skip(1).count()
    }
}

impl Drop for AuditWriter {
    /// Nothing is queued that nobody writes.
    fn drop(&mut self) {
        self.waiting.close();
    }
}

impl fmt::Debug for AuditWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditWriter({})", name(self.sink.spec()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use crate::model::time::Timestamp;

    use super::*;

    /// More than a socket holds.
    const LINES: usize = 256;

    /// A socket that nobody reads takes some bytes and then refuses, in the middle of a line.
    #[tokio::test]
    async fn a_retry_goes_on_where_the_last_attempt_ended() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let metrics = Metrics::new("0", Timestamp::from_millis(0)).unwrap();
        let waiting = Arc::new(Waiting::new(LINES));
        let sink = Sink::over(File::from(OwnedFd::from(ours)));
        let (reopen, failing) = (Arc::default(), Arc::default());
        let queue = Arc::clone(&waiting);
        let writer = AuditWriter::new(queue, reopen, failing, sink, metrics.clone());
        let expected: Vec<u8> = (0..LINES)
            .flat_map(|n| {
                let line = format!("{n:->1600}\n").into_bytes();
                waiting.reserve(0).unwrap();
                waiting.push(&line);
                line
            })
            .collect();
        waiting.close();
        let failed = move || {
            let text = metrics.encode(Timestamp::from_millis(0), &[], &[]).unwrap();
            !text.contains("countersign_audit_write_failures_total 0")
        };
        let reader = std::thread::spawn(move || {
            while !failed() {
                std::thread::sleep(Duration::from_millis(5));
            }
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).unwrap();
            received
        });
        let done = writer.run(CancellationToken::new(), Duration::ZERO);
        done.await.unwrap();
        assert!(
            reader.join().unwrap() == expected,
            "a byte is lost or repeated"
        );
    }

    #[test]
    fn a_new_file_gets_the_line_that_the_old_one_got_half_of() {
        let mut batch = Batch::of(b"one\ntwo\nthree\n".to_vec());
        for (written, line, left) in [(0, 0, 3), (3, 0, 3), (4, 4, 2), (6, 4, 2), (14, 14, 0)] {
            batch.written = written;
            batch.rewind();
            assert_eq!(
                (batch.written, batch.lines_left()),
                (line, left),
                "{written}"
            );
        }
    }
}
