//! Two processes on one file. The second one is this test program, run for the one test that is ignored.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{at, key};
use crate::store::sqlite::Sqlite as Store;
use crate::store::{Consumed, StoreSettings};

const FILE: &str = "COUNTERSIGN_TEST_STORE";

fn open(file: &Path) -> Store {
    Store::open(&StoreSettings::in_file(file.to_owned())).unwrap()
}

/// Uses the keys from 0 up, and prints each one that was fresh, until it is killed or there are a thousand.
#[tokio::test]
#[ignore = "the other process of the tests below"]
async fn other_process() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let store = open(Path::new(&file));
    for number in 0..1000 {
        if store.consume(key(number), at(60), at(0)).await == Ok(Consumed::Fresh) {
            println!("\nfresh {number}");
        }
    }
}

fn other(file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::sqlite::tests::processes::other_process",
            "--ignored",
            "--nocapture",
        ])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn fresh(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.filter_map(|line| line.unwrap().strip_prefix("fresh ")?.parse().ok())
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_still_true() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut child = other(&file);
    let mut told = fresh(&mut child);
    let mut numbers: Vec<u64> = told.by_ref().take(100).collect();
    // SIGKILL, in the middle of its work.
    child.kill().unwrap();
    child.wait().unwrap();
    numbers.extend(told);
    assert!(numbers.len() >= 100);
    let store = open(&file);
    for number in numbers {
        let outcome = store.consume(key(number), at(60), at(0)).await;
        assert_eq!(outcome, Ok(Consumed::Seen), "{number}");
    }
}

#[tokio::test]
async fn of_two_processes_one_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = open(&file);
    let mut child = other(&file);
    let theirs = fresh(&mut child);
    let theirs = std::thread::spawn(move || theirs.collect::<Vec<u64>>());
    let mut ours = Vec::new();
    // From the other end, so that the two meet in the middle.
    for number in (0..1000).rev() {
        if store.consume(key(number), at(60), at(0)).await.unwrap() == Consumed::Fresh {
            ours.push(number);
        }
    }
    let theirs = theirs.join().unwrap();
    child.wait().unwrap();
    let mut all: Vec<u64> = ours.iter().chain(&theirs).copied().collect();
    all.sort_unstable();
    assert_eq!(
        all,
        (0..1000).collect::<Vec<u64>>(),
        "every key is fresh once"
    );
}
