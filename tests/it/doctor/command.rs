//! The command itself: what it prints, how it ends, and what it refuses to read.

use std::fs;
use std::path::Path;

use countersign::config::yaml::{Document, KeyPath};
use tempfile::TempDir;

use super::SOUND;
use crate::harness::{Ran, run};

/// A folder with `envoy.yaml`.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("envoy.yaml"), text).unwrap();
    folder
}

fn doctor(text: &str, arguments: &[&str]) -> Ran {
    let folder = folder(text);
    run(
        folder.path(),
        [&["doctor", "envoy.yaml"], arguments].concat(),
    )
}

fn open() -> String {
    SOUND.replace("failure_mode_allow: false", "failure_mode_allow: true")
}

#[test]
fn an_error_is_shown_with_its_line_its_path_and_its_cure() {
    let ran = doctor(&open(), &[]);
    insta::assert_snapshot!(format!("{}{}", ran.stderr, ran.stdout));
    assert_eq!(ran.exit, 1);
}

#[test]
fn the_exit_status_says_how_bad_it_is() {
    let warned = SOUND.replace("merge_slashes: true", "merge_slashes: false");
    let noted = SOUND.replace(
        "emit_filter_state_stats: true",
        "emit_filter_state_stats: false",
    );
    let strict = &["--deny-warnings"][..];
    for (text, arguments, exit) in [
        (SOUND, &[][..], 0),
        (SOUND, strict, 0),
        (&open(), &[], 1),
        (&open(), &["--allow", "failure-mode-allow"], 0),
        (&open(), &["--allow", "shadow-mode"], 1),
        (&warned, &[], 0),
        (&warned, strict, 1),
        (
            &warned,
            &["--deny-warnings", "--allow", "slashes-not-merged"],
            0,
        ),
        (&noted, strict, 0),
        ("a: [", &[], 5),
        ("a: 1\na: 2\n", &[], 5),
        (SOUND, &["--config", "no-such-file"], 5),
        (SOUND, &["--allow", "failure-mode-alow"], 2),
        (SOUND, &["--list"], 2),
    ] {
        let ran = doctor(text, arguments);
        assert_eq!(ran.exit, exit, "{arguments:?} {ran:?}");
    }
    assert_eq!(run(Path::new("."), ["doctor"]).exit, 2);
    assert_eq!(run(Path::new("."), ["doctor", "no-such-file"]).exit, 5);
}

#[test]
fn a_code_that_does_not_exist_is_answered_with_the_one_that_was_meant() {
    let ran = doctor(SOUND, &["--allow", "failure-mode-alow"]);
    assert!(
        ran.stderr.contains("did you mean `failure-mode-allow`?"),
        "{ran:?}"
    );
}

#[test]
fn json_has_everything_in_one_object() {
    let value = doctor(&open(), &["--json"]).json();
    assert_eq!(
        (&value["ok"], &value["connection_managers"]),
        (&false.into(), &1.into())
    );
    let problem = &value["problems"][0];
    assert_eq!(
        (&problem["severity"], &problem["code"]),
        (&"error".into(), &"failure-mode-allow".into())
    );
    assert_eq!(&problem["file"], "envoy.yaml");
    assert!(problem["line"].as_u64().is_some());
    let path = problem["path"].as_str().unwrap();
    assert!(
        path.ends_with("http_filters[1].typed_config.failure_mode_allow"),
        "{path}"
    );
    assert!(
        problem["help"]
            .as_str()
            .unwrap()
            .contains("failure_mode_allow: false")
    );
    for (text, arguments) in [
        ("a: [", &["--json"][..]),
        (SOUND, &["--json", "--config", "none"]),
    ] {
        assert_eq!(doctor(text, arguments).json()["ok"], false);
    }
}

#[test]
fn an_alias_is_reported_where_it_is_written_and_once() {
    let text = "\
!ignore shared: &http
  \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
  http_filters: []
static_resources:
  listeners:
  - filter_chains: [{ filters: [{ name: a, typed_config: *http }] }]
  - filter_chains: [{ filters: [{ name: b, typed_config: *http }] }]
";
    let value = doctor(text, &["--json"]).json();
    let all = value["problems"].as_array().unwrap();
    let found: Vec<_> = all
        .iter()
        .filter(|it| it["code"] == "no-ext-authz")
        .collect();
    assert_eq!((found.len(), &found[0]["line"]), (1, &3.into()));
    assert_eq!(value["connection_managers"], 2);
}

#[test]
fn every_code_is_listed_with_its_reason() {
    let text = run(Path::new("."), ["doctor", "--list"]);
    let json = run(Path::new("."), ["doctor", "--list", "--json"]).json();
    assert_eq!(text.exit, 0);
    let all = json.as_array().unwrap();
    assert_eq!(text.stdout.lines().count(), all.len());
    for (line, row) in text.stdout.lines().zip(all) {
        for key in ["code", "severity", "about"] {
            let word = row[key].as_str().unwrap();
            assert!(!word.is_empty() && line.contains(word), "{line}");
        }
    }
}

#[test]
fn only_a_url_that_may_be_called_is_called() {
    for (url, said) in [
        (
            "http://envoy.example.com:9901/config_dump",
            "save `/config_dump` to a file",
        ),
        ("http://user:secret@127.0.0.1/config_dump", "credentials"),
        ("ftp://127.0.0.1/config_dump", "scheme"),
        ("http://127.0.0.1:1/config_dump", "the request failed"),
    ] {
        let ran = run(Path::new("."), ["doctor", url]);
        assert_eq!(ran.exit, 5, "{url}");
        assert!(
            ran.stderr.contains(said) && !ran.stderr.contains("secret"),
            "{ran:?}"
        );
    }
}

#[test]
fn what_is_hostile_is_refused_before_it_costs_anything() {
    let bomb = (1..20).fold(
        "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, n| {
            let again = vec![format!("*a{}", n - 1); 8].join(", ");
            format!("{text}a{n}: &a{n} [{again}]\n")
        },
    );
    let nested = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for (text, code) in [
        ("", "empty-file"),
        (" \n# nothing\n", "empty-file"),
        (&bomb, "too-many-aliases"),
        (&"[".repeat(1_000_000), "too-deep"),
        (&nested, "too-deep"),
        (r#"{"a": {"b": 1, "b": 2}}"#, "duplicate-key"),
        ("a: 1\n---\nb: 1\n", "several-documents"),
        ("a: \"\0\"\n", "syntax"),
    ] {
        let ran = doctor(text, &["--json"]);
        assert_eq!(ran.exit, 5, "{code}: {ran:?}");
        assert_eq!(ran.json()["problems"][0]["code"], code);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("envoy.yaml"), b"\xff\xfe\x00\x80").unwrap();
    let ran = run(folder.path(), ["doctor", "envoy.yaml"]);
    assert_eq!(ran.exit, 5, "{ran:?}");
    assert!(ran.stderr.contains("UTF-8"), "{ran:?}");
    // Without an end, and without a place to stop but our own.
    let ran = run(folder.path(), ["doctor", "/dev/zero"]);
    assert_eq!(ran.exit, 5, "{ran:?}");
    assert!(ran.stderr.contains("too-large"), "{ran:?}");
}

#[test]
fn one_mistake_in_very_many_places_is_not_listed_at_all_of_them() {
    let route =
        "              - match: { prefix: / }\n                route: { cluster: upstream }\n";
    let bad = (0..2000).map(|n| {
        format!("              - match: {{ prefix: /{n} }}\n                route: {{ cluster_header: x }}\n")
    });
    let many: String = bad.collect();
    let text = SOUND.replace(route, &many);
    assert_ne!(text, SOUND);
    let value = doctor(&text, &["--json"]).json();
    let problems = value["problems"].as_array().unwrap();
    let found: Vec<_> = problems
        .iter()
        .filter(|problem| problem["code"] == "cluster-from-header")
        .collect();
    assert_eq!(found.len(), 101);
    let rest: Vec<_> = found.iter().filter(|it| it["line"].is_null()).collect();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["message"], "this was found 1900 times more");
    assert_eq!(rest[0]["severity"], "error");
    // On one line, where each place is far from its beginning.
    let on_one_line = serde_json::to_string(
        &Document::read(Path::new("x"), &text)
            .unwrap()
            .decode::<serde_json::Value>(&KeyPath::root())
            .unwrap(),
    );
    let ran = doctor(&on_one_line.unwrap(), &[]);
    assert_eq!(ran.exit, 1);
    assert!(ran.stderr.len() < 200_000, "{}", ran.stderr.len());
}
