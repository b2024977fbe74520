//! Many who retry single-use approvals at once over two handles, while the server is killed and the line is cut in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign::model::approval::ApprovalId;
use countersign::store::{Opened, Spent, Store};
use serde_json::json;
use tokio::task::JoinSet;

use super::stores::{open, settled};
use crate::harness::SOON;
use crate::harness::valkey::{Fsync, Line, Valkey};
use crate::state::fixtures::{approved, decision, key, now, pending};

const APPROVALS: u64 = 100;
/// For each approval.
const RACERS: usize = 20;
const KILLS: usize = 3;

/// No limit, as one requester asks for all of them here.
const LIMITS: countersign::store::OpenLimits = countersign::store::OpenLimits {
    per_requester: 1000,
    cooldown: Duration::from_mins(5),
};

/// Retries until it is known what became of the approval; whether it was this one that used it.
async fn race(store: Store, id: ApprovalId, racer: usize, hold: Arc<AtomicBool>) -> bool {
    let end = Instant::now() + 2 * SOON;
    while hold.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for attempt in 0.. {
        let by = decision(racer * 1_000_000 + attempt);
        match store.spend_approval(&id, 1, u32::MAX, &by, now()).await {
            Ok(Spent::Done(_)) => return true,
            Ok(Spent::Gone(_)) => return false,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_used_twice_while_the_server_dies_and_the_line_breaks() {
    let valkey = Valkey::start(Fsync::Always);
    let line = Line::to(valkey.address());
    let stores = [valkey.address(), line.address()]
        .map(|address| open(&json!({ "url": format!("redis://{address}") })));
    settled(&stores[0]).await;
    let (hold, mut racers) = (Arc::new(AtomicBool::new(true)), JoinSet::new());
    for number in 0..APPROVALS {
        let new = pending("alice", key(number), now());
        let opened = stores[0].open_approval(new.clone(), LIMITS, now()).await;
        assert!(matches!(opened, Ok(Opened::New(_))), "{opened:?}");
        let next = approved(&new, "bob", 1, now());
        stores[0].change_approval(1, next.clone()).await.unwrap();
        for racer in 0..RACERS {
            let (store, id) = (stores[racer % 2].clone(), next.id.clone());
            let hold = Arc::clone(&hold);
            racers.spawn(async move { (number, race(store, id, racer, hold).await) });
        }
    }
    hold.store(false, Ordering::Relaxed);
    // A while between them, so that there is something to interrupt: every restart begins with seconds without a use.
    for _ in 0..KILLS {
        line.cut();
        tokio::time::sleep(Duration::from_millis(5)).await;
        valkey.kill();
        valkey.revive();
        settled(&stores[0]).await;
    }
    let mut used = vec![0; usize::try_from(APPROVALS).unwrap()];
    while let Some(done) = racers.join_next().await {
        let (number, is_mine) = done.unwrap();
        used[usize::try_from(number).unwrap()] += usize::from(is_mine);
    }
    assert!(used.iter().all(|uses| *uses <= 1), "{used:?}");
    // Some answers may have been lost with their connection, and such uses are burned; not all of them.
    assert!(used.contains(&1), "nothing was used at all");
    for number in 0..APPROVALS {
        let new = pending("alice", key(number), now());
        let again = stores[0].open_approval(new, LIMITS, now()).await;
        assert!(matches!(again, Ok(Opened::New(_))), "used up: {again:?}");
    }
}
