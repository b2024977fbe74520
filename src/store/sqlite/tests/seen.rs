use std::collections::BTreeMap;

use super::{at, memory};
use crate::store::sqlite::Sqlite as Store;
use crate::store::sqlite::writer::Access;
use crate::store::{MAX_SEEN, SeenRecord};

fn seen(id: &str, moment: i64, warned: &[&str]) -> SeenRecord {
    SeenRecord {
        issuer: "corp".to_owned(),
        id: id.to_owned(),
        kind: "agent".to_owned(),
        owner: None,
        registered: false,
        first_seen: at(moment),
        last_seen: at(moment),
        warned: warned
            .iter()
            .map(|what| ((*what).to_owned(), at(moment)))
            .collect(),
    }
}

#[tokio::test]
async fn sightings_are_merged_in_whatever_order_they_come() {
    let owned = SeenRecord {
        owner: Some("team@example.com".to_owned()),
        ..seen("bot", 9, &["expired"])
    };
    let listed = SeenRecord {
        registered: true,
        ..seen("bot", 5, &["expired", "unregistered"])
    };
    let sightings = [listed, owned, seen("bot", 7, &[])];
    let expected = SeenRecord {
        registered: true,
        first_seen: at(5),
        last_seen: at(9),
        warned: BTreeMap::from([
            ("expired".to_owned(), at(9)),
            ("unregistered".to_owned(), at(5)),
        ]),
        ..sightings[1].clone()
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let store = memory();
        for index in order {
            store
                .note_seen(vec![sightings[index].clone()])
                .await
                .unwrap();
        }
        store
            .note_seen(vec![seen("another", 1, &[])])
            .await
            .unwrap();
        assert_eq!(
            store.seen().await.unwrap(),
            [seen("another", 1, &[]), expected.clone()]
        );
    }
}

/// Fills the table with made-up identities of one kind, each seen a second later than the one before.
async fn fill(store: &Store, kind: &'static str, count: u64) {
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO seen (issuer, id, kind, owner, first_seen, last_seen, warned) SELECT 'corp', '{kind}-' || printf('%06d', i), '{kind}', NULL, i * 1000, i * 1000, '{{}}' FROM n"
    );
    let filled = store.ask(Access::Write, move |connection| {
        connection.execute_batch(&sql)
    });
    filled.await.unwrap();
}

#[tokio::test]
async fn a_full_table_forgets_the_oldest_people_first() {
    let store = memory();
    fill(&store, "agent", 10).await;
    fill(&store, "human", MAX_SEEN - 10).await;
    assert_eq!(store.note_seen(vec![seen("bot", 1, &[])]).await.unwrap(), 0);
    let kept = store.seen().await.unwrap();
    let is_kept = |id: &str| kept.iter().any(|record| record.id == id);
    assert!(is_kept("bot") && is_kept("agent-000001"));
    assert!(!is_kept("human-000001") && is_kept(&format!("human-{:06}", MAX_SEEN - 10)));
    assert!(u64::try_from(kept.len()).unwrap() < MAX_SEEN);
}

#[tokio::test]
async fn what_is_not_human_is_never_forgotten() {
    let store = memory();
    fill(&store, "agent", MAX_SEEN).await;
    let sightings = vec![seen("bot", 1, &[]), seen("agent-000001", 2_000_000, &[])];
    assert_eq!(
        store.note_seen(sightings).await.unwrap(),
        1,
        "no room for the new one"
    );
    let kept = store.seen().await.unwrap();
    assert_eq!(u64::try_from(kept.len()).unwrap(), MAX_SEEN);
    assert_eq!(
        kept[0].last_seen,
        at(2_000_000),
        "who is known is still noted"
    );
}

#[tokio::test]
async fn an_owner_who_is_gone_is_remembered() {
    let store = memory();
    let owned = SeenRecord {
        owner: Some("alice".to_owned()),
        ..seen("bot", 1, &[])
    };
    store.note_seen(vec![owned]).await.unwrap();
    store.note_seen(vec![seen("bot", 2, &[])]).await.unwrap();
    let kept = store.seen().await.unwrap();
    assert_eq!(kept[0].owner.as_deref(), Some("alice"));
}
