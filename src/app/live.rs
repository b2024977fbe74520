//! Keeps what decisions know of revocations, approvals and conditions like the store, and says how new that is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::report::{report, said};
use crate::admin::StateStatus;
use crate::authorizer::Live;
use crate::ext_authz::now;
use crate::keys::random_bytes;
use crate::model::approval::Approval;
use crate::model::change::{Change, Position};
use crate::model::name::ReplicaName;
use crate::model::time::Timestamp;
use crate::store::{Batch, Follower, Loss, RETRY, Store, StoreError};
use crate::telemetry::Metrics;

/// How long after a first failure the store is asked again; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_millis(25);

/// Most entries that are restored at once, so that nobody else waits for long.
const RESTORED_AT_ONCE: usize = 512;

/// Where Linux says what the machine is called.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// What is known, and how far it reaches. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) live: Live,
    name: ReplicaName,
    position: Arc<ArcSwapOption<Position>>,
}

/// Follows the store for one replica.
struct Following {
    replica: Replica,
    store: Store,
    follower: Follower,
    metrics: Metrics,
    applied: watch::Sender<Option<Position>>,
    /// What was lost has not been given back yet: until then the store says less than this replica knows.
    owing: bool,
    /// The store may not know that this replica decides: whoever off-boards somebody would not wait for it.
    unheard: bool,
}

impl Replica {
    /// A replica that knows nothing yet.
    pub(super) fn new(store: &Store, name: Option<&ReplicaName>) -> Result<Self> {
        Ok(Self {
            live: Live::of(store),
            name: match name {
                Some(name) => name.clone(),
                None => made_up_name()?,
            },
            position: Arc::default(),
        })
    }

    /// Follows `store` until `stop`.
    pub(super) fn follow(
        &self,
        store: &Store,
        metrics: &Metrics,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let (freshness, started) = (self.live.freshness.clone(), Instant::now());
        metrics.state_ages(move || {
            let age = freshness.age(Instant::now());
            age.unwrap_or_else(|| started.elapsed())
        });
        let (applied, known) = watch::channel(None);
        let following = Following {
            replica: self.clone(),
            store: store.clone(),
            follower: store.follow(),
            metrics: metrics.clone(),
            applied,
            owing: false,
            unheard: true,
        };
        let name = self.name.shared();
        tasks.spawn(report(store.clone(), name, known, stop.clone()));
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = following.run() => {}
            }
        });
    }

    /// How things are now.
    pub(super) fn status(&self) -> StateStatus {
        let position = self.position.load();
        StateStatus {
            replica: self.name.shared(),
            age: self.live.freshness.age(Instant::now()),
            position: position.as_deref().cloned(),
        }
    }
}

impl Following {
    async fn run(mut self) {
        let mut wait = None;
        loop {
            let step = match self.follower.next().await {
                Ok(batch) => self.take(batch).await,
                Err(error) => Err(error),
            };
            match step {
                Ok(()) => {
                    if wait.take().is_some() {
                        tracing::info!("the store is followed again");
                    }
                }
                Err(error) => {
                    self.metrics.state_error();
                    match error {
                        _ if wait.is_some() => {}
                        StoreError::Settling => {
                            tracing::warn!(
                                "the store has just come or come back; it is followed when it has settled"
                            );
                        }
                        error => {
                            tracing::error!(%error, "the store cannot be followed; what is known of it grows old");
                        }
                    }
                    let pause = wait.map_or(FIRST_RETRY, |last| RETRY.min(last * 2));
                    wait = Some(pause);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// Takes over what changed, and says so only when all of it is in force.
    async fn take(&mut self, batch: Batch) -> Result<(), StoreError> {
        let Batch {
            changes,
            whole,
            position,
            began,
        } = batch;
        self.unheard |= whole.is_some();
        match whole {
            None | Some(Loss::None) => {}
            Some(Loss::Possible) => {
                tracing::warn!(
                    "the store may have lost something: what is known here is given back"
                );
                self.owing = true;
            }
            Some(Loss::Wiped) => {
                tracing::error!(
                    "the store has lost everything: revocations and conditions are given back, and live approvals are asked for anew"
                );
                self.forget_live_approvals();
                self.owing = true;
            }
        }
        let (states, moments): (Vec<Change>, Vec<Timestamp>) = changes.into_iter().unzip();
        self.replica.live.apply(&states);
        self.replica.live.revocations.sweep(now(), Instant::now());
        if whole.is_none() {
            let now = now();
            for at in moments {
                self.metrics.enforced(since(at, now));
            }
        }
        if self.owing {
            give_back(&self.replica.live, &self.store).await?;
            self.owing = false;
        }
        if self.unheard {
            said(&self.store, &self.replica.name.shared(), &position).await?;
            self.unheard = false;
        }
        if let Some(began) = began {
            self.replica.live.freshness.proven(began);
        }
        self.metrics.state_applied(position.seq);
        self.replica
            .position
            .store(Some(Arc::new(position.clone())));
        self.applied.send_if_modified(|known| {
            let further = known.as_ref() != Some(&position);
            *known = Some(position);
            further
        });
        Ok(())
    }

    /// The store that they were in is gone, and with it what was used of them.
    fn forget_live_approvals(&self) {
        let now = now();
        let approvals = &self.replica.live.approvals;
        let live = |it: &Arc<Approval>| it.is_live(now);
        for approval in approvals.entries().into_iter().filter(live) {
            approvals.forget(&approval.id);
        }
    }
}

/// Merges what this replica knows into the store: first approvals that could be used once more if nobody knew what has become of
/// them.
async fn give_back(live: &Live, store: &Store) -> Result<(), StoreError> {
    let now = now();
    let until = |it: &Approval| it.valid_until.unwrap_or(it.pending_until);
    let approvals = live.approvals.entries().into_iter();
    let (first, last): (Vec<_>, Vec<_>) = approvals.partition(|it| until(it) >= now);
    let revocations = live.revocations.entries().into_iter();
    let conditions = live.conditions.entries().into_iter();
    let first = first.into_iter().map(Change::Approval);
    let last = last.into_iter().map(Change::Approval);
    let known: Vec<Change> = first
        .chain(revocations.map(Change::Revocation))
        .chain(conditions.map(Change::Condition))
        .chain(last)
        .collect();
    for some in known.chunks(RESTORED_AT_ONCE) {
        store.restore(some.to_vec()).await?;
    }
    Ok(())
}

/// How long ago a moment was; zero if clocks differ so that it is yet to come.
fn since(at: Timestamp, now: Timestamp) -> Duration {
    let millis = now.millis().saturating_sub(at.millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The machine's name with something random behind it: several servers may run on one machine.
fn made_up_name() -> Result<ReplicaName> {
    let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
    let [a, b, c] = random_bytes()?;
    let suffix = format!("{a:02x}{b:02x}{c:02x}");
    let name = ReplicaName::new(&format!("{}-{suffix}", host.trim()));
    Ok(name.or_else(|_odd| ReplicaName::new(&format!("replica-{suffix}")))?)
}
