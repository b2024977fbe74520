use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{at, key};
use crate::store::sqlite::{Sqlite as Store, schema};
use crate::store::{Consumed, StoreError, StoreSettings};

fn open(file: &Path) -> Result<Store, StoreError> {
    Store::open(&StoreSettings::in_file(file.to_owned()))
}

#[tokio::test]
async fn the_file_and_its_folder_are_made_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lib/countersign/state.db");
    let store = open(&file).unwrap();
    store.consume(key(1), at(60), at(0)).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        assert_eq!(mode(&file.with_file_name(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_is_kept_is_there_again_and_a_secret_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let first = open(&file).unwrap();
    let secret = first.secret("nonces").await.unwrap();
    assert_ne!(secret, first.secret("others").await.unwrap());
    assert_ne!(secret, [0; 32]);
    first.consume(key(1), at(60), at(0)).await.unwrap();
    // Another process meanwhile.
    let second = open(&file).unwrap();
    assert_eq!(second.secret("nonces").await.unwrap(), secret);
    drop((first, second));
    let again = open(&file).unwrap();
    assert_eq!(again.secret("nonces").await.unwrap(), secret);
    assert_eq!(
        again.consume(key(1), at(60), at(0)).await,
        Ok(Consumed::Seen)
    );
}

#[test]
fn files_that_are_something_else_stay_as_they_are_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let notes = "these are notes, and no database at all; ".repeat(20);
    fs::write(&file, &notes).unwrap();
    let error = open(&file).unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), notes);

    let file = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    assert!(matches!(open(&file), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read(&file).unwrap(), before);

    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[test]
fn a_newer_schema_is_refused_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    drop(open(&file).unwrap());
    let other = rusqlite::Connection::open(&file).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let error = open(&file).unwrap_err();
    let known = schema::KNOWN;
    assert_eq!(
        error,
        StoreError::Newer {
            file,
            found: 99,
            known
        }
    );
}

#[tokio::test]
async fn an_older_schema_becomes_todays_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(schema::STEPS[0]).unwrap();
    old.pragma_update(None, "application_id", schema::APPLICATION)
        .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute_batch(
        "INSERT INTO seen VALUES ('ci', 'gone', 'agent', 'alice', 1, 2, '{}'), ('ci', 'stranger', 'agent', NULL, 1, 2, '{}');",
    )
    .unwrap();
    drop(old);
    let seen = open(&file).unwrap().seen().await.unwrap();
    let listed: Vec<_> = seen.iter().map(|it| (&*it.id, it.registered)).collect();
    assert_eq!(listed, [("gone", true), ("stranger", false)]);
    assert_eq!(open(&file).unwrap().seen().await.unwrap(), seen);
}

#[tokio::test]
async fn a_damaged_page_is_an_error_and_never_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    drop(open(&file).unwrap());
    closed(&file).await;
    let tables = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
    let store = open(&file).unwrap();
    for number in 0..2000 {
        store.consume(key(number), at(60), at(0)).await.unwrap();
    }
    drop(store);
    closed(&file).await;
    let mut bytes = fs::read(&file).unwrap();
    // All but the header, the schema and the pages that the tables began with.
    bytes[tables..].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    let damaged = open(&file).unwrap();
    let outcome = damaged.consume(key(1), at(60), at(0)).await;
    assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
}

/// The thread closes the file after the handle is gone.
async fn closed(file: &Path) {
    while file.with_file_name("state.db-wal").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = open(&file).unwrap();
    store.consume(key(1), at(60), at(0)).await.unwrap();
    fs::rename(&file, folder.path().join("old.db")).unwrap();
    let outcome = store.consume(key(2), at(60), at(0)).await;
    assert_eq!(outcome, Err(StoreError::Replaced { file: file.clone() }));
    drop(open(&file).unwrap());
    assert!(store.version().await.is_err());
}

#[test]
fn many_can_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let openings: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&file))).collect();
        openings
            .into_iter()
            .map(|opening| opening.join().unwrap())
            .collect()
    });
    for store in opened {
        store.unwrap();
    }
}
