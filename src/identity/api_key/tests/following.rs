use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::identity::api_key::ApiKeys;
use crate::model::time::Timestamp;
use crate::store::{ApiKeyRecord, Store, StoreSettings};

fn record(id: &str) -> ApiKeyRecord {
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
        created: Timestamp::from_seconds(0),
        expires: Timestamp::from_seconds(100),
        revoked: None,
        reason: None,
        last_used: None,
    }
}

#[tokio::test]
async fn the_table_follows_the_store_within_a_second_and_ages_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = Store::open(&StoreSettings::in_file(file.clone())).unwrap();
    let now = Timestamp::from_seconds(1);
    let (keys, task) = ApiKeys::following(store.clone());
    assert!(!keys.is_loaded());
    let stop = CancellationToken::new();
    let task = tokio::spawn(task.run(stop.clone(), |_| ()));
    let until = async |what: &str, done: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !done() {
            assert!(started.elapsed() < Duration::from_secs(20), "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until("loaded", &|| keys.is_loaded()).await;
    store.put_api_key(record("one"), now).await.unwrap();
    until("issued", &|| keys.live(now) == 1).await;
    store.revoke_api_key("one", now, None).await.unwrap();
    until("revoked", &|| keys.live(now) == 0).await;

    // Without its file the store fails, and the table is not the store's any more.
    std::fs::rename(&file, folder.path().join("away.db")).unwrap();
    let second = Duration::from_secs(1);
    until("old", &|| keys.age(Instant::now()).unwrap() > second).await;
    std::fs::rename(folder.path().join("away.db"), &file).unwrap();
    until("back", &|| keys.age(Instant::now()).unwrap() < second).await;
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn what_was_used_is_written_at_the_end_too() {
    let store = Store::open(&StoreSettings::in_memory()).unwrap();
    let now = Timestamp::from_seconds(1);
    store.put_api_key(record("one"), now).await.unwrap();
    let (_, task) = ApiKeys::following(store.clone());
    let stop = CancellationToken::new();
    let ending = stop.clone();
    // The end comes with the first look, when no write is due.
    let looked = move |keys: &ApiKeys| {
        let table = keys.fresh(Instant::now()).unwrap();
        keys.note(&table["one"], now);
        ending.cancel();
    };
    task.run(stop, looked).await;
    let kept = store.api_keys().await.unwrap().keys;
    assert_eq!(kept[0].last_used, Some(now));
}
