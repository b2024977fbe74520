//! What may be used once and for long: approvals of other issuers.

use std::time::Duration;

use countersign::model::time::Timestamp;
use countersign::store::{OneUse, Store, UsedUp};

use super::Place;
use super::fixtures::{MINUTE, now};

const SECOND: Duration = Duration::from_secs(1);

/// Something that was issued then.
pub(crate) fn issued(number: u8, issued: Timestamp) -> OneUse {
    OneUse {
        key: [number; 32],
        issued,
        until: now().plus(60 * MINUTE),
    }
}

/// Uses it up.
pub(crate) async fn use_up(store: &Store, it: OneUse) -> UsedUp {
    store.use_up(it, now()).await.unwrap()
}

pub(crate) async fn of_all_who_use_it_up_one_is_first(place: &impl Place) {
    let stores = [place.open().await, place.open().await];
    let it = issued(1, now().plus(SECOND));
    let users: Vec<_> = (0..32)
        .map(|user: usize| {
            let store = stores[user % 2].clone();
            tokio::spawn(async move { use_up(&store, it).await })
        })
        .collect();
    let mut first = 0;
    for user in users {
        match user.await.unwrap() {
            UsedUp::Now => first += 1,
            UsedUp::Before => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(first, 1);
    // The memory of proofs is the same: nothing that is in it is used up.
    let claimed = stores[0].claim(it.key, it.until, now()).await;
    assert_eq!(claimed, Ok(countersign::store::Consumed::Seen));
}
