//! Writes down who was seen, beside the decisions: none waits for it.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authorizer::Sightings;
use crate::store::Store;
use crate::telemetry::Metrics;

/// How often it is written: a process that is killed forgets what it saw since.
const EVERY: Duration = Duration::from_secs(1);

/// Most identities that are written at once: decisions that need the store do not wait behind more.
const AT_ONCE: usize = 256;

/// A memory of who was seen that is written down until `stop`, and a last time after it.
pub(super) fn spawn(
    tasks: &TaskTracker,
    store: &Store,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Sightings {
    let sightings = Sightings::default();
    tasks.spawn(run(
        sightings.clone(),
        store.clone(),
        metrics.clone(),
        stop.clone(),
    ));
    sightings
}

async fn run(sightings: Sightings, store: Store, metrics: Metrics, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        let failed = !write(&sightings, &store, &metrics).await;
        if failed && !failing {
            tracing::error!("who was seen cannot be written down; it is tried again each second");
        }
        failing = failed;
        if last {
            return;
        }
    }
}

/// Whether everything that was noted is written; what is not is noted again.
async fn write(sightings: &Sightings, store: &Store, metrics: &Metrics) -> bool {
    let noted = sightings.take();
    if noted.is_empty() {
        return true;
    }
    for records in noted.records().chunks(AT_ONCE) {
        match store.note_seen(records.to_vec()).await {
            Ok(dropped) => metrics.sightings_dropped(dropped),
            // What was written already is written again, which changes nothing.
            Err(error) => {
                tracing::debug!(%error, "who was seen could not be written down");
                metrics.sightings_failed();
                metrics.sightings_dropped(sightings.put_back(noted));
                return false;
            }
        }
    }
    true
}
