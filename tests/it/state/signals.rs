//! Revocations, conditions, and what is restored after a loss.

use std::sync::Arc;
use std::time::Duration;

use countersign::model::approval::Status;
use countersign::model::change::Change;
use countersign::model::condition::ConditionSetting;
use countersign::model::revocation::Revocation;
use countersign::store::{Loss, Opened, Spent, Store};

use super::Place;
use super::fixtures::{
    LIMITS, MINUTE, approved, decision, ended, every_target, key, now, pending, revocation,
    setting, subject,
};

/// Everything that counts, as somebody sees it who follows from now on.
pub(crate) async fn whole(store: &Store) -> Vec<Change> {
    let batch = store.follow().next().await.unwrap();
    assert_eq!(batch.whole, Some(Loss::None));
    batch
        .changes
        .into_iter()
        .map(|(change, _)| change)
        .collect()
}

async fn conditions(store: &Store) -> Vec<ConditionSetting> {
    let only = |change| match change {
        Change::Condition(setting) => Some(ConditionSetting::clone(&setting)),
        Change::Approval(_) | Change::Revocation(_) => None,
    };
    whole(store).await.into_iter().filter_map(only).collect()
}

pub(crate) async fn revocations_merge_in_any_order(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let mut expected = Vec::new();
    for target in every_target() {
        let at = |minutes: u32| now.plus(minutes * MINUTE);
        let entries = [
            revocation(target.clone(), at(3)),
            Revocation {
                blocked: Some(at(5)),
                ..revocation(target.clone(), at(1))
            },
            Revocation {
                lifted: Some(at(4)),
                reason: "found".into(),
                ..revocation(target.clone(), at(6))
            },
        ];
        let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
        let order = orders[expected.len() % 3];
        for index in order {
            store.revoke(vec![entries[index].clone()]).await.unwrap();
        }
        let again = store.revoke(entries.to_vec()).await.unwrap();
        let [a, b, c] = entries;
        expected.push(a.merge(b).merge(c));
        // What adds nothing is acknowledged, and is no change.
        let same = store.revoke(expected.clone()).await.unwrap();
        assert_eq!(same.position, again.position);
    }
    let sorted = |mut entries: Vec<Revocation>| {
        entries.sort_by(|a, b| a.target.cmp(&b.target));
        entries
    };
    let read = place.open().await.revocations().await.unwrap();
    assert_eq!(sorted(read), sorted(expected));
}

pub(crate) async fn a_revocation_that_expired_is_forgotten(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let lasting = revocation(subject("alice"), now);
    let short = Revocation {
        expires: Some(now.plus(Duration::from_millis(300))),
        ..revocation(subject("bob"), now)
    };
    store.revoke(vec![lasting.clone(), short]).await.unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while store.revocations().await.unwrap().len() > 1 {
        assert!(std::time::Instant::now() < until, "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let kept = store.revocations().await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&lasting));
    // It is out of sight, and there is still a way back: the clock may be wrong.
    let kept = whole(&store).await;
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.contains(&Change::Revocation(Arc::new(lasting))));
}

pub(crate) async fn the_newest_setting_counts(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let mut positions = Vec::new();
    for (value, minutes) in [(true, 2), (false, 1), (true, 0)] {
        let next = setting("incident", value, now.plus(minutes * MINUTE));
        let done = store.set_condition(next).await.unwrap();
        positions.push(done.position.seq);
    }
    store
        .set_condition(setting("freeze", true, now))
        .await
        .unwrap();
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    let mut read = conditions(&place.open().await).await;
    read.sort_by(|a, b| a.name.cmp(&b.name));
    let said = |it: &ConditionSetting| (it.name.to_string(), it.version, it.value);
    let read: Vec<_> = read.iter().map(said).collect();
    let expected = [
        ("freeze".to_owned(), 1, true),
        ("incident".to_owned(), 3, true),
    ];
    assert_eq!(read, expected);
}

pub(crate) async fn what_was_so_earlier_does_not_undo_what_is_so_later(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let advance = async |value, minutes: u32| {
        let next = setting("incident", value, now.plus(minutes * MINUTE));
        store.advance_condition(next).await.unwrap().is_some()
    };
    assert!(advance(true, 2).await);
    assert!(!advance(false, 1).await, "it came too late");
    assert!(conditions(&store).await[0].value);
    assert!(advance(false, 2).await, "of one moment the last counts");
    assert!(advance(true, 3).await);
    assert!(conditions(&place.open().await).await[0].value);
}

pub(crate) async fn restoring_never_lowers_anything(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let open = async |number| {
        let new = pending("alice", key(number), now);
        match store.open_approval(new, LIMITS, now).await.unwrap() {
            Opened::New(it) => it,
            other => panic!("{other:?}"),
        }
    };
    // Known to the store in an older and in a newer version, and not at all.
    let (older, newer) = (open(1).await, open(2).await);
    let ahead = approved(&older, "bob", 1, now);
    let end = ended(&newer, Status::Denied, now);
    store.change_approval(1, end.clone()).await.unwrap();
    let unknown = approved(&pending("dora", key(3), now), "bob", 1, now);
    let held = revocation(subject("alice"), now.plus(MINUTE));
    store.revoke(vec![held.clone()]).await.unwrap();
    let more = Revocation {
        blocked: Some(now),
        ..revocation(subject("alice"), now)
    };
    store
        .set_condition(setting("incident", true, now))
        .await
        .unwrap();
    store
        .set_condition(setting("incident", false, now))
        .await
        .unwrap();
    let stale = ConditionSetting {
        // A version says nothing where a store began anew.
        version: 9,
        ..setting("incident", true, now.minus(MINUTE))
    };
    let memory = vec![
        Change::Approval(Arc::new(ahead.clone())),
        Change::Approval(newer),
        Change::Approval(Arc::new(unknown.clone())),
        Change::Revocation(Arc::new(more.clone())),
        Change::Condition(Arc::new(stale)),
    ];
    store.restore(memory.clone()).await.unwrap();
    store.restore(memory).await.unwrap();
    for expected in [&ahead, &end, &unknown] {
        let read = store.approval(&expected.id).await.unwrap();
        assert_eq!(read.as_deref(), Some(expected));
    }
    assert_eq!(store.revocations().await.unwrap(), [held.merge(more)]);
    let incident = &conditions(&store).await[0];
    assert_eq!((incident.version, incident.value), (2, false));
    uses_of_both_sides_count(&store).await;
}

/// Two servers each took a use of the same approval, because one did not know of the other's.
async fn uses_of_both_sides_count(store: &Store) {
    let now = now();
    let new = pending("eve", key(7), now);
    store.open_approval(new.clone(), LIMITS, now).await.unwrap();
    let known = approved(&new, "bob", 2, now);
    store.change_approval(1, known.clone()).await.unwrap();
    let here = store
        .spend_approval(&known.id, 1, u32::MAX, &decision(1), now)
        .await;
    assert!(matches!(here, Ok(Spent::Done(_))), "{here:?}");
    let mut there = known.clone();
    there.version = 3;
    there.spent.push(countersign::model::approval::Spending {
        decision: decision(2),
        at: now,
    });
    let change = Change::Approval(Arc::new(there));
    store.restore(vec![change]).await.unwrap();
    let read = store.approval(&known.id).await.unwrap().unwrap();
    assert_eq!((read.status, read.spent.len()), (Status::Consumed, 2));
    assert!(read.version > 3, "everybody takes it over");
}
