use std::time::{Duration, Instant};

use super::{at, memory};
use crate::model::name::ProviderName;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;
use crate::store::sqlite::Sqlite as Store;
use crate::store::sqlite::writer::Access;

const MINUTE: Duration = Duration::from_mins(1);

/// Both clocks go on together for an hour, to `end`; the monotonic one then.
pub(super) async fn an_hour(store: &Store, end: Timestamp, from: Instant) -> Instant {
    for left in (0..=60).rev() {
        let at = from + (60 - left) * MINUTE;
        store.sweep(end.minus(left * MINUTE), at).await.unwrap();
    }
    from + 60 * MINUTE
}

/// How many there are, whatever any clock says.
async fn count(store: &Store) -> u64 {
    let counted = store.ask(Access::Read, |connection| {
        connection.query_row("SELECT count(*) FROM revocations", [], |row| row.get(0))
    });
    counted.await.unwrap()
}

async fn with_one_until(end: Timestamp) -> Store {
    let store = memory();
    let corp = ProviderName::new("corp").unwrap();
    let entry = Revocation {
        target: Target::Subject(corp, "alice".into()),
        not_before: Some(at(0)),
        blocked: None,
        lifted: None,
        expires: Some(end),
        reason: "".into(),
        by: "ops".into(),
        at: at(0),
    };
    store.revoke(vec![entry]).await.unwrap();
    store
}

#[tokio::test]
async fn a_clock_that_jumps_forward_and_back_brings_no_credential_back() {
    let end = at(1_000_000);
    let store = with_one_until(end).await;
    let before = end.minus(Duration::from_hours(5));
    let mut monotonic = an_hour(&store, before, Instant::now()).await;
    // A year ahead for most of an hour, and then right again.
    let ahead = before.plus(Duration::from_hours(365 * 24));
    for minute in 1..60 {
        monotonic += MINUTE;
        store
            .sweep(ahead.plus(minute * MINUTE), monotonic)
            .await
            .unwrap();
        assert_eq!(count(&store).await, 1, "{minute} minutes after the jump");
    }
    monotonic += MINUTE;
    let right = before.plus(Duration::from_hours(1));
    monotonic = an_hour(&store, right.plus(Duration::from_hours(1)), monotonic).await;
    assert_eq!(count(&store).await, 1, "it can still bite");
    // More is written meanwhile: nothing goes with it.
    let again = store.revocations().await.unwrap();
    assert_eq!(again.len(), 0, "by the machine's own clock it is over");
    assert_eq!(count(&store).await, 1);
    // It goes when its time is over, and an hour more.
    monotonic = an_hour(&store, end.plus(30 * MINUTE), monotonic).await;
    assert_eq!(count(&store).await, 1);
    an_hour(&store, end.plus(Duration::from_hours(2)), monotonic).await;
    assert_eq!(count(&store).await, 0);
}

#[tokio::test]
async fn a_process_that_has_just_started_forgets_nothing() {
    let store = with_one_until(at(10)).await;
    let start = Instant::now();
    for minute in 0..59 {
        let now = at(1_000_000).plus(minute * MINUTE);
        store.sweep(now, start + minute * MINUTE).await.unwrap();
    }
    assert_eq!(count(&store).await, 1);
}
