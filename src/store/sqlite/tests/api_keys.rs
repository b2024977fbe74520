use super::{at, key, memory};
use crate::model::time::Timestamp;
use crate::store::sqlite::Sqlite as Store;
use crate::store::sqlite::writer::Access;
use crate::store::{ApiKeyRecord, Put, Revoked, Rotated, StoreSettings, StoredKeys};

fn record(id: &str, identity: &str) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.to_owned(),
        provider: "partners".to_owned(),
        identity: identity.to_owned(),
        owner: "team@example.com".to_owned(),
        kind: "service".to_owned(),
        groups: vec!["billing".to_owned(), "sync, \"quoted\"".to_owned()],
        scope: vec!["a".to_owned()],
        networks: vec!["10.0.0.0/8".to_owned()],
        digest: key(7),
        created: at(0),
        expires: at(100),
        revoked: None,
        reason: None,
        last_used: None,
    }
}

#[tokio::test]
async fn a_key_is_kept_as_it_was_put() {
    let store = memory();
    let record = record("id1", "bot");
    assert_eq!(
        store.put_api_key(record.clone(), at(0)).await,
        Ok(Put::Stored)
    );
    assert_eq!(
        store.put_api_key(record.clone(), at(0)).await,
        Ok(Put::Taken)
    );
    assert_eq!(store.api_keys().await.unwrap().keys, [record]);
}

#[tokio::test]
async fn an_identity_has_two_live_keys_and_no_third() {
    let store = memory();
    store
        .put_api_key(record("id1", "bot"), at(0))
        .await
        .unwrap();
    store
        .put_api_key(record("id2", "bot"), at(0))
        .await
        .unwrap();
    assert_eq!(
        store.put_api_key(record("id3", "bot"), at(0)).await,
        Ok(Put::TooManyLive)
    );
    assert_eq!(
        store.put_api_key(record("id3", "other"), at(0)).await,
        Ok(Put::Stored)
    );
    assert_eq!(
        store
            .revoke_api_key("id1", at(5), Some("leaked".into()))
            .await,
        Ok(Revoked::Now)
    );
    assert_eq!(
        store.put_api_key(record("id4", "bot"), at(6)).await,
        Ok(Put::Stored)
    );
    assert_eq!(
        store.put_api_key(record("id5", "bot"), at(6)).await,
        Ok(Put::TooManyLive)
    );
    assert_eq!(
        store.put_api_key(record("id5", "bot"), at(100)).await,
        Ok(Put::Stored),
        "expired"
    );
}

#[tokio::test]
async fn a_rotation_is_whole_or_nothing() {
    let store = memory();
    store
        .put_api_key(record("old", "bot"), at(0))
        .await
        .unwrap();
    let rotate = |old: &str, new: &str, ends: Timestamp| {
        store.rotate_api_key(old.to_owned(), ends, record(new, "bot"), at(10))
    };
    assert_eq!(rotate("none", "new", at(20)).await, Ok(Rotated::NotLive));
    assert_eq!(
        rotate("old", "old", at(20)).await,
        Ok(Rotated::Refused(Put::Taken))
    );
    assert_eq!(rotate("old", "new", at(20)).await, Ok(Rotated::Stored));
    assert_eq!(
        rotate("old", "third", at(11)).await,
        Ok(Rotated::Refused(Put::TooManyLive))
    );
    let keys = store.api_keys().await.unwrap().keys;
    let ends: Vec<_> = keys
        .iter()
        .map(|key| (key.id.as_str(), key.expires))
        .collect();
    assert_eq!(ends, [("new", at(100)), ("old", at(20))]);
    // An overlap never makes a key live longer.
    let late = store.rotate_api_key("new".into(), at(999), record("third", "bot"), at(30));
    assert_eq!(late.await, Ok(Rotated::Stored));
    let keys = store.api_keys().await.unwrap().keys;
    assert!(keys.iter().all(|key| key.expires <= at(100)));
}

#[tokio::test]
async fn a_revocation_is_final_and_keeps_its_moment() {
    let store = memory();
    store
        .put_api_key(record("id1", "bot"), at(0))
        .await
        .unwrap();
    assert_eq!(
        store.revoke_api_key("none", at(5), None).await,
        Ok(Revoked::Unknown)
    );
    assert_eq!(
        store
            .revoke_api_key("id1", at(5), Some("leaked".into()))
            .await,
        Ok(Revoked::Now)
    );
    assert_eq!(
        store.revoke_api_key("id1", at(9), None).await,
        Ok(Revoked::Before(at(5)))
    );
    let kept = &store.api_keys().await.unwrap().keys[0];
    assert_eq!(
        (kept.revoked, kept.reason.as_deref()),
        (Some(at(5)), Some("leaked"))
    );
}

#[tokio::test]
async fn the_version_tells_changes_of_others_and_not_uses() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::in_file(folder.path().join("state.db"));
    let (server, command) = (
        Store::open(&settings).unwrap(),
        Store::open(&settings).unwrap(),
    );
    let mut known = server.version().await.unwrap();
    command
        .put_api_key(record("id1", "bot"), at(0))
        .await
        .unwrap();
    let mut changed = async |what: &str, expected: bool| {
        let version = server.version().await.unwrap();
        assert_eq!(version != known, expected, "{what}");
        known = version;
    };
    changed("issued", true).await;
    let used = vec![("id1".to_owned(), at(7)), ("none".to_owned(), at(7))];
    command.touch_api_keys(used).await.unwrap();
    command
        .touch_api_keys(vec![("id1".to_owned(), at(3))])
        .await
        .unwrap();
    command.consume(key(1), at(60), at(0)).await.unwrap();
    changed("used", false).await;
    let successor = record("id2", "bot");
    command
        .rotate_api_key("id1".into(), at(20), successor, at(10))
        .await
        .unwrap();
    changed("rotated", true).await;
    command.revoke_api_key("id1", at(11), None).await.unwrap();
    changed("revoked", true).await;
    command.revoke_api_key("id1", at(12), None).await.unwrap();
    changed("revoked again", false).await;
    assert_eq!(
        server.api_keys().await.unwrap().keys[0].last_used,
        Some(at(7))
    );
}

#[tokio::test]
async fn one_key_that_cannot_be_read_keeps_nobody_from_the_others() {
    let store = memory();
    for id in ["id1", "id2", "id3", "id4"] {
        store.put_api_key(record(id, id), at(0)).await.unwrap();
    }
    let broken = store.ask(Access::Write, |connection| {
        connection.execute_batch(
            "UPDATE api_keys SET groups = 'billing' WHERE id = 'id1';
             UPDATE api_keys SET networks = '[7]' WHERE id = 'id2';
             UPDATE api_keys SET digest = x'00' WHERE id = 'id3';",
        )
    });
    broken.await.unwrap();
    let StoredKeys { keys, unreadable } = store.api_keys().await.unwrap();
    assert_eq!(keys, [record("id4", "id4")]);
    assert_eq!(unreadable, ["id1", "id2", "id3"]);
    // It can still be ended for good.
    let revoked = store.revoke_api_key("id1", at(1), None).await;
    assert_eq!(revoked, Ok(Revoked::Now));
}
