//! What is known about opaque tokens, and who asks for what is not.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Standing;
use super::circuit::Circuit;
use super::failure::Failure;
use super::flight::{Flight, Outcome};
use super::memory::{Key, Memory};
use super::source::IntrospectionSource;
use super::tally::{IntrospectionStatus, Tally};
use crate::identity::providers::Clock;
use crate::keys::digest_bytes;
use crate::model::time::Timestamp;
use crate::outbound::HttpClient;

/// The most requests in flight about tokens that nobody knows. More are a fault: random tokens cost one request each.
const MAX_UNKNOWN: usize = 64;
/// The most requests in flight that refresh what is known; of their own, so that a flood of unknown tokens makes nobody
/// unknown.
const MAX_REFRESHES: usize = 16;

/// What is known about the tokens of one provider. Clones are cheap and know the same.
#[derive(Clone)]
pub struct Introspector {
    shared: Arc<Shared>,
}

/// What requests under way share.
pub(super) struct Shared {
    pub(super) source: IntrospectionSource,
    pub(super) http: HttpClient,
    memory: Memory,
    circuit: Circuit,
    tally: Tally,
    /// One for each token that is being asked about; bounded by the slots. Never held across an await.
    flights: Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>,
    unknown: Arc<Semaphore>,
    refreshes: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a token is asked about.
#[derive(Clone, Copy)]
enum Cause {
    Unknown,
    Refresh,
}

impl Introspector {
    /// Knows nothing yet. Requests run on `tasks` until `stop`.
    pub fn new(
        source: IntrospectionSource,
        http: HttpClient,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let shared = Shared {
            memory: Memory::new(source.keep),
            source,
            http,
            circuit: Circuit::default(),
            tally: Tally::default(),
            flights: Mutex::default(),
            unknown: Arc::new(Semaphore::new(MAX_UNKNOWN)),
            refreshes: Arc::new(Semaphore::new(MAX_REFRESHES)),
            tasks,
            stop,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What it runs on.
    pub fn source(&self) -> &IntrospectionSource {
        &self.shared.source
    }

    /// How it is doing.
    pub fn status(&self) -> IntrospectionStatus {
        self.shared.tally.status(self.shared.memory.entries())
    }

    /// What `token` is worth. What is known never waits; what is not waits for the endpoint, at most until the check's
    /// own deadline. `now` is the check's moment on the clock of dates.
    pub(in crate::identity) async fn ask(
        &self,
        token: &str,
        now: Timestamp,
        clock: Clock,
    ) -> Result<Standing, Failure> {
        let name = self.shared.source.name.as_str();
        let key = digest_bytes([(name, token.as_bytes())]);
        if let Some(known) = self.shared.memory.find(&key, clock.now) {
            if known.refresh {
                // If nobody can be asked now, somebody else tries again in a moment.
                drop(self.shared.join(key, token, now, Cause::Refresh));
            }
            return Ok(known.standing);
        }
        let mut answer = self.shared.join(key, token, now, Cause::Unknown)?;
        let landed = timeout_at(clock.until.into(), answer.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(Failure::GivenUp)),
            Ok(Err(_closed)) => Err(Failure::GivenUp),
            Err(_elapsed) => Err(Failure::Late),
        }
    }
}

impl Shared {
    /// The request about this token: the one that is under way, or a new one.
    fn join(
        self: &Arc<Self>,
        key: Key,
        token: &str,
        now: Timestamp,
        cause: Cause,
    ) -> Result<watch::Receiver<Option<Outcome>>, Failure> {
        let mut flights = self.flights();
        if let Some(under_way) = flights.get(&key) {
            return Ok(under_way.clone());
        }
        let asked = Instant::now();
        let slots = match cause {
            Cause::Unknown => {
                // It may have landed a moment ago: what it brought is remembered before it is forgotten here.
                if let Some(standing) = self.memory.peek(&key, asked) {
                    return Ok(watch::channel(Some(Ok(standing))).1);
                }
                &self.unknown
            }
            Cause::Refresh => &self.refreshes,
        };
        let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
            self.tally.shed();
            return Err(Failure::Busy);
        };
        if !self.circuit.admit(asked) {
            self.tally.shed();
            return Err(Failure::Paused);
        }
        let (waiting, answer) = watch::channel(None);
        flights.insert(key, answer.clone());
        drop(flights);
        let flight = Flight {
            shared: Arc::clone(self),
            key,
            token: token.into(),
            asked,
            now,
            waiting,
            _slot: slot,
            outcome: None,
        };
        let run = self.stop.clone().run_until_cancelled_owned(flight.run());
        self.tasks.spawn(run);
        Ok(answer)
    }

    /// A request about `key` that began at `asked` has ended.
    pub(super) fn land(&self, key: &Key, outcome: &Outcome, asked: Instant, now: Timestamp) {
        let landed = Instant::now();
        match outcome {
            Ok(standing) => {
                self.memory.learn(*key, standing, asked, now);
                self.circuit.succeed();
                self.tally.answered(standing, asked);
            }
            Err(failure) => {
                if failure.is_outage() {
                    self.circuit.fail(landed);
                } else {
                    self.circuit.succeed();
                }
                self.tally.failed(&self.source.name, failure, landed);
            }
        }
        self.flights().remove(key);
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Option<Outcome>>>> {
        // A panic cannot leave the map half written.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector")
            .field("source", &self.shared.source)
            .finish_non_exhaustive()
    }
}
