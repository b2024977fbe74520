//! What somebody says of a condition after a store lost everything counts for more than what replicas remember and give back.

use std::sync::Arc;

use countersign::condition::Conditions;
use countersign::model::change::Change;
use countersign::model::condition::ConditionSetting;
use countersign::store::{Batch, Loss, Store};
use serde_json::json;

use super::stores::answered;
use super::stores::open;
use super::trouble::whole;
use crate::harness::valkey::{Fsync, Valkey};
use crate::state::fixtures::{now, setting};

fn incident(batch: &Batch) -> Option<Arc<ConditionSetting>> {
    batch.changes.iter().find_map(|(change, _)| match change {
        Change::Condition(setting) if setting.name.as_str() == "incident" => {
            Some(Arc::clone(setting))
        }
        Change::Condition(_) | Change::Approval(_) | Change::Revocation(_) => None,
    })
}

async fn kept(store: &Store) -> Arc<ConditionSetting> {
    incident(&whole(&mut store.follow()).await).expect("it is set")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_after_a_wipe_outlives_what_is_given_back() {
    let valkey = Valkey::start(Fsync::Never);
    let store = open(&json!({ "url": valkey.url() }));
    let mut follower = store.follow();
    whole(&mut follower).await;
    for value in [true, false, true] {
        let said = setting("incident", value, now());
        store.set_condition(said).await.unwrap();
    }
    let remembered = kept(&store).await;
    assert_eq!((remembered.version, remembered.value), (3, true));

    valkey.wipe();
    // The incident is over, and somebody says so before any replica has given back what it remembers.
    answered(async || {
        let over = setting("incident", false, now());
        store.set_condition(over).await
    })
    .await;
    assert_eq!(whole(&mut follower).await.whole, Some(Loss::Wiped));
    let said = kept(&store).await;
    let back = vec![Change::Condition(Arc::clone(&remembered))];
    answered(async || store.restore(back.clone()).await).await;
    assert_eq!(kept(&store).await, said, "the older one came back");
    assert!(!said.value);

    // The same in the memory of a replica, in whatever order it hears of them.
    for order in [[&remembered, &said], [&said, &remembered]] {
        let memory = Conditions::default();
        for setting in order {
            memory.apply(setting);
        }
        assert_eq!(memory.get(&said.name), Some(Arc::clone(&said)));
    }

    // A clock that is behind says nothing either.
    let behind = setting(
        "incident",
        true,
        now().minus(std::time::Duration::from_hours(1)),
    );
    store.set_condition(behind).await.unwrap();
    let last = kept(&store).await;
    assert!(last.value && last.replaces(&said), "{last:?}");
}
