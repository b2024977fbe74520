//! Another server takes over, which may lack the last moments; and what is said of a server that cannot be relied on.

use std::sync::Arc;
use std::time::Duration;

use countersign::model::approval::Approval;
use countersign::model::change::Change;
use countersign::store::{Consumed, Loss, Opened, Spent, Store, StoreError, Swapped};
use serde_json::{Value, json};

use super::stores::{consume, fresh, open, settled};
use crate::harness::valkey::{Fsync, Line, Login, Sentinel, Valkey};
use crate::harness::{Authority, SOON};
use crate::state::fixtures::{LIMITS, approved, decision, key, now, pending, revocation, subject};

async fn usable(store: &Store, number: u64) -> Approval {
    let now = now();
    let new = pending("alice", key(number), now);
    let opened = store.open_approval(new.clone(), LIMITS, now).await;
    assert!(matches!(opened, Ok(Opened::New(_))), "{opened:?}");
    let next = approved(&new, "bob", 1, now);
    let done = store.change_approval(1, next.clone()).await;
    assert!(matches!(done, Ok(Swapped::Done(_))), "{done:?}");
    next
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failover_loses_is_put_back_before_anything_is_used() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    let line = Line::to(first.address());
    let store = open(&json!({ "url": format!("redis://{}", line.address()) }));
    settled(&store).await;
    let approval = usable(&store, 1).await;
    second.follow(&first);
    // From here on the replica learns nothing.
    second.promote();
    let mut follower = store.follow();
    assert_eq!(follower.next().await.unwrap().whole, Some(Loss::None));
    let Ok(Spent::Done(spent)) = store
        .spend_approval(&approval.id, 1, u32::MAX, &decision(1), now())
        .await
    else {
        panic!("not spent");
    };
    let digest = fresh();
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Fresh));
    let entry = revocation(subject("alice"), now());
    store.revoke(vec![entry.clone()]).await.unwrap();

    line.lead_to(second.address());
    first.kill();
    let end = std::time::Instant::now() + SOON;
    let batch = loop {
        match follower.next().await {
            Ok(batch) if batch.whole.is_some() => break batch,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(
            std::time::Instant::now() < end,
            "the failover is not noticed"
        );
    };
    assert_eq!(batch.whole, Some(Loss::Possible));
    assert!(
        !batch
            .changes
            .iter()
            .any(|(change, _)| matches!(change, Change::Revocation(_)))
    );
    // The new primary believes that it is unused, and nobody may use it.
    let again = store
        .spend_approval(&approval.id, 1, u32::MAX, &decision(2), now())
        .await;
    assert_eq!(again, Err(StoreError::Settling));
    let known = vec![
        Change::Approval(Arc::clone(&spent)),
        Change::Revocation(Arc::new(entry.clone())),
    ];
    store.restore(known).await.unwrap();
    settled(&store).await;
    let again = store
        .spend_approval(&approval.id, 1, u32::MAX, &decision(2), now())
        .await;
    assert!(matches!(again, Ok(Spent::Gone(_))), "{again:?}");
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Seen));
    assert_eq!(store.revocations().await.unwrap(), [entry]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinel_says_who_is_the_primary() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    second.follow(&first);
    let sentinel = Sentinel::over(&first, 1);
    let nodes = ["127.0.0.1:1".to_owned(), sentinel.address().to_string()];
    let store = open(&json!({ "sentinel": { "master": "countersign", "nodes": nodes } }));
    settled(&store).await;
    let digest = fresh();
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Fresh));
    let secret = store.secret("nonce").await.unwrap();
    first.kill();
    assert!(store.version().await.is_err());
    settled(&store).await;
    assert_eq!(sentinel.primary(), second.address());
    assert_eq!(consume(&store, digest).await, Ok(Consumed::Seen));
    assert_eq!(store.secret("nonce").await, Ok(secret));
    let unknown = open(&json!({ "sentinel": { "master": "nobody", "nodes": [nodes[1]] } }));
    let said = unknown.version().await.unwrap_err().to_string();
    assert!(said.contains("no `nobody`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_last_waits_for_replicas() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    second.follow(&first);
    let store = open(&json!({ "url": first.url(), "min_replicas": 1, "wait": "2s" }));
    settled(&store).await;
    let (kept, lost) = (usable(&store, 1).await, usable(&store, 2).await);
    let spent = store
        .spend_approval(&kept.id, 1, u32::MAX, &decision(1), now())
        .await;
    assert!(matches!(spent, Ok(Spent::Done(_))), "{spent:?}");
    second.kill();
    let hurried = open(&json!({ "url": first.url(), "min_replicas": 1, "wait": "50ms" }));
    let spent = hurried
        .spend_approval(&lost.id, 1, u32::MAX, &decision(2), now())
        .await;
    let unconfirmed = StoreError::Unconfirmed {
        confirmed: 0,
        wanted: 1,
    };
    assert_eq!(spent, Err(unconfirmed.clone()));
    let entry = revocation(subject("alice"), now());
    assert_eq!(hurried.revoke(vec![entry]).await, Err(unconfirmed));
    // It is done all the same.
    let read = hurried.approval(&lost.id).await.unwrap().unwrap();
    assert_eq!(read.uses_left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_without_replicas_that_may_not_write_proves_nothing() {
    let lines = ["min-replicas-to-write 1", "min-replicas-max-lag 1"];
    let first = Valkey::with(Fsync::Never, None, &lines);
    let second = Valkey::start(Fsync::Never);
    second.follow(&first);
    let store = open(&json!({ "url": first.url() }));
    settled(&store).await;
    let mut follower = store.follow();
    follower.next().await.unwrap();
    second.kill();
    let end = std::time::Instant::now() + SOON;
    let error = loop {
        match follower.next().await {
            Err(error) => break error.to_string(),
            Ok(_) => assert!(std::time::Instant::now() < end, "it still proves something"),
        }
    };
    assert!(error.contains("NOREPLICAS"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_relied_on_is_refused_in_clear_words() {
    let error = async |valkey: Value| open(&valkey).version().await.unwrap_err().to_string();
    let forgetful = ["maxmemory 100mb", "maxmemory-policy allkeys-lru"];
    let forgetful = Valkey::with(Fsync::Never, None, &forgetful);
    let said = error(json!({ "url": forgetful.url() })).await;
    assert!(
        said.contains("allkeys-lru") && said.contains("noeviction"),
        "{said}"
    );
    let replica = Valkey::start(Fsync::Never);
    replica.follow(&Valkey::start(Fsync::Never));
    let said = error(json!({ "url": replica.url() })).await;
    assert!(said.contains("replica"), "{said}");
    let said = error(json!({ "url": "redis://127.0.0.1:1" })).await;
    assert!(
        said.contains("127.0.0.1:1") && said.contains("refused"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_passwords_are_checked_and_never_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let admin = Login {
        user: "default".to_owned(),
        password: "harness".to_owned(),
    };
    let user = "user app on >open-sesame resetkeys ~{countersign}:* resetchannels -@all +@read +@write +@scripting \
                +@transaction +@connection +info +time +wait";
    let lines = ["requirepass harness", user];
    let valkey = Valkey::with(Fsync::Never, Some(&admin), &lines);
    let settings = json!({ "url": valkey.url(), "username": "app", "password": { "file": file } });
    let store = open(&settings);
    std::fs::write(&file, "wrong-word\n").unwrap();
    let said = store.version().await.unwrap_err().to_string();
    assert!(said.contains("user or password"), "{said}");
    assert!(!said.contains("wrong-word"), "{said}");
    // The right one is read when it is there.
    std::fs::write(&file, "open-sesame\n").unwrap();
    settled(&store).await;
    assert_eq!(usable(&store, 1).await.uses_left(), 1);
    let mut follower = store.follow();
    for _ in 0..3 {
        follower.next().await.unwrap();
    }
    assert!(!format!("{store:?} {follower:?}").contains("open-sesame"));
    let elsewhere = json!({ "url": valkey.url(), "username": "app", "password": { "file": file }, "prefix": "other" });
    let said = open(&elsewhere).version().await.unwrap_err().to_string();
    assert!(said.contains("NOPERM"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_certificates_of_both_sides() {
    let (authority, stranger) = (Authority::new("stores"), Authority::new("strangers"));
    let valkey = Valkey::start(Fsync::Never);
    let trusted = authority.pem();
    let line = Line::tls(valkey.address(), &authority.local_server(), Some(&trusted));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let client = authority.client(&[], &["countersign"]);
    let (certificate, secret) = (
        write("c.pem", &client.certificate),
        write("c.key", &client.key),
    );
    let (ca, wrong) = (
        write("ca.pem", &trusted),
        write("wrong.pem", &stranger.pem()),
    );
    let url = format!("rediss://127.0.0.1:{}", line.address().port());
    let tls = |ca: &std::path::Path| json!({ "url": url, "tls": { "ca": ca, "certificate": certificate, "key": secret } });
    settled(&open(&tls(&ca))).await;
    let said = open(&tls(&wrong)).version().await.unwrap_err().to_string();
    assert!(said.contains("certificate"), "{said}");
    let bare = json!({ "url": url, "tls": { "ca": ca } });
    assert!(open(&bare).version().await.is_err());
    let plain = format!("redis://127.0.0.1:{}", line.address().port());
    assert!(open(&json!({ "url": plain })).version().await.is_err());
}
