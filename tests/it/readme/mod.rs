//! README.md: every command in it is run, every file in it is loaded, every table in it is complete.
//!
//! The word behind a fenced block's language says what is done with it; a block without a known one fails. One test
//! brings up `cargo demo`, and it is the only one that uses the demo's fixed ports.

mod block;
mod compose;
mod demo;
mod envoy;
mod keys;
mod table;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use block::{Block, Use, blocks};
use demo::Demo;
use tempfile::TempDir;

/// The page itself.
const README: &str = include_str!("../../../README.md");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The project's configuration, and Envoy's, with the page's files put into it.
fn folder(blocks: &[Block]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-R")
        .arg(root().join("config"))
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(copied.success());
    fs::create_dir(folder.path().join("envoy")).unwrap();
    let envoy = "envoy/envoy.yaml";
    fs::copy(root().join(envoy), folder.path().join(envoy)).unwrap();
    for Block { usage, text, .. } in blocks {
        if let Use::File(path) = usage {
            fs::write(folder.path().join(path), text).unwrap();
        }
    }
    folder
}

#[test]
fn transcripts_are_what_happens() {
    let blocks = blocks(README);
    let mut ran = 0;
    for block in blocks.iter().filter(|block| block.usage == Use::Offline) {
        // A folder of its own: what one block edits, the next one does not see.
        let folder = folder(&blocks);
        transcript::check(block, folder.path());
        ran += 1;
    }
    assert!(ran >= 4, "{ran} transcripts");
}

#[test]
fn transcripts_with_the_demo_are_what_happens() {
    let blocks = blocks(README);
    let up = blocks.iter().find(|block| block.usage == Use::Up);
    let demo = Demo::start(up.expect("a block that brings the demo up"));
    let mut ran = 0;
    for block in blocks.iter().filter(|block| block.usage == Use::Demo) {
        transcript::check(block, &root());
        ran += 1;
    }
    assert!(ran >= 4, "{ran} transcripts");
    let scraped = transcript::shell("curl -s http://127.0.0.1:9192/metrics", &root());
    demo.stop();
    table::metrics(&scraped);
}

#[test]
fn files_load_without_a_warning() {
    let blocks = blocks(README);
    let folder = folder(&blocks);
    let mut loaded = 0;
    for block in &blocks {
        let Use::File(path) = &block.usage else {
            continue;
        };
        // A policy is loaded by the configuration beside it.
        let config = if path.starts_with("config/policies") {
            Path::new("config/countersign.yaml")
        } else {
            path
        };
        let ran = crate::harness::run(
            folder.path(),
            [
                "check",
                "--deny-warnings",
                "--config",
                config.to_str().unwrap(),
            ],
        );
        assert_eq!(ran.exit, 0, "line {}: {ran:?}", block.line);
        loaded += 1;
    }
    assert!(loaded >= 2, "{loaded} files");
}

#[test]
fn the_mcp_route_loads_without_a_warning() {
    let blocks = blocks(README);
    let folder = folder(&blocks);
    let shown = blocks.iter().find(|block| block.usage == Use::Mcp).unwrap();
    let routes = || {
        let config = ["--config", "config/countersign.yaml"];
        let check = ["check", "--deny-warnings", "--json"].into_iter();
        let ran = crate::harness::run(folder.path(), check.chain(config));
        assert_eq!(ran.exit, 0, "{ran:?}");
        ran.json()["routes"].as_u64().unwrap()
    };
    let before = routes();
    fs::write(folder.path().join("config/policies/mcp.yaml"), &shown.text).unwrap();
    assert_eq!(routes(), before + 1);
}

#[test]
fn the_policy_is_the_projects_own() {
    let path = "config/policies/payments.yaml";
    let blocks = blocks(README);
    let shown = blocks
        .iter()
        .find(|block| block.usage == Use::File(path.into()));
    let shipped = fs::read_to_string(root().join(path)).unwrap();
    let shipped = envoy::code(&shipped);
    for line in envoy::code(&shown.unwrap().text) {
        assert!(shipped.contains(&line), "`{line}` is not in {path}");
    }
}

#[test]
fn envoys_parts_are_in_envoys_configuration() {
    let whole = fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    let blocks = blocks(README);
    let mut found = 0;
    for block in blocks.iter().filter(|block| block.usage == Use::Envoy) {
        assert!(
            envoy::contains(&whole, &block.text),
            "line {}: not in envoy/envoy.yaml",
            block.line
        );
        found += 1;
    }
    assert_eq!(found, 3);
}

#[test]
fn the_test_command_is_what_ci_runs() {
    let blocks = blocks(README);
    let tests = blocks.iter().find(|block| block.usage == Use::Tests);
    let command = tests.unwrap().text.trim().strip_prefix("$ ").unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let runs = |line: &str| {
        line.trim()
            .strip_suffix(command)
            .is_some_and(|before| before.ends_with(' '))
    };
    assert!(ci.lines().any(runs), "`{command}` is not in .ci/run");
}
