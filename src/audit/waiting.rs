//! Lines that wait to be written: a bounded number of places, and the bytes of the lines themselves, one behind the other.
//!
//! A place is reserved before a line is there, and is free again when the writer takes the line. The writer takes many
//! lines at a time and says what it waits for, so that whoever brings a line seldom has to wake it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::AuditError;
use super::spec::MAX_LINE;

/// Most bytes that are written at once. Lines that wait take no more memory than [`MAX_LINE`] each: however long they are, no
/// more of a batch is left empty than that.
const BATCH: usize = 8 * MAX_LINE;

/// The lines between decisions and the writer.
#[derive(Debug)]
pub(super) struct Waiting {
    places: usize,
    state: Mutex<State>,
    /// Told when there is what the writer waits for.
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Places that are reserved, and those of the lines that wait.
    taken: usize,
    /// Oldest first; the last one is being filled.
    batches: VecDeque<Lines>,
    /// An empty batch that was written, to be filled again.
    spare: Vec<u8>,
    wanted: Wanted,
    closed: bool,
}

/// Lines of one batch.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    count: usize,
}

/// What the writer waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    /// It is busy, or was told.
    #[default]
    Nothing,
    /// Any line.
    Line,
    /// A batch that is full.
    Batch,
}

/// What the writer finds.
enum Found {
    Batch(Vec<u8>),
    Nothing,
    /// There is nothing, and there will be nothing any more.
    End,
}

impl Waiting {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places,
            state: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Takes a place, if more than `kept` are free.
    pub(super) fn reserve(&self, kept: usize) -> Result<(), AuditError> {
        let mut state = self.state();
        if state.closed {
            return Err(AuditError::Closed);
        }
        if self.places - state.taken <= kept {
            return Err(AuditError::Full);
        }
        state.taken += 1;
        Ok(())
    }

    /// Gives back a reserved place.
    pub(super) fn release(&self) {
        let mut state = self.state();
        state.taken -= 1;
        if state.closed {
            self.tell(state);
        }
    }

    /// Queues a line on a reserved place.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        state.append(line);
        let tell = match state.wanted {
            Wanted::Nothing => false,
            Wanted::Line => true,
            Wanted::Batch => state.batches.len() > 1,
        };
        if tell || state.closed {
            self.tell(state);
        }
    }

    /// The next lines to write; none after the last. Until `calm` there have to be enough of them, so that a busy server is not
    /// interrupted for each.
    pub(super) async fn next(&self, calm: Instant) -> Option<Vec<u8>> {
        loop {
            let idle = Instant::now() >= calm;
            let told = self.wake.notified();
            match self.take(idle) {
                Found::Batch(bytes) => return Some(bytes),
                Found::End => return None,
                Found::Nothing if idle => told.await,
                Found::Nothing => {
                    let _woken = timeout_at(calm, told).await;
                }
            }
        }
    }

    /// Takes back the memory of lines that are written.
    pub(super) fn recycle(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.state().spare = bytes;
    }

    /// Reserves no more places; what has one still comes.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        self.tell(state);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Lines that wait.
    pub(super) fn lines(&self) -> usize {
        self.state().batches.iter().map(|lines| lines.count).sum()
    }

    /// Places that are free.
    pub(super) fn free(&self) -> usize {
        self.places - self.state().taken
    }

    /// All places.
    pub(super) const fn places(&self) -> usize {
        self.places
    }

    fn take(&self, idle: bool) -> Found {
        let mut state = self.state();
        if idle || state.closed || state.batches.len() > 1 {
            if let Some(Lines { bytes, count }) = state.batches.pop_front() {
                state.taken -= count;
                state.wanted = Wanted::Nothing;
                return Found::Batch(bytes);
            }
            if state.closed && state.taken == 0 {
                return Found::End;
            }
        }
        state.wanted = if idle { Wanted::Line } else { Wanted::Batch };
        Found::Nothing
    }

    fn tell(&self, mut state: MutexGuard<'_, State>) {
        state.wanted = Wanted::Nothing;
        drop(state);
        self.wake.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics; if it did, at most a place would stay taken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, line: &[u8]) {
        let fits = |lines: &&mut Lines| lines.bytes.len() + line.len() <= BATCH;
        if let Some(last) = self.batches.back_mut().filter(fits) {
            last.bytes.extend_from_slice(line);
            last.count += 1;
            return;
        }
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.reserve_exact(BATCH.max(line.len()));
        bytes.extend_from_slice(line);
        self.batches.push_back(Lines { bytes, count: 1 });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const SOON: Duration = Duration::from_millis(20);

    fn push(waiting: &Waiting, line: &[u8]) {
        waiting.reserve(0).unwrap();
        waiting.push(line);
    }

    /// Calls [`Waiting::next`] beside the test, and lets it come as far as it can.
    async fn asked(
        waiting: &Arc<Waiting>,
        calm: Instant,
    ) -> tokio::task::JoinHandle<Option<Vec<u8>>> {
        let waiting = Arc::clone(waiting);
        let asked = tokio::spawn(async move { waiting.next(calm).await });
        tokio::time::sleep(SOON).await;
        assert!(!asked.is_finished());
        asked
    }

    #[tokio::test]
    async fn an_idle_writer_gets_a_line_at_once_and_a_busy_one_many_at_a_time() {
        let waiting = Arc::new(Waiting::new(100_000));
        let idle = asked(&waiting, Instant::now()).await;
        push(&waiting, b"first\n");
        assert_eq!(idle.await.unwrap().unwrap(), b"first\n");

        let busy = asked(&waiting, Instant::now() + HOUR).await;
        let line = [b'x'; 100];
        for _ in 0..BATCH / line.len() {
            push(&waiting, &line);
        }
        tokio::time::sleep(SOON).await;
        assert!(!busy.is_finished(), "the batch is not full yet");
        push(&waiting, &line);
        let batch = busy.await.unwrap().unwrap();
        assert_eq!(batch.len(), BATCH / line.len() * line.len());
        waiting.recycle(batch);

        let rest = waiting.next(Instant::now() + SOON).await.unwrap();
        assert_eq!(
            rest, line,
            "what does not fill a batch waits until it is calm"
        );
        assert_eq!((waiting.free(), waiting.lines()), (100_000, 0));
    }

    #[tokio::test]
    async fn the_end_comes_after_the_last_place_that_was_reserved() {
        let waiting = Arc::new(Waiting::new(3));
        for _ in 0..3 {
            waiting.reserve(0).unwrap();
        }
        assert!(matches!(waiting.reserve(0), Err(AuditError::Full)));
        waiting.close();
        assert!(matches!(waiting.reserve(0), Err(AuditError::Closed)));
        let line = asked(&waiting, Instant::now() + HOUR).await;
        waiting.push(b"late\n");
        assert_eq!(line.await.unwrap().unwrap(), b"late\n");
        let end = asked(&waiting, Instant::now()).await;
        waiting.release();
        tokio::time::sleep(SOON).await;
        assert!(!end.is_finished(), "a place is still reserved");
        waiting.release();
        assert_eq!(end.await.unwrap(), None);
    }

    #[test]
    fn some_places_can_be_kept() {
        let waiting = Waiting::new(4);
        assert!(waiting.reserve(3).is_ok());
        assert!(matches!(waiting.reserve(3), Err(AuditError::Full)));
        assert!(waiting.reserve(2).is_ok());
    }
}
