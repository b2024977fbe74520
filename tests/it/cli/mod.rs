//! The command line: what people read, and the numbers that scripts rely on.

use std::path::Path;

use serde_json::json;

use crate::harness::{Ran, Setup, run};

mod explain;

/// Settings without anything but one provider and one policy.
const SETTINGS: &str = r#"version: 1
policies: [policy.yaml]
identities: identities.yaml
providers:
  corp:
    jwt:
      issuer: https://idp.example.com
      keys: { file: corp.jwks.json }
      unregistered_client: subject
      claims: { department: string }
      map: { kind: '"human"' }
"#;

const IDENTITIES: &str = "version: 1\nidentities: []\n";
const POLICY: &str = "version: 1\n";

/// A folder in which one file is a bad one. Paths in messages are relative to it.
fn with_bad(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bad = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/bad")
        .join(name);
    let bad = std::fs::read_to_string(bad).unwrap();
    let place = match name.split_once('-') {
        Some(("countersign", _)) => "countersign.yaml",
        Some(("identities", _)) => "identities.yaml",
        _ => "policy.yaml",
    };
    for (file, text) in [
        ("countersign.yaml", SETTINGS),
        ("identities.yaml", IDENTITIES),
        ("policy.yaml", POLICY),
    ] {
        let text = if file == place { &bad } else { text };
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn check(name: &str, more: &[&str]) -> Ran {
    let folder = with_bad(name);
    run(
        folder.path(),
        ["check", "--config", "countersign.yaml"].iter().chain(more),
    )
}

/// Runs a verb with the sample configuration.
fn sample(arguments: &[&str]) -> Ran {
    let setup = Setup::new();
    run(
        setup.folder(),
        arguments.iter().chain(&["--config", "countersign.yaml"]),
    )
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    for name in [
        "unknown-keys",
        "duplicates",
        "permits",
        "conditions",
        "equal-actions",
        "mcp",
        "wrong-types",
        "broken-syntax",
        "header-conflict",
        "risk",
        "calls",
        "not-yet",
        "countersign-settings",
        "identities-registry",
    ] {
        let ran = check(&format!("{name}.yaml"), &[]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (5, ""), "{name}: {ran:?}");
        insta::assert_snapshot!(name, ran.stderr);
    }
}

#[test]
fn warnings_do_not_fail_unless_asked() {
    let ran = check("warnings.yaml", &[]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    insta::assert_snapshot!("warnings", ran.stderr);
    assert!(
        ran.stdout.contains("1 route, 3 rules, 0 tests"),
        "{}",
        ran.stdout
    );
    let strict = check("warnings.yaml", &["--deny-warnings"]);
    assert_eq!((strict.exit, strict.stderr), (5, ran.stderr));
    assert_eq!(
        check("warnings.yaml", &["--deny-warnings", "--json"]).json()["ok"],
        json!(false)
    );
    let sample = sample(&["check", "--deny-warnings"]);
    assert_eq!(
        (sample.exit, sample.stderr.as_str()),
        (0, ""),
        "the project's own configuration has none"
    );
}

#[test]
fn problems_are_machine_readable() {
    let ran = check("header-conflict.yaml", &["--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (5, ""));
    let report = ran.json();
    assert_eq!(report["ok"], json!(false));
    for problem in report["problems"].as_array().unwrap() {
        assert_eq!(problem["severity"], "error");
        assert_eq!(problem["file"], "policy.yaml");
        assert!(
            problem["line"].as_u64() > Some(0) && problem["column"].as_u64() > Some(0),
            "{problem}"
        );
        assert!(
            problem["code"].is_string() && problem["message"].is_string(),
            "{problem}"
        );
    }
    let good = sample(&["check", "--json"]).json();
    assert_eq!(
        (&good["ok"], &good["problems"], &good["routes"]),
        (&json!(true), &json!([]), &json!(4))
    );
}

#[test]
fn a_missing_configuration_is_named_by_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    for verb in [
        &["check"][..],
        &["test"],
        &["serve"],
        &["explain", "--http", "GET /", "--host", "a.example.com"],
    ] {
        let ran = run(folder.path(), verb);
        assert_eq!(ran.exit, 5, "{ran:?}");
        assert!(
            ran.stderr.contains("cannot read `config/countersign.yaml`"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn the_configuration_is_found_by_the_environment_too() {
    let setup = Setup::new();
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::harness::program();
    command.arg("check").current_dir(folder.path());
    let output = command
        .env("COUNTERSIGN_CONFIG", setup.path("countersign.yaml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_tests_of_the_sample_pass_and_use_every_rule() {
    let ran = sample(&["test", "--require-coverage"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(ran.stdout.contains(" passed, 0 failed"), "{}", ran.stdout);
    let report = sample(&["test", "--json"]).json();
    assert_eq!(
        (&report["failed"], &report["coverage"]["unused"]),
        (&json!(0), &json!([]))
    );
    let some = sample(&["test", "agent", "--json"]).json();
    assert!(
        some["passed"].as_u64() > Some(0) && some["passed"].as_u64() < report["passed"].as_u64(),
        "{some}"
    );
}

#[test]
fn a_failing_test_shows_what_differs_and_where() {
    let setup = Setup::new();
    setup.edit(
        "policies/payments.yaml",
        "expect: { verdict: allow, rule: payments-team, headers: { x-user: alice } }",
        "expect: { verdict: allow, rule: payments-team, headers: { x-user: bob } }",
    );
    setup.write("policies/more.test.yaml", concat!(
        "version: 1\ntests:\n  - name: a file of its own\n    call: { route: payments, http: GET /v1/payments }\n",
        "    expect: { verdict: allow }\n"
    ));
    let ran = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    insta::assert_snapshot!("test-failure", ran.stdout);
    let report = run(
        setup.folder(),
        ["test", "--config", "countersign.yaml", "--json"],
    );
    assert_eq!(report.exit, 1);
    let report = report.json();
    assert_eq!(report["failed"], json!(2));
    let places: Vec<&str> = report["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["at"].as_str().unwrap())
        .collect();
    assert!(
        places
            .iter()
            .any(|at| at.starts_with("policies/more.test.yaml:")),
        "{places:?}"
    );
}

#[test]
fn a_rule_that_no_test_uses_is_named() {
    let setup = Setup::new();
    let rule =
        "rules:\n  - { id: nobody-tests-me, forbid: payments.create, to: { id: mallory } }\n";
    let text = setup
        .read("policies/payments.yaml")
        .replacen("rules:\n", rule, 1);
    setup.write("policies/payments.yaml", &text);
    let ran = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("not used by any test: nobody-tests-me"),
        "{}",
        ran.stdout
    );
    let strict = run(
        setup.folder(),
        ["test", "--config", "countersign.yaml", "--require-coverage"],
    );
    assert_eq!(strict.exit, 1);
}

#[test]
fn version_and_help_succeed_and_nonsense_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let version = run(folder.path(), ["version"]);
    assert_eq!(
        (version.exit, version.stdout.trim()),
        (0, concat!("countersign ", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(
        run(folder.path(), ["version", "--json"]).json(),
        json!({ "name": "countersign", "version": env!("CARGO_PKG_VERSION") })
    );
    for verb in [
        &["--help"][..],
        &["serve", "--help"],
        &["check", "--help"],
        &["test", "--help"],
        &["explain", "--help"],
    ] {
        let ran = run(folder.path(), verb);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{verb:?}");
        assert!(
            ran.stdout.contains(if verb.len() == 1 {
                "Exit status:"
            } else {
                "Examples:"
            }),
            "{verb:?}: {}",
            ran.stdout
        );
    }
    for nonsense in [
        &["--wrong"][..],
        &["check", "--wrong"],
        &[],
        &["decide"],
        &["explain"],
    ] {
        let ran = run(folder.path(), nonsense);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (2, ""),
            "{nonsense:?}: {ran:?}"
        );
    }
}
