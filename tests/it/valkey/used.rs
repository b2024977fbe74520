//! Approvals of other issuers that are used up on a Valkey that loses things, and claims that leave room for proofs.

use std::time::Duration;

use countersign::model::time::Timestamp;
use countersign::store::{Consumed, Store, StoreError, StoreSettings, StoreSpec, UsedUp};
use serde_json::json;

use super::stores::{consume, fresh, open, settled};
use crate::harness::valkey::{Fsync, Valkey};
use crate::state::fixtures::now;
use crate::state::used::{issued, use_up};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_use_lasts_like_that_of_an_approval_of_our_own() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    let store = open(&json!({ "url": first.url(), "min_replicas": 1, "wait": "2s" }));
    second.follow(&first);
    settled(&store).await;
    let later = now().plus(SECOND);
    assert_eq!(use_up(&store, issued(1, later)).await, UsedUp::Now);
    second.kill();
    let hurried = open(&json!({ "url": first.url(), "min_replicas": 1, "wait": "50ms" }));
    let unconfirmed = StoreError::Unconfirmed {
        confirmed: 0,
        wanted: 1,
    };
    let refused = hurried.use_up(issued(2, later), now()).await;
    assert_eq!(refused, Err(unconfirmed));
    // It is done all the same, and a proof waits for nobody.
    let plain = open(&json!({ "url": first.url() }));
    assert_eq!(use_up(&plain, issued(2, later)).await, UsedUp::Before);
    assert_eq!(consume(&hurried, fresh()).await, Ok(Consumed::Fresh));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_wipe_nothing_that_was_issued_before_is_taken_for_unused() {
    let valkey = Valkey::start(Fsync::Never);
    let stores = [(); 2].map(|()| open(&json!({ "url": valkey.url() })));
    settled(&stores[0]).await;
    let before = now().plus(Duration::from_millis(1));
    assert_eq!(use_up(&stores[0], issued(1, before)).await, UsedUp::Now);
    drop(stores);
    tokio::time::sleep(Duration::from_millis(10)).await;
    valkey.wipe();
    // Whoever remembered what was used is gone, too.
    let store = open(&json!({ "url": valkey.url() }));
    settled(&store).await;
    assert_eq!(use_up(&store, issued(1, before)).await, UsedUp::Unknown);
    let later = now().plus(SECOND);
    assert_eq!(use_up(&store, issued(2, later)).await, UsedUp::Now);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_leave_half_of_the_room_to_proofs() {
    let valkey = Valkey::start(Fsync::Never);
    let spec: StoreSpec =
        serde_json::from_value(json!({ "valkey": { "url": valkey.url() } })).unwrap();
    let settings = StoreSettings::try_from(spec).unwrap().max_replay(6);
    let store = Store::open(&settings).unwrap();
    settled(&store).await;
    // The moment at which everything else here is used up.
    let now = Timestamp::from_seconds(1_800_000_000);
    let until = now.plus(Duration::from_mins(10));
    let claim = async || store.claim(fresh(), until, now).await;
    // One place was taken when it settled.
    for expected in [Consumed::Fresh, Consumed::Fresh, Consumed::Full] {
        assert_eq!(claim().await, Ok(expected));
    }
    for expected in [Consumed::Fresh; 3].into_iter().chain([Consumed::Full]) {
        assert_eq!(consume(&store, fresh()).await, Ok(expected));
    }
}
