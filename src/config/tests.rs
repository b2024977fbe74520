//! Whole configurations, from files to problems.

use std::path::Path;

use super::{Bundle, Failure, Overrides, Stamp, load};

const SERVER: &str = "version: 1
policies: [policies]
conditions: conditions.yaml
providers:
  corp:
    jwt:
      issuer: https://corp.example
      keys: { url: https://corp.example/keys }
      algorithms: [ES256]
      unregistered_client: subject
      map: { kind: '\"human\"' }
";

const POLICY: &str = "version: 1
conditions: { incident: bool }
routes:
  api:
    match: { host: api.test }
    url: https://api.test
    providers: [corp]
    actions:
      docs.read: { http: GET /docs }
rules:
  - { id: readers, permit: docs.read, to: { issuer: corp, kind: human }, unless: conditions.incident }
";

const CONDITIONS: &str = "version: 1\nconditions: { incident: true }\n";

/// A folder with a configuration that loads, and what `changes` put into it or, without a text, take out of it.
fn with(changes: &[(&str, Option<&str>)]) -> (tempfile::TempDir, Result<Bundle, Failure>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let files = [
        ("countersign.yaml", Some(SERVER)),
        ("policies/api.yaml", Some(POLICY)),
        ("conditions.yaml", Some(CONDITIONS)),
    ];
    for (name, text) in files.iter().chain(changes) {
        let file = folder.path().join(name);
        match text {
            Some(text) => std::fs::write(file, text).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
    }
    let loaded = load(
        &folder.path().join("countersign.yaml"),
        &Overrides::default(),
    );
    (folder, loaded)
}

/// Problems as `code file:line: message`.
fn problems(changes: &[(&str, Option<&str>)]) -> Vec<String> {
    let (_folder, loaded) = with(changes);
    let found = match &loaded {
        Ok(bundle) => &bundle.warnings,
        Err(failure) => &failure.problems,
    };
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    found
        .as_slice()
        .iter()
        .map(|problem| {
            let (code, line) = (problem.code, problem.line);
            format!("{code} {}:{line}: {}", name(&problem.file), problem.message)
        })
        .collect()
}

/// The problems of one test, without file and line.
fn of_case(case: &str) -> Vec<String> {
    let text = format!("version: 1\ntests:\n  - {case}\n");
    let found = problems(&[("policies/x.test.yaml", Some(&text))]);
    found
        .into_iter()
        .map(|text| {
            assert!(text.contains(" x.test.yaml:3: "), "{text}");
            text.replace(" x.test.yaml:3", "")
        })
        .collect()
}

#[test]
fn a_configuration_loads() {
    assert_eq!(problems(&[]), [""; 0]);
}

#[test]
fn a_test_that_names_what_does_not_exist_is_an_error() {
    for (case, expected) in [
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: alow } }",
            "unknown-name: there is no verdict `alow`",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: deny, reason: not_permited } }",
            "unknown-name: there is no reason `not_permited`",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: deny, reason: permitted } }",
            "contradiction: `permitted` is a reason of the verdict `allow`",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: allow, rule: reader } }",
            "unknown-name: there is no rule `reader`",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: allow, action: docs } }",
            "unknown-name: there is no action `docs`",
        ),
        (
            "{ name: t, call: { route: apis, http: GET /docs }, expect: { verdict: allow } }",
            "unknown-name: there is no route `apis`",
        ),
        (
            "{ name: t, call: { route: api, host: api.test, http: GET /docs }, expect: { verdict: allow } }",
            "invalid-call: a call names a `route` or a `host`",
        ),
        (
            "{ name: t, call: { route: api }, expect: { verdict: allow } }",
            "invalid-call: a call has one of `http`, `grpc`, `tool`, `prompt`, `uri` and `mcp`",
        ),
        (
            "{ name: t, call: { route: api, http: /docs }, expect: { verdict: allow } }",
            "invalid-call: `/docs` is no request",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: deny, headers: { a: b } } }",
            "misplaced-key: only the verdict `allow` has `headers`",
        ),
        (
            "{ name: t, call: { route: api, http: GET /docs }, expect: { verdict: allow, missing_scope: a } }",
            "misplaced-key: only the verdict `deny` has `missing_scope`",
        ),
        (
            "{ name: t, given: { scope: a }, call: { route: api, http: GET /docs }, expect: { verdict: deny } }",
            "misplaced-key: `scope` belongs to a credential, and an anonymous caller has none",
        ),
        (
            "{ name: t, given: { issuer: crop, subject: { id: a } }, call: { route: api, http: GET /docs }, expect: { verdict: deny } }",
            "unknown-name: there is no provider `crop`",
        ),
        (
            "{ name: t, given: { issuer: corp, subject: { id: a, kind: robot } }, call: { route: api, http: GET /docs }, expect: { verdict: deny } }",
            "invalid-kind: `robot` is not a kind: use `human`, `service`, `agent` or `anonymous`",
        ),
        (
            "{ name: t, given: { conditions: { incidnt: true } }, call: { route: api, http: GET /docs }, expect: { verdict: deny } }",
            "unknown-name: there is no condition `incidnt`",
        ),
        (
            "{ name: t, given: { time: noon }, call: { route: api, http: GET /docs }, expect: { verdict: deny } }",
            "invalid-time: this is no moment",
        ),
    ] {
        assert_eq!(of_case(case), [expected], "{case}");
    }
    let fine = "{ name: t, given: { issuer: corp, subject: { id: a } }, call: { route: api, http: GET /docs }, \
                expect: { verdict: allow, reason: permitted, rule: readers, action: docs.read, headers: {}, query: {} } }";
    assert_eq!(of_case(fine), [""; 0]);
}

#[test]
fn a_broken_policy_does_not_hide_a_broken_value_of_a_condition() {
    let found = problems(&[
        (
            "policies/b.yaml",
            Some("version: 1\nrules:\n  - { id: x }\n"),
        ),
        (
            "conditions.yaml",
            Some("version: 1\nconditions: { incident: 1, other: true }\n"),
        ),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("no-effect b.yaml:3"))
    );
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("unknown-condition conditions.yaml:2"))
    );
}

#[test]
fn a_rule_that_cannot_be_read_is_the_only_problem() {
    let broken = POLICY.replace("permit: docs.read", "permit: docs.read, whn: true");
    let found = problems(&[("policies/api.yaml", Some(&broken))]);
    assert_eq!(found.len(), 1, "{found:?}");
    let broken = SERVER.replace("https://corp.example/keys", "ftp://corp.example");
    let found = problems(&[
        (
            "countersign.yaml",
            Some(&format!("{broken}identities: ids.yaml\n")),
        ),
        (
            "ids.yaml",
            Some("version: 1\nidentities: [{ issuer: corp, id: bot, kind: agent, owner: a }]\n"),
        ),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_file_that_is_named_and_missing_is_watched() {
    let (folder, loaded) = with(&[("conditions.yaml", None)]);
    let failure = loaded.unwrap_err();
    assert!(
        failure
            .watched
            .contains(&folder.path().join("conditions.yaml"))
    );
    assert!(failure.watched.contains(&folder.path().join("policies")));
}

#[test]
fn a_change_since_the_reading_is_seen_by_the_stamp() {
    let (folder, loaded) = with(&[]);
    let bundle = loaded.unwrap();
    let config = folder.path().join("countersign.yaml");
    let take = || {
        Stamp::take(
            std::iter::once(config.as_path()).chain(bundle.watched.iter().map(AsRef::as_ref)),
        )
    };
    assert_eq!(bundle.stamp, take());
    std::fs::write(folder.path().join("policies/new.yaml"), "version: 1\n").unwrap();
    assert_ne!(bundle.stamp, take());
}
