//! Says to the store how far this replica is, for those who wait until every replica enforces something.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ext_authz::now;
use crate::model::change::Position;
use crate::store::{ReplicaReport, Store, StoreError};

/// How often this replica says how far it is when nothing changes.
const OFTEN: Duration = Duration::from_secs(2);

/// How long it says nothing after each word: every word is a write, which the uses of approvals wait for. A change that comes by
/// itself is told at once, and one of many this much later.
const PAUSE: Duration = Duration::from_millis(50);

/// Says how far the replica is when that changes, and now and then; at the end, that it decides nothing any more.
pub(super) async fn report(
    store: Store,
    name: Arc<str>,
    mut applied: watch::Receiver<Option<Position>>,
    stop: CancellationToken,
) {
    loop {
        let position = applied.borrow_and_update().clone();
        let known = position.is_some();
        if let Some(position) = position
            && let Err(error) = said(&store, &name, &position).await
        {
            tracing::debug!(%error, "how far this replica is could not be said");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = due(&mut applied, known) => {}
        }
    }
    if let Err(error) = store.leave(&name).await {
        tracing::debug!(%error, "that this replica ends could not be said");
    }
}

/// Says how far the replica is, once.
pub(super) async fn said(
    store: &Store,
    name: &Arc<str>,
    position: &Position,
) -> Result<(), StoreError> {
    let report = ReplicaReport {
        name: Arc::clone(name),
        position: position.clone(),
        at: now(),
    };
    store.report(report).await
}

/// Waits until there is something to say again. Whoever has said nothing yet says the first thing at once: nobody waits for a
/// replica that they have not heard of.
async fn due(applied: &mut watch::Receiver<Option<Position>>, known: bool) {
    if known {
        tokio::time::sleep(PAUSE).await;
    }
    let _further_or_not = tokio::time::timeout(OFTEN, applied.changed()).await;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::StoreSettings;

    fn position(seq: u64) -> Position {
        Position {
            generation: Arc::from("1"),
            seq,
        }
    }

    /// How far the replica is, as the store knows.
    async fn told(store: &Store) -> Option<u64> {
        let replicas = store.replicas().await.unwrap();
        replicas.first().map(|it| it.position.seq)
    }

    async fn until_told(store: &Store, seq: u64) {
        while told(store).await != Some(seq) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn the_first_word_waits_for_nothing() {
        let mut fastest = Duration::MAX;
        // A busy machine may make one of them late.
        for _ in 0..8 {
            let store = Store::open(&StoreSettings::in_memory()).unwrap();
            let (applied, known) = watch::channel(None);
            let stop = CancellationToken::new();
            let reports = tokio::spawn(report(store.clone(), "a".into(), known, stop.clone()));
            tokio::task::yield_now().await;
            let began = Instant::now();
            applied.send_replace(Some(position(1)));
            until_told(&store, 1).await;
            fastest = fastest.min(began.elapsed());
            stop.cancel();
            reports.await.unwrap();
        }
        assert!(fastest < PAUSE, "{fastest:?}");
    }

    #[tokio::test]
    async fn of_many_changes_the_last_is_told_and_few_of_the_others() {
        let store = Store::open(&StoreSettings::in_memory()).unwrap();
        let (applied, known) = watch::channel(Some(position(1)));
        let stop = CancellationToken::new();
        let reports = report(store.clone(), "a".into(), known, stop.clone());
        let reports = tokio::spawn(reports);
        until_told(&store, 1).await;
        let (began, mut told_of) = (Instant::now(), vec![1]);
        for seq in 2..200 {
            applied.send_replace(Some(position(seq)));
            let last = told(&store).await.unwrap();
            if told_of.last() != Some(&last) {
                told_of.push(last);
            }
        }
        let pauses = began.elapsed().as_millis() / PAUSE.as_millis();
        assert!(told_of.len() as u128 <= pauses + 2, "{told_of:?}");
        until_told(&store, 199).await;
        stop.cancel();
        reports.await.unwrap();
        assert_eq!(told(&store).await, None, "it has said that it ends");
    }
}
