use std::sync::Arc;

use super::{at, key, memory};
use crate::store::sqlite::Sqlite as Store;
use crate::store::sqlite::writer::Access;
use crate::store::{Consumed, OneUse, StoreError, StoreSettings, UsedUp};

#[tokio::test]
async fn once_is_once_until_it_expires() {
    let store = memory();
    assert_eq!(
        store.consume(key(1), at(60), at(0)).await,
        Ok(Consumed::Fresh)
    );
    assert_eq!(
        store.consume(key(1), at(60), at(0)).await,
        Ok(Consumed::Seen)
    );
    assert_eq!(
        store.consume(key(1), at(99), at(60)).await,
        Ok(Consumed::Seen),
        "its last moment"
    );
    assert_eq!(
        store.consume(key(2), at(60), at(0)).await,
        Ok(Consumed::Fresh)
    );
    assert_eq!(
        store.consume(key(1), at(120), at(61)).await,
        Ok(Consumed::Fresh)
    );
    assert_eq!(
        store.consume(key(1), at(120), at(61)).await,
        Ok(Consumed::Seen)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_calls_one_is_fresh_also_from_two_connections_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::in_file(folder.path().join("state.db"));
    let stores: Vec<Store> = (0..2).map(|_| Store::open(&settings).unwrap()).collect();
    for number in 0..40 {
        let calls: Vec<_> = (0..8)
            .map(|call: usize| {
                let store = stores[call % 2].clone();
                tokio::spawn(async move { store.consume(key(number), at(60), at(0)).await })
            })
            .collect();
        let mut fresh = 0;
        for call in calls {
            match call.await.unwrap().unwrap() {
                Consumed::Fresh => fresh += 1,
                Consumed::Seen => {}
                Consumed::Full => panic!("full"),
            }
        }
        assert_eq!(fresh, 1, "of key {number}");
    }
}

#[tokio::test]
async fn full_of_live_entries_is_full_and_never_forgets() {
    let store = Store::open(&StoreSettings::in_memory().max_replay(3)).unwrap();
    for number in 0..3 {
        let until = at(60 + i64::try_from(number).unwrap());
        assert_eq!(
            store.consume(key(number), until, at(0)).await,
            Ok(Consumed::Fresh)
        );
    }
    assert_eq!(
        store.consume(key(9), at(60), at(0)).await,
        Ok(Consumed::Full)
    );
    assert_eq!(
        store.consume(key(9), at(60), at(60)).await,
        Ok(Consumed::Full)
    );
    for number in 0..3 {
        assert_eq!(
            store.consume(key(number), at(60), at(0)).await,
            Ok(Consumed::Seen)
        );
    }
    // The first of them has expired.
    assert_eq!(
        store.consume(key(9), at(99), at(61)).await,
        Ok(Consumed::Fresh)
    );
    assert_eq!(
        store.consume(key(10), at(99), at(61)).await,
        Ok(Consumed::Full)
    );
}

#[tokio::test]
async fn what_expired_is_swept_faster_than_it_comes_and_the_count_stays_exact() {
    let store = memory();
    for number in 0..100 {
        store.consume(key(number), at(10), at(0)).await.unwrap();
    }
    for number in 100..150 {
        assert_eq!(
            store.consume(key(number), at(99), at(50)).await,
            Ok(Consumed::Fresh)
        );
    }
    assert_eq!(entries(&store).await, (50, 50));
    // One that expired and comes again is one entry.
    store.consume(key(100), at(200), at(100)).await.unwrap();
    let (counted, there) = entries(&store).await;
    assert_eq!(counted, there);
}

/// The count that is kept, and what is there.
async fn entries(store: &Store) -> (u64, u64) {
    store
        .ask(super::super::writer::Access::Read, |connection| {
            connection.query_row(
                "SELECT value, (SELECT count(*) FROM replay) FROM counts WHERE name = 'replay'",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_full_queue_and_a_slow_store_are_errors_and_a_failing_operation_fails_alone() {
    use super::super::writer::Access;

    let store = Arc::new(memory());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (start, running) = tokio::sync::oneshot::channel();
    let blocked = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .ask(Access::Read, move |_| {
                    start.send(()).unwrap();
                    let _released = held.recv();
                    Ok(())
                })
                .await
        })
    };
    // Alone: what comes now is not done together with it.
    running.await.unwrap();
    let waiting: Vec<_> = (0..5000)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.consume(key(number), at(60), at(0)).await })
        })
        .collect();
    let mut busy = 0;
    let mut late = 0;
    for call in waiting {
        match call.await.unwrap() {
            Err(StoreError::Busy) => busy += 1,
            Err(StoreError::Late) => late += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(busy > 0 && late > 0, "{busy} busy, {late} late");
    assert_eq!(blocked.await.unwrap(), Err(StoreError::Late));
    release.send(()).unwrap();
    // What nobody waited for was not done.
    let outcome = loop {
        match store.consume(key(0), at(60), at(0)).await {
            Err(StoreError::Busy) => tokio::task::yield_now().await,
            outcome => break outcome,
        }
    };
    assert_eq!(outcome, Ok(Consumed::Fresh));

    let wrong = store.ask(Access::Write, |connection| {
        connection.execute("INSERT INTO replay VALUES (x'00', 1)", [])?;
        connection.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    let (wrong, right) = tokio::join!(wrong, store.consume(key(7), at(60), at(0)));
    assert!(matches!(wrong, Err(StoreError::Failed(_))), "{wrong:?}");
    assert_eq!(right, Ok(Consumed::Fresh));
    assert_eq!(
        entries(&store).await,
        (2, 2),
        "nothing is left of what failed"
    );
}

#[tokio::test]
async fn an_approval_is_used_up_through_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::in_file(folder.path().join("state.db"));
    let store = Store::open(&settings).unwrap();
    // How far the last commit reached: 1 is to the system, 2 is to the disk.
    let reached = async || {
        let level = store.ask(Access::Read, |connection| {
            connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))
        });
        level.await.unwrap()
    };
    let far = at(4_000_000_000);
    let proof = store.consume(key(1), far, at(0)).await;
    assert_eq!((proof, reached().await), (Ok(Consumed::Fresh), 1));
    let it = OneUse {
        key: key(2),
        issued: far,
        until: far,
    };
    let used = store.use_up(it, at(0)).await;
    assert_eq!((used, reached().await), (Ok(UsedUp::Now), 2));
}

#[tokio::test]
async fn claims_leave_half_of_the_room_to_proofs() {
    let store = Store::open(&StoreSettings::in_memory().max_replay(4)).unwrap();
    for (number, expected) in [
        (1, Consumed::Fresh),
        (1, Consumed::Seen),
        (2, Consumed::Fresh),
        (3, Consumed::Full),
    ] {
        assert_eq!(store.claim(key(number), at(60), at(0)).await, Ok(expected));
    }
    for (number, expected) in [
        (3, Consumed::Fresh),
        (4, Consumed::Fresh),
        (5, Consumed::Full),
    ] {
        assert_eq!(
            store.consume(key(number), at(60), at(0)).await,
            Ok(expected)
        );
    }
}

#[tokio::test]
async fn without_a_file_nothing_that_is_older_than_the_process_is_taken_for_unused() {
    let use_up = async |store: &Store, issued| {
        let it = OneUse {
            key: key(1),
            issued,
            until: at(4_000_000_000),
        };
        store.use_up(it, at(0)).await
    };
    let in_memory = memory();
    assert_eq!(
        use_up(&in_memory, at(1_700_000_000)).await,
        Ok(UsedUp::Unknown)
    );
    assert_eq!(use_up(&in_memory, at(4_000_000_000)).await, Ok(UsedUp::Now));
    // A file is there as long as what it has.
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::in_file(folder.path().join("state.db"));
    let in_file = Store::open(&settings).unwrap();
    assert_eq!(use_up(&in_file, at(1_700_000_000)).await, Ok(UsedUp::Now));
}
