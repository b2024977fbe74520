//! The verbs, without a server.

use serde_json::Value;

use super::{id_of, issue, keys, listed, setup};
use crate::harness::{KEPT, run};

#[test]
fn a_key_is_shown_once_and_listed_without_its_secret() {
    let setup = setup();
    let more = [
        "--network",
        "10.0.0.0/8",
        "--network",
        "2001:db8::/32",
        "--expires",
        "30d",
    ];
    let key = issue(&setup, "billing-sync", &more);
    assert!(key.starts_with("cs_") && key.len() == 58, "{key}");
    let secret = key.split('_').nth(2).unwrap();

    let all = listed(&setup);
    let shown = &all[0];
    assert_eq!(all.len(), 1);
    assert_eq!(shown["id"], id_of(&key));
    assert_eq!(shown["identity"], "billing-sync");
    assert_eq!(shown["owner"], "team@example.com");
    assert_eq!(shown["kind"], "service");
    assert_eq!(shown["state"], "live");
    assert_eq!(shown["scope"], serde_json::json!(["invoices:read"]));
    assert_eq!(
        shown["networks"],
        serde_json::json!(["10.0.0.0/8", "2001:db8::/32"])
    );
    assert_eq!(shown["last_used"], Value::Null);

    let table = keys(&setup, &["list"]);
    assert!(table.stdout.contains("partners/billing-sync"), "{table:?}");
    assert!(
        table.stdout.contains("never") && table.stdout.ends_with("1 key\n"),
        "{table:?}"
    );
    for text in [table.stdout, keys(&setup, &["list", "--json"]).stdout] {
        assert!(!text.contains(secret) && !text.contains("digest"), "{text}");
    }
    for file in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(setup.path(file)).unwrap_or_default();
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "the secret is in {file}");
    }
}

#[test]
fn words_go_to_standard_error_and_json_to_standard_output() {
    let setup = setup();
    let arguments = [
        "issue",
        "--provider",
        "wholesale",
        "--id",
        "a",
        "--owner",
        "b",
        "--expires",
        "1h",
    ];
    let ran = keys(&setup, &arguments);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.starts_with("ws_"), "{ran:?}");
    assert!(ran.stderr.starts_with("issued key "), "{ran:?}");
    let key = ran.stdout.trim_end();
    assert!(!ran.stderr.contains(key), "{ran:?}");
    let json = keys(&setup, &[&arguments[..], &["--json"]].concat());
    assert!(json.json()["key"].as_str().unwrap().starts_with("ws_"));
    assert_eq!(json.stderr, "");
    let revoked = keys(&setup, &["revoke", id_of(key), "--json"]);
    assert_eq!(revoked.json()["already"], false);
}

#[test]
fn an_identity_has_two_keys_at_once_and_rotation_needs_a_free_place() {
    let setup = setup();
    let first = issue(&setup, "billing-sync", &[]);
    let rotated = keys(&setup, &["rotate", id_of(&first), "--overlap", "1h"]);
    assert_eq!(rotated.exit, 0, "{rotated:?}");
    let second = rotated.stdout.trim_end().to_owned();
    assert_ne!(first, second);
    let all = listed(&setup);
    let of = |key: &str| {
        all.iter()
            .find(|it| it["id"] == id_of(key))
            .unwrap()
            .clone()
    };
    assert_eq!(of(&first)["scope"], of(&second)["scope"]);
    assert_eq!(of(&first)["groups"], of(&second)["groups"]);
    assert!(of(&first)["expires"].as_str() < of(&second)["expires"].as_str());

    let third = [
        "issue",
        "--provider",
        "partners",
        "--id",
        "billing-sync",
        "--owner",
        "x",
    ];
    for arguments in [&third[..], &["rotate", id_of(&second)]] {
        let refused = keys(&setup, arguments);
        assert_eq!(refused.exit, 1, "{refused:?}");
        assert!(
            refused.stderr.contains("has two keys that work"),
            "{refused:?}"
        );
        assert_eq!(refused.stdout, "");
    }
    let revoked = keys(&setup, &["revoke", id_of(&first), "--reason", "leaked"]);
    assert_eq!(revoked.exit, 0, "{revoked:?}");
    assert_eq!(keys(&setup, &third).exit, 0);
    let again = keys(&setup, &["revoke", id_of(&first)]);
    assert_eq!(
        (again.exit, again.stderr.contains("was revoked already")),
        (0, true),
        "{again:?}"
    );
    let dead = keys(&setup, &["rotate", id_of(&first)]);
    assert_eq!(
        (dead.exit, dead.stderr.contains("does not work any more")),
        (1, true),
        "{dead:?}"
    );
    let live = keys(&setup, &["list", "--live", "--json"]).json();
    assert_eq!(live["keys"].as_array().unwrap().len(), 2);
    let all = listed(&setup);
    let gone = all.iter().find(|it| it["id"] == id_of(&first)).unwrap();
    assert_eq!(
        (&gone["state"], &gone["reason"]),
        (&"revoked".into(), &"leaked".into())
    );
}

#[expect(clippy::too_many_lines, reason = "one table, one row a mistake")]
#[test]
fn what_cannot_be_issued_is_said_with_what_to_do() {
    let setup = setup();
    let issue = |arguments: &[&str]| keys(&setup, &[&["issue"], arguments].concat());
    let owned = ["--id", "billing-sync", "--owner", "team@example.com"];
    for (more, exit, says) in [
        (
            &["--provider", "corp"][..],
            1,
            "is no provider of API keys: there is partners, portal, wholesale",
        ),
        (
            &[],
            1,
            "pass `--provider` with one of partners, portal, wholesale",
        ),
        (
            &["--provider", "wholesale", "--expires", "31d"],
            1,
            "at most `30d`",
        ),
        (
            &["--provider", "partners", "--expires", "0s"],
            1,
            "at least `1s`",
        ),
        (
            &["--provider", "partners", "--expires", "soon"],
            2,
            "not a duration",
        ),
        (
            &["--provider", "partners", "--network", "10.0.0.1/8"],
            2,
            "did you mean `10.0.0.0/8`?",
        ),
        (
            &["--provider", "partners", "--network", "here"],
            2,
            "is not a network",
        ),
        (
            &["--provider", "partners", "--kind", "human"],
            2,
            "possible values: service, agent",
        ),
        (
            &["--provider", "partners", "--group", "two words"],
            1,
            "a group is one word",
        ),
        (&["--provider", "partners", "--owner", ""], 2, "--owner"),
    ] {
        let ran = issue(&[&owned[..], more].concat());
        assert_eq!(ran.exit, exit, "{ran:?}");
        assert!(ran.stderr.contains(says), "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(
        issue(&["--provider", "partners", "--id", "a\nb", "--owner", "x"]).exit,
        1
    );
    let unknown = keys(&setup, &["revoke", "cs_whole_key"]);
    assert_eq!(unknown.exit, 1);
    assert!(
        !unknown.stderr.contains("cs_whole"),
        "what may be a key is not repeated: {unknown:?}"
    );
    assert_eq!(listed(&setup).len(), 0);

    setup.edit("countersign.yaml", KEPT, "");
    let ran = issue(&[&owned[..], &["--provider", "partners"]].concat());
    assert_eq!(ran.exit, 1);
    assert!(
        ran.stderr.contains("no `store.file` is configured"),
        "{ran:?}"
    );
    let elsewhere = issue(
        &[
            &owned[..],
            &["--provider", "partners", "--store", "other.db"],
        ]
        .concat(),
    );
    assert_eq!(elsewhere.exit, 0, "{elsewhere:?}");
    assert!(setup.path("other.db").exists());
}

#[test]
fn a_registered_identity_keeps_its_kind() {
    let setup = setup();
    setup.write(
        "identities.yaml",
        "version: 1\nidentities: [{ issuer: partners, id: crm-bot, kind: agent, owner: sales@example.com }]\n",
    );
    let arguments = [
        "issue",
        "--provider",
        "partners",
        "--id",
        "crm-bot",
        "--owner",
        "sales@example.com",
    ];
    let ran = keys(&setup, &arguments);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("pass `--kind agent`"), "{ran:?}");
    assert_eq!(
        keys(&setup, &[&arguments[..], &["--kind", "agent"]].concat()).exit,
        0
    );
}

#[test]
fn a_file_that_is_no_store_is_named() {
    let setup = setup();
    setup.write("state.db", &"not a database; ".repeat(100));
    let ran = keys(&setup, &["list"]);
    assert_eq!(ran.exit, 1);
    assert!(
        ran.stderr
            .contains("state.db` is not a database of countersign"),
        "{ran:?}"
    );
}

#[test]
fn explain_reads_a_key_and_does_not_count_as_its_use() {
    let setup = setup();
    let key = issue(&setup, "billing-sync", &[]);
    let header = format!("x-api-key: {key}");
    let arguments = [
        "explain",
        "--http",
        "GET /v1/invoices",
        "--route",
        "invoices",
        "--header",
        &header,
        "--json",
    ];
    let ran = run(
        setup.folder(),
        arguments.iter().chain(&["--config", "countersign.yaml"]),
    );
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(!ran.stdout.contains(&key), "{ran:?}");
    assert_eq!(listed(&setup)[0]["last_used"], Value::Null);
}

#[test]
fn keys_without_a_store_are_warned_of() {
    let setup = setup();
    setup.edit("countersign.yaml", KEPT, "");
    let ran = run(setup.folder(), ["check", "--config", "countersign.yaml"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(ran.stderr.contains("keys-without-store"), "{ran:?}");
}
