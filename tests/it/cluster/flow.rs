//! Checks that come at a steady rate, whatever becomes of those before them, and how each ended.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::harness::{Answer, Client};

/// Most that may be under way, which is more than a server needs for a tenth of a second: beyond that nobody else is asked about.
const MAX_UNDER_WAY: usize = 300;

/// One check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) who: usize,
    pub(super) server: usize,
    pub(super) asked: Instant,
    pub(super) answered: Instant,
    pub(super) end: End,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Allowed,
    /// It was decided.
    Refused,
    /// It could not be decided, or not in time.
    Fault,
}

impl End {
    pub(super) fn of(answer: &Result<Answer, tonic::Status>) -> Self {
        match answer {
            Ok(answer) if answer.allows() => Self::Allowed,
            Ok(answer) if answer.told("verdict") != "fault" => Self::Refused,
            Ok(_) | Err(_) => Self::Fault,
        }
    }
}

/// So many checks a second, as many at each of the servers. Every second one is about whoever is looked at most, the others are about
/// everybody in turn.
pub(super) struct Flow {
    focus: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Seen>>>,
    began: Instant,
    ticking: JoinHandle<()>,
}

impl Flow {
    pub(super) fn begin(clients: &[Client], calls: Vec<CheckRequest>, rate: u32) -> Self {
        let (focus, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let seen = Arc::new(Mutex::new(Vec::with_capacity(100_000)));
        let servers = u32::try_from(clients.len()).unwrap();
        let ticking = tokio::spawn(tick(
            Duration::from_secs(1) * servers / rate,
            clients.to_vec(),
            calls,
            (Arc::clone(&focus), Arc::clone(&stop)),
            Arc::clone(&seen),
        ));
        Self {
            focus,
            stop,
            seen,
            began: Instant::now(),
            ticking,
        }
    }

    /// Looks at this caller most from now on.
    pub(super) fn look_at(&self, who: usize) {
        self.focus.store(who, Ordering::Relaxed);
    }

    /// Everything that was seen, and how many a second that were.
    pub(super) async fn end(self) -> (Vec<Seen>, f64) {
        let time = self.began.elapsed();
        self.stop.store(true, Ordering::Relaxed);
        self.ticking.await.unwrap();
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let in_time = seen
            .iter()
            .filter(|it| it.answered < self.began + time)
            .count();
        let rate = f64::from(u32::try_from(in_time).unwrap()) / time.as_secs_f64();
        (seen, rate)
    }
}

async fn tick(
    pause: Duration,
    clients: Vec<Client>,
    calls: Vec<CheckRequest>,
    (focus, stop): (Arc<AtomicUsize>, Arc<AtomicBool>),
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    let calls = Arc::new(calls);
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0_usize.. {
        ticks.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if under_way.load(Ordering::Relaxed) > MAX_UNDER_WAY {
            continue;
        }
        for (server, client) in clients.iter().enumerate() {
            let who = if number % 2 == 0 {
                focus.load(Ordering::Relaxed)
            } else {
                number / 2 % calls.len()
            };
            let (calls, client, seen) = (Arc::clone(&calls), client.clone(), Arc::clone(&seen));
            let under_way = Arc::clone(&under_way);
            under_way.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let asked = Instant::now();
                let answer = client.send(calls[who].clone()).await;
                let answered = Instant::now();
                under_way.fetch_sub(1, Ordering::Relaxed);
                let end = End::of(&answer);
                seen.lock().unwrap().push(Seen {
                    who,
                    server,
                    asked,
                    answered,
                    end,
                });
            });
        }
    }
    // Those that are under way count as well.
    while under_way.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(pause).await;
    }
}
