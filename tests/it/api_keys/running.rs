//! Keys that change while a server runs on the same store.

use std::time::{Duration, Instant};

use super::{id_of, issue, keys, listed, setup, verdict, with_key};
use crate::harness::{SOON, Server, eventually_async};

/// How long a change may take to count. The promise is a second; the rest is for a machine that is busy with tests.
const COUNTS: Duration = Duration::from_secs(3);

/// Waits until a key gets this verdict, and says how long that took.
async fn until(server: &Server, key: &str, expected: &str) -> Duration {
    let started = Instant::now();
    let found = async || (verdict(server, &with_key(key)).await == expected).then_some(());
    eventually_async(SOON, expected, found).await;
    started.elapsed()
}

#[tokio::test]
async fn what_is_issued_and_revoked_counts_in_a_running_server() {
    let server = setup().start();
    let key = issue(&server.setup, "billing-sync", &[]);
    let counts = until(&server, &key, "allow").await;
    assert!(counts < COUNTS, "issued: {counts:?}");
    let revoked = keys(&server.setup, &["revoke", id_of(&key)]);
    assert_eq!(revoked.exit, 0, "{revoked:?}");
    let counts = until(&server, &key, "401 api_key_revoked").await;
    assert!(counts < COUNTS, "revoked: {counts:?}");
    eprintln!("a revocation counted after {counts:?}");
}

#[tokio::test]
async fn a_key_stays_revoked_where_the_store_loses_that_it_was() {
    let server = setup().start();
    let (revoked, other) = (
        issue(&server.setup, "billing-sync", &[]),
        issue(&server.setup, "billing-other", &[]),
    );
    until(&server, &revoked, "allow").await;
    let reason = ["--reason", "leaked"];
    let ran = keys(
        &server.setup,
        &[&["revoke", id_of(&revoked)], &reason[..]].concat(),
    );
    assert_eq!(ran.exit, 0, "{ran:?}");
    until(&server, &revoked, "401 api_key_revoked").await;

    let file = rusqlite::Connection::open(server.setup.path("state.db")).unwrap();
    file.busy_timeout(SOON).unwrap();
    let lost = "UPDATE api_keys SET revoked = NULL, reason = NULL WHERE id = ?1";
    assert_eq!(file.execute(lost, [id_of(&revoked)]), Ok(1));
    // The server has read the table again when it knows this one.
    let third = issue(&server.setup, "billing-third", &[]);
    until(&server, &third, "allow").await;
    assert_eq!(
        server.count("countersign_api_keys_live"),
        3,
        "it looks live"
    );
    let said = verdict(&server, &with_key(&revoked)).await;
    assert_eq!(said, "401 api_key_revoked");
    assert_eq!(verdict(&server, &with_key(&other)).await, "allow");
    let entry: String = file
        .query_row("SELECT record FROM revocations", [], |row| row.get(0))
        .unwrap();
    assert!(entry.contains("leaked"), "{entry}");
    let ends = "SELECT expires - (SELECT expires FROM api_keys WHERE id = value) FROM revocations";
    let after: i64 = file.query_row(ends, [], |row| row.get(0)).unwrap();
    assert_eq!(after, 24 * 60 * 60 * 1000, "nobody remembers it for ever");
}

#[tokio::test]
async fn a_rotated_key_works_through_its_overlap_and_an_expired_one_does_not() {
    let setup = setup();
    let short = issue(&setup, "billing-short", &["--expires", "1s"]);
    let old = issue(&setup, "billing-sync", &[]);
    let server = setup.start();
    let new = keys(&server.setup, &["rotate", id_of(&old), "--overlap", "3s"]);
    let new = new.stdout.trim_end().to_owned();
    until(&server, &new, "allow").await;
    assert_eq!(verdict(&server, &with_key(&old)).await, "allow");
    until(&server, &old, "401 api_key_expired").await;
    assert_eq!(verdict(&server, &with_key(&new)).await, "allow");
    assert_eq!(
        verdict(&server, &with_key(&short)).await,
        "401 api_key_expired"
    );
}

#[tokio::test]
async fn the_last_use_is_kept_and_the_table_is_measured() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    let unused = issue(&setup, "billing-unused", &[]);
    let server = setup.start();
    assert_eq!(verdict(&server, &with_key(&key)).await, "allow");
    eventually_async(SOON, "a last use", async || {
        let all = listed(&server.setup);
        let used = |key: &str| {
            let shown = all.iter().find(|it| it["id"] == id_of(key)).unwrap();
            shown["last_used"].is_string()
        };
        assert!(!used(&unused));
        used(&key).then_some(())
    })
    .await;
    assert!((server.metric("countersign_api_keys_live") - 2.0).abs() < f64::EPSILON);
    assert!(server.metric("countersign_api_keys_age_seconds") < 5.0);
}

#[tokio::test]
async fn a_use_just_before_the_end_is_kept_too() {
    let setup = setup();
    let first = issue(&setup, "billing-first", &[]);
    let last = issue(&setup, "billing-last", &[]);
    let mut server = setup.start();
    let is_used = |server: &Server, key: &str| {
        let all = listed(&server.setup);
        let shown = all.iter().find(|it| it["id"] == id_of(key)).unwrap();
        shown["last_used"].is_string()
    };
    assert_eq!(verdict(&server, &with_key(&first)).await, "allow");
    // Right after a write the next one is a second away.
    eventually_async(SOON, "a write", async || {
        is_used(&server, &first).then_some(())
    })
    .await;
    assert_eq!(verdict(&server, &with_key(&last)).await, "allow");
    server.signal("TERM");
    assert!(server.wait(SOON).success());
    assert!(is_used(&server, &last));
}
