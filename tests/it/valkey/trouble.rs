//! What happens to a Valkey, and what may not happen then: nothing is used twice, nothing that was acknowledged and is kept is
//! lost, nothing waits for ever, and service recovers by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::model::approval::{Approval, State, Status};
use countersign::model::change::Change;
use countersign::store::{
    Batch, Consumed, Follower, Loss, Opened, Spent, Store, StoreError, Swapped,
};
use serde_json::json;

use super::stores::{answered, consume, fresh, open, settled};
use crate::harness::valkey::{Fsync, Line, LineMode, Valkey};
use crate::harness::{SOON, eventually};
use crate::state::fixtures::{LIMITS, approved, decision, key, now, pending, revocation, subject};

/// Far longer than an operation may take that is not answered.
const ANSWERED: Duration = Duration::from_secs(5);

/// An approval that can be used `uses` times.
async fn usable(store: &Store, number: u64, uses: u32) -> Approval {
    let now = now();
    let new = pending("alice", key(number), now);
    let opened = store.open_approval(new.clone(), LIMITS, now).await;
    assert!(matches!(opened, Ok(Opened::New(_))), "{opened:?}");
    let next = approved(&new, "bob", uses, now);
    let done = store.change_approval(1, next.clone()).await;
    assert!(matches!(done, Ok(Swapped::Done(_))), "{done:?}");
    next
}

async fn spend(store: &Store, approval: &Approval, by: usize) -> Result<Spent, StoreError> {
    let by = decision(by);
    let spent = store.spend_approval(&approval.id, 1, u32::MAX, &by, now());
    tokio::time::timeout(ANSWERED, spent)
        .await
        .expect("an answer in time")
}

/// Reads until a batch is the whole state.
pub(super) async fn whole(follower: &mut Follower) -> Batch {
    let end = Instant::now() + SOON;
    loop {
        match follower.next().await {
            Ok(batch) if batch.whole.is_some() => return batch,
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(Instant::now() < end, "no whole state");
    }
}

/// Reads for as long as a heartbeat or two, and then a batch that proves what is known at its end.
async fn in_step(follower: &mut Follower) -> Batch {
    let asked = Instant::now();
    loop {
        let batch = answered(async || follower.next().await).await;
        assert_eq!(batch.whole, None);
        if batch.began > Some(asked) {
            return batch;
        }
    }
}

fn gone() -> Spent {
    Spent::Gone(State::Is(Status::Consumed))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let valkey = Valkey::start(Fsync::Always);
    let store = open(&json!({ "url": valkey.url() }));
    settled(&store).await;
    let mut follower = store.follow();
    assert_eq!(whole(&mut follower).await.whole, Some(Loss::None));
    let approval = usable(&store, 1, 2).await;
    assert!(matches!(
        spend(&store, &approval, 1).await,
        Ok(Spent::Done(_))
    ));
    let digest = fresh();
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Fresh));
    let entry = revocation(subject("alice"), now());
    store.revoke(vec![entry.clone()]).await.unwrap();
    let secret = store.secret("nonce").await.unwrap();

    valkey.kill();
    let error = spend(&store, &approval, 2).await.unwrap_err();
    assert!(!error.to_string().is_empty());
    assert!(follower.next().await.is_err() || follower.next().await.is_err());
    valkey.revive();

    let batch = whole(&mut follower).await;
    assert_eq!(batch.whole, Some(Loss::Possible));
    let changes: Vec<_> = batch
        .changes
        .into_iter()
        .map(|(change, _)| change)
        .collect();
    assert!(changes.contains(&Change::Revocation(Arc::new(entry))));
    // Whoever may have lost something puts it back first.
    assert_eq!(spend(&store, &approval, 2).await, Err(StoreError::Settling));
    assert_eq!(consume(&store, digest).await, Err(StoreError::Settling));
    settled(&store).await;
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Seen));
    assert!(matches!(
        spend(&store, &approval, 2).await,
        Ok(Spent::Done(_))
    ));
    assert_eq!(spend(&store, &approval, 3).await, Ok(gone()));
    assert_eq!(store.secret("nonce").await, Ok(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wipe_is_noticed_and_forgets_nothing_that_replicas_remember() {
    let valkey = Valkey::start(Fsync::Never);
    let stores = [0, 1].map(|_| open(&json!({ "url": valkey.url() })));
    settled(&stores[0]).await;
    let mut followers = stores.each_ref().map(Store::follow);
    for follower in &mut followers {
        whole(follower).await;
    }
    let approval = usable(&stores[0], 1, 1).await;
    let used = [fresh(), fresh()];
    assert_eq!(consume(&stores[0], used[0]).await, Ok(Consumed::Fresh));
    assert_eq!(consume(&stores[1], used[1]).await, Ok(Consumed::Fresh));
    let secret = stores[0].secret("nonce").await.unwrap();
    assert_eq!(stores[1].secret("nonce").await, Ok(secret));
    let entry = revocation(subject("alice"), now());
    stores[0].revoke(vec![entry.clone()]).await.unwrap();

    for lose in [Valkey::wipe, |valkey: &Valkey| {
        valkey.lose_files();
        valkey.revive();
    }] {
        lose(&valkey);
        for (store, follower) in stores.iter().zip(&mut followers) {
            let batch = whole(follower).await;
            assert_eq!(batch.whole, Some(Loss::Wiped));
            let known = vec![Change::Revocation(Arc::new(entry.clone()))];
            answered(async || store.restore(known.clone()).await).await;
        }
        settled(&stores[1]).await;
        for (store, digest) in stores.iter().zip([used[1], used[0]]) {
            assert_eq!(
                answered(async || consume(store, digest).await).await,
                Consumed::Seen
            );
            assert_eq!(
                store.revocations().await.unwrap(),
                std::slice::from_ref(&entry)
            );
            assert_eq!(store.secret("nonce").await, Ok(secret));
            assert_eq!(spend(store, &approval, 1).await, Ok(Spent::Missing));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wipe_between_a_heartbeat_and_what_is_read_after_it_is_a_wipe() {
    let valkey = Valkey::start(Fsync::Never);
    let line = Line::to(valkey.address());
    let far =
        json!({ "url": format!("redis://{}", line.address()), "timeouts": { "command": "5s" } });
    let (near, far) = (open(&json!({ "url": valkey.url() })), open(&far));
    let mut follower = far.follow();
    whole(&mut follower).await;
    in_step(&mut follower).await;
    // Something to read, and a heartbeat that is due.
    let entry = revocation(subject("alice"), now());
    near.revoke(vec![entry]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    let beat = || valkey.ask(&["HGET", "{countersign}:meta", "beat"]);
    let before = beat();
    line.set(LineMode::Delay(Duration::from_millis(300)));
    let reading = tokio::spawn(async move { whole(&mut follower).await });
    eventually(SOON, "the heartbeat came", || {
        (beat() != before).then_some(())
    });
    // Its answer is on the way; what is read after it finds nothing.
    valkey.wipe();
    line.set(LineMode::Forward);
    assert_eq!(reading.await.unwrap().whole, Some(Loss::Wiped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_server_is_not_waited_for_and_nothing_is_proven_by_it() {
    let valkey = Valkey::start(Fsync::Never);
    let store = open(&json!({ "url": valkey.url() }));
    settled(&store).await;
    let mut follower = store.follow();
    whole(&mut follower).await;
    let approval = usable(&store, 1, 1).await;
    in_step(&mut follower).await;

    valkey.pause();
    let paused = Instant::now();
    assert!(spend(&store, &approval, 1).await.is_err());
    while paused.elapsed() < Duration::from_secs(3) {
        let next = tokio::time::timeout(ANSWERED, follower.next()).await;
        if let Ok(batch) = next.expect("an answer in time") {
            assert!(
                batch.began < Some(paused),
                "proven by a server that says nothing"
            );
        }
    }
    valkey.resume();
    // It is the same server, and has lost nothing.
    in_step(&mut follower).await;
    // What was not answered may have been done, and is not done twice.
    let spent = answered(async || spend(&store, &approval, 2).await).await;
    assert!(
        spent == gone() || matches!(spent, Spent::Done(_)),
        "{spent:?}"
    );
    assert_eq!(spend(&store, &approval, 3).await, Ok(gone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_fails_lets_nothing_be_used_twice() {
    let valkey = Valkey::start(Fsync::Never);
    let line = Line::to(valkey.address());
    let url = format!("redis://{}", line.address());
    let store = open(&json!({ "url": url }));
    settled(&store).await;
    let mut follower = store.follow();
    whole(&mut follower).await;
    // The first use brings the script to the server, which takes an answer.
    let first = usable(&store, 0, 1).await;
    assert!(matches!(spend(&store, &first, 0).await, Ok(Spent::Done(_))));
    for (number, mode) in [
        (1, LineMode::SwallowAnswers),
        (2, LineMode::SwallowRequests),
        (3, LineMode::Stall),
        (4, LineMode::Refuse),
    ] {
        let approval = usable(&store, number, 1).await;
        let digest = fresh();
        line.set(mode);
        if mode == LineMode::Refuse {
            line.cut();
        }
        let by = usize::try_from(number).unwrap();
        assert!(spend(&store, &approval, by).await.is_err(), "{mode:?}");
        assert!(consume(&store, digest).await.is_err(), "{mode:?}");
        line.set(LineMode::Forward);
        line.cut();
        let consumed = answered(async || consume(&store, digest).await).await;
        assert!(matches!(consumed, Consumed::Fresh | Consumed::Seen));
        assert_eq!(consume(&store, digest).await, Ok(Consumed::Seen));
        let spent = answered(async || spend(&store, &approval, by + 10).await).await;
        if mode == LineMode::SwallowAnswers {
            assert_eq!(spent, gone(), "the server did it");
        }
        assert!(!matches!(
            spend(&store, &approval, by + 20).await,
            Ok(Spent::Done(_))
        ));
        let entry = revocation(subject("alice"), now());
        let done = store.revoke(vec![entry]).await.unwrap();
        assert!(
            in_step(&mut follower)
                .await
                .position
                .has_seen(&done.position)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_stream_is_noticed() {
    let valkey = Valkey::start(Fsync::Never);
    let line = Line::to(valkey.address());
    let (near, far) = (
        open(&json!({ "url": valkey.url() })),
        open(&json!({ "url": format!("redis://{}", line.address()) })),
    );
    let mut follower = far.follow();
    whole(&mut follower).await;
    line.set(LineMode::Refuse);
    line.cut();
    let mut entries = Vec::new();
    for number in 0..3 {
        let entry = revocation(subject(&format!("agent-{number}")), now());
        near.revoke(vec![entry.clone()]).await.unwrap();
        entries.push(Change::Revocation(Arc::new(entry)));
    }
    valkey.ask(&["XTRIM", "{countersign}:changes", "MAXLEN", "1"]);
    line.set(LineMode::Forward);
    let batch = whole(&mut follower).await;
    assert_eq!(batch.whole, Some(Loss::None), "nothing is lost");
    assert_eq!(batch.changes.len(), entries.len());
    assert!(
        batch
            .changes
            .iter()
            .all(|(change, _)| entries.contains(change))
    );
}
