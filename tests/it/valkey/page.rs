//! The settings that README.md shows.

use serde_json::json;

use super::stores::{open, settled};
use crate::harness::valkey::{Fsync, Valkey};

const README: &str = include_str!("../../../README.md");

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_that_are_shown_are_enough() {
    let (_, behind) = README.split_once("```conf valkey\n").unwrap();
    let lines: Vec<&str> = behind.split_once("```").unwrap().0.lines().collect();
    assert!(lines.len() > 3);
    let valkey = Valkey::with(Fsync::Always, None, &lines);
    let replica = Valkey::start(Fsync::Never);
    replica.follow(&valkey);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "change-me\n").unwrap();
    let login = json!({ "file": file });
    let store = open(&json!({
        "url": valkey.url(), "username": "countersign", "password": login, "min_replicas": 1, "wait": "2s",
    }));
    settled(&store).await;
    store.secret("nonce").await.unwrap();
    let mut follower = store.follow();
    for _ in 0..3 {
        follower.next().await.unwrap();
    }
    assert_eq!(store.replicas().await.unwrap(), []);
}
