//! Following what changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::model::approval::Status;
use countersign::model::change::{Change, Position};
use countersign::store::{Follower, Loss, ReplicaReport, Store};

use super::Place;
use super::fixtures::{
    LIMITS, approved, decision, ended, key, now, pending, revocation, setting, subject,
};
use super::signals::whole;

/// How long a change may take in a test that shares two cores with hundreds of others.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads on until `position` is reached; what changed.
async fn until(follower: &mut Follower, position: &Position) -> Vec<Change> {
    let end = Instant::now() + PATIENCE;
    let mut changes = Vec::new();
    loop {
        let batch = follower.next().await.unwrap();
        assert_eq!(batch.whole, None);
        changes.extend(batch.changes.into_iter().map(|(change, _)| change));
        if batch.position.has_seen(position) {
            return changes;
        }
        assert!(Instant::now() < end, "{} after {position}", batch.position);
    }
}

/// What the last change of anything left: one state of each.
async fn change_much(store: &Store) -> (Vec<Change>, Position) {
    let now = now();
    let new = pending("alice", key(1), now);
    store.open_approval(new.clone(), LIMITS, now).await.unwrap();
    let next = approved(&new, "bob", 2, now);
    store.change_approval(1, next.clone()).await.unwrap();
    store
        .spend_approval(&next.id, 1, u32::MAX, &decision(1), now)
        .await
        .unwrap();
    let entry = revocation(subject("alice"), now);
    store.revoke(vec![entry.clone()]).await.unwrap();
    let done = store
        .set_condition(setting("incident", true, now))
        .await
        .unwrap();
    let approval = store.approval(&next.id).await.unwrap().unwrap();
    let mut incident = setting("incident", true, now);
    incident.version = 1;
    let left = vec![
        Change::Approval(approval),
        Change::Revocation(Arc::new(entry)),
        Change::Condition(Arc::new(incident)),
    ];
    (left, done.position)
}

pub(crate) async fn two_followers_see_the_same(place: &impl Place) {
    let (here, there) = (place.open().await, place.open().await);
    let (mut near, mut far) = (here.follow(), there.follow());
    for follower in [&mut near, &mut far] {
        let first = follower.next().await.unwrap();
        assert_eq!((first.whole, first.changes.len()), (Some(Loss::None), 0));
    }
    let (left, position) = change_much(&here).await;
    for follower in [&mut near, &mut far] {
        let changes = until(follower, &position).await;
        for state in &left {
            assert!(changes.contains(state), "{state:?} in {changes:?}");
        }
    }
    // Many more than are read at once, from the other side.
    let now = now();
    let many: Vec<_> = (0..1500)
        .map(|number| revocation(subject(&format!("agent-{number}")), now))
        .collect();
    let done = there.revoke(many.clone()).await.unwrap();
    for follower in [&mut near, &mut far] {
        let changes = until(follower, &done.position).await;
        assert_eq!(changes.len(), many.len());
    }
    assert_eq!(whole(&here).await.len(), 3 + many.len());
}

pub(crate) async fn a_follower_that_comes_late_sees_everything_that_counts(place: &impl Place) {
    let store = place.open().await;
    let (left, position) = change_much(&store).await;
    let now = now();
    // One that was over long ago, and one that was denied just now.
    let past = now.minus(Duration::from_hours(2));
    let old = pending("alice", key(2), past);
    store
        .open_approval(old.clone(), LIMITS, past)
        .await
        .unwrap();
    let new = pending("alice", key(3), now);
    store.open_approval(new.clone(), LIMITS, now).await.unwrap();
    let no = ended(&new, Status::Denied, now);
    store.change_approval(1, no.clone()).await.unwrap();
    let changes = whole(&place.open().await).await;
    for state in &left {
        assert!(changes.contains(state), "{state:?} in {changes:?}");
    }
    assert!(changes.contains(&Change::Approval(Arc::new(no))));
    assert_eq!(changes.len(), left.len() + 1, "{changes:?}");
    let batch = store.follow().next().await.unwrap();
    assert!(batch.position.has_seen(&position));
    let moments = batch.changes.iter().map(|(_, at)| *at);
    for at in moments {
        let off = now.millis() - at.millis();
        assert!(off.abs() < 60_000, "{off} ms off");
    }
}

pub(crate) async fn an_idle_store_proves_that_it_can_be_written_to(place: &impl Place) {
    let store = place.open().await;
    let mut follower = store.follow();
    let started = Instant::now();
    let mut last = follower.next().await.unwrap().began.unwrap();
    assert!(last >= started);
    for _ in 0..3 {
        let batch = follower.next().await.unwrap();
        assert!(batch.changes.is_empty() && batch.whole.is_none());
        let began = batch.began.unwrap();
        assert!(began > last && began <= Instant::now());
        last = began;
    }
}

pub(crate) async fn replicas_say_how_far_they_are(place: &impl Place) {
    let store = place.open().await;
    let at = now();
    let report = |name: &str, seq| ReplicaReport {
        name: name.into(),
        position: Position {
            generation: "g".into(),
            seq,
        },
        at,
    };
    for (name, seq) in [("b", 1), ("a", 7), ("b", 9)] {
        store.report(report(name, seq)).await.unwrap();
    }
    let mut read = place.open().await.replicas().await.unwrap();
    read.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(read, [report("a", 7), report("b", 9)]);
    store.leave("a").await.unwrap();
    store.leave("nobody").await.unwrap();
    let read = place.open().await.replicas().await.unwrap();
    assert_eq!(read, [report("b", 9)], "one has left");
}
