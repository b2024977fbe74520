//! A server that has lost its last moments, until they are given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::model::change::{Change, Position};
use countersign::store::{ApiKeyRecord, Consumed, Loss, Put, ReplicaReport, Revoked, StoreError};
use serde_json::json;

use super::stores::{answered, consume, fresh, open, settled};
use crate::harness::SOON;
use crate::harness::valkey::{Fsync, Line, Valkey};
use crate::state::fixtures::{now, revocation, subject};

/// One that knows nothing yet must not take for everything what is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_while_the_store_is_refilled_waits() {
    let valkey = Valkey::start(Fsync::Never);
    let store = open(&json!({ "url": valkey.url() }));
    settled(&store).await;
    let entry = revocation(subject("alice"), now());
    store.revoke(vec![entry.clone()]).await.unwrap();
    valkey.wipe();
    let comes = open(&json!({ "url": valkey.url() }));
    let mut follower = comes.follow();
    assert_eq!(follower.next().await.unwrap_err(), StoreError::Settling);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let known = vec![Change::Revocation(Arc::new(entry))];
    answered(async || store.restore(known.clone()).await).await;
    let batch = answered(async || follower.next().await).await;
    assert_eq!(batch.whole, Some(Loss::None));
    let changes: Vec<_> = batch.changes.into_iter().map(|(it, _)| it).collect();
    assert_eq!(changes, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_used_up_and_nobody_comes_while_somebody_gives_back() {
    let valkey = Valkey::start(Fsync::Never);
    let times = json!({ "connect": "100ms", "command": "500ms" });
    let store = open(&json!({ "url": valkey.url(), "timeouts": times }));
    let mut late = store.follow();
    let come = Instant::now();
    // Longer than a server needs to settle to which nobody gives anything back.
    while come.elapsed() < Duration::from_secs(4) {
        store.restore(Vec::new()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(consume(&store, fresh()).await, Err(StoreError::Settling));
        assert_eq!(late.next().await.unwrap_err(), StoreError::Settling);
    }
    settled(&store).await;
    late.next().await.unwrap();
    // Nobody can hold the others up for ever.
    valkey.ask(&["HINCRBY", "{countersign}:meta", "came", "-60000"]);
    store.restore(Vec::new()).await.unwrap();
    assert_eq!(consume(&store, fresh()).await, Ok(Consumed::Fresh));
}

fn key(id: &str) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.to_owned(),
        provider: "partners".to_owned(),
        identity: id.to_owned(),
        owner: "team@example.com".to_owned(),
        kind: "service".to_owned(),
        groups: Vec::new(),
        scope: Vec::new(),
        networks: Vec::new(),
        digest: [7; 32],
        created: now(),
        expires: now().plus(SOON),
        revoked: None,
        reason: None,
        last_used: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_changes_of_keys_on_another_server_are_others() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    let line = Line::to(first.address());
    let store = open(&json!({ "url": format!("redis://{}", line.address()) }));
    for id in ["one", "two"] {
        assert_eq!(store.put_api_key(key(id), now()).await, Ok(Put::Stored));
    }
    second.follow(&first);
    second.promote();
    let revoke = async |id| store.revoke_api_key(id, now(), None).await;
    assert_eq!(revoke("one").await, Ok(Revoked::Now));
    let lost = store.version().await.unwrap();
    assert_eq!(store.version().await.unwrap(), lost);
    line.lead_to(second.address());
    first.kill();
    answered(async || store.version().await).await;
    assert_eq!(revoke("two").await, Ok(Revoked::Now));
    assert_ne!(store.version().await.unwrap(), lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_replica_counts_as_long_as_it_may_decide() {
    let valkey = Valkey::start(Fsync::Never);
    let store = open(&json!({ "url": valkey.url() }));
    let position = Position {
        generation: "g".into(),
        seq: 1,
    };
    let report = ReplicaReport {
        name: "b".into(),
        position,
        at: now(),
    };
    for (minutes, counts) in [(5, true), (6, false)] {
        store.report(report.clone()).await.unwrap();
        let heard = now().minus(Duration::from_mins(minutes)).millis();
        let text = format!("{heard} {} 1 g", report.at.millis());
        valkey.ask(&["HSET", "{countersign}:replicas", "b", &text]);
        let listed = store.replicas().await.unwrap();
        assert_eq!(listed.len(), usize::from(counts), "{minutes} minutes");
    }
}
