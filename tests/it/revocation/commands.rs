//! The verbs, and two replicas that share a file.

use countersign::model::change::Position;
use countersign::model::time::Timestamp;
use countersign::store::{ReplicaReport, Store, StoreSettings};
use serde_json::{Value, json};

use super::{TOKEN, ask, ci, corp, health, revoke, setup};
use crate::harness::{Ran, SOON, Server, Setup, eventually_async, run};

/// Runs a verb against a server.
fn verb(server: &Server, arguments: &[&str]) -> Ran {
    let admin = format!("http://{}", server.admin());
    let file = server.setup.path("ops.token");
    let file = file.display().to_string();
    let with = ["--admin", &admin, "--token-file", &file];
    run(server.setup.folder(), arguments.iter().chain(&with))
}

/// A server of its own on the state of another one, with the same keys.
fn beside(first: &Server, name: &str) -> Server {
    let state = first.setup.path("state.db").display().to_string();
    let setup = named(setup(), name);
    setup.edit(
        "countersign.yaml",
        "file: state.db",
        &format!("file: {state}"),
    );
    for keys in ["corp.jwks.json", "ci.jwks.json"] {
        setup.write(keys, &first.setup.read(keys));
    }
    setup.start()
}

fn named(setup: Setup, name: &str) -> Setup {
    let named = format!("file: state.db, replica: {name}");
    setup.edit("countersign.yaml", "file: state.db", &named);
    setup
}

#[tokio::test]
async fn verbs_revoke_lift_and_list() {
    let server = named(setup(), "one").start();
    let client = server.client().await;
    let call = health().bearer(&corp(&server, "vera").sign());
    assert_eq!(client.check(&call).await.outcome(), "allow");
    let target = ["subject", "vera", "--issuer", "corp"];
    let with = |first: &str, last: &[&'static str]| {
        let all = [first]
            .into_iter()
            .chain(target)
            .chain(last.iter().copied());
        all.map(str::to_owned).collect::<Vec<_>>()
    };
    let verb = |all: &[String]| {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        super::commands::verb(&server, &all)
    };
    let ran = verb(&with("revoke", &["--reason", "acts\u{1b}up"]));
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("revoked subject corp/vera: blocked\n"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("one enforces it since "), "{ran:?}");
    assert_eq!(
        client.check(&call).await.outcome(),
        "deny 403 identity_revoked"
    );

    let listed = verb(&["revocations".to_owned()]);
    assert_eq!(listed.exit, 0, "{listed:?}");
    assert!(
        listed.stdout.contains("blocked  subject       corp  vera"),
        "{listed:?}"
    );
    assert!(!listed.stdout.contains('\u{1b}'), "{listed:?}");
    let listed = verb(&["revocations".to_owned(), "--json".to_owned()]).json();
    assert_eq!(listed["revocations"][0]["value"], "vera");

    let ran = verb(&with("revoke", &["--lift", "--json"]));
    assert_eq!(
        (ran.exit, &ran.json()["complete"]),
        (0, &json!(true)),
        "{ran:?}"
    );
    assert_eq!(client.check(&call).await.outcome(), "allow");
    let ran = verb(&with("revoke", &["--not-before", "now", "--json"]));
    assert_eq!(ran.json()["revocation"]["state"], "cut", "{ran:?}");
    assert_eq!(
        client.check(&call).await.outcome(),
        "deny 401 credential_revoked"
    );

    let ran = verb(&with("revoke", &["--lift"]));
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("not blocked"), "{ran:?}");
    let ran = verb(&["revoke", "person", "vera"].map(str::to_owned));
    assert_eq!(ran.exit, 2, "{ran:?}");
    let ran = verb(
        &[
            "revoke",
            "token",
            "eyJhbGciOiJFUzI1NiJ9.e30.x",
            "--issuer",
            "corp",
        ]
        .map(str::to_owned),
    );
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("never the token") && !ran.stderr.contains("eyJ"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains(TOKEN));
}

#[tokio::test]
async fn every_replica_has_it_and_one_that_does_not_say_so_is_named() {
    let one = named(setup(), "one").start();
    let two = beside(&one, "two");
    let (first, second) = (one.client().await, two.client().await);
    let call = health().bearer(&ci(&one, "legacy-sync").sign());
    assert_eq!(second.check(&call).await.outcome(), "allow");
    let ran = verb(
        &one,
        &[
            "offboard",
            "bob@example.com",
            "--reason",
            "left",
            "--wait",
            "20s",
        ],
    );
    assert_eq!(ran.exit, 0, "{ran:?}");
    for line in [
        "off-boarded owner bob@example.com: ",
        "  revoked actor ci/legacy-sync\n",
        "  one enforces it since ",
        "  two enforces it since ",
    ] {
        assert!(ran.stderr.contains(line), "{line}: {ran:?}");
    }
    // Not eventually: both have said so.
    for client in [&first, &second] {
        assert_eq!(
            client.check(&call).await.outcome(),
            "deny 403 identity_revoked"
        );
    }

    two.signal("STOP");
    let ran = verb(&one, &["offboard", "crm-bot", "--wait", "1s", "--json"]);
    two.signal("CONT");
    assert_eq!(ran.exit, 1, "{ran:?}");
    let said = ran.json();
    assert_eq!(said["complete"], json!(false), "{said}");
    let since = |name: &str| {
        let replicas = said["replicas"].as_array().unwrap();
        let replica = replicas.iter().find(|it| it["name"] == name);
        replica.unwrap()["since"].is_string()
    };
    assert_eq!((since("one"), since("two")), (true, false), "{said}");
    let act = json!({ "sub": "crm-bot" });
    let acting = health().bearer(&corp(&one, "ann").claim("act", act).sign());
    eventually_async(SOON, "the replica that was paused", async || {
        let outcome = second.check(&acting).await.outcome();
        (outcome == "deny 403 identity_revoked").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_is_silent_is_waited_for_as_long_as_it_may_decide() {
    let one = named(setup(), "one").start();
    let file = one.setup.path("state.db");
    let store = Store::open(&StoreSettings::in_file(file.clone())).unwrap();
    let file = rusqlite::Connection::open(file).unwrap();
    file.busy_timeout(SOON).unwrap();
    let position = Position {
        generation: "g".into(),
        seq: 0,
    };
    for (name, seconds) in [("cut-off", 60), ("long-gone", 400)] {
        let report = ReplicaReport {
            name: name.into(),
            position: position.clone(),
            at: Timestamp::from_seconds(0),
        };
        store.report(report).await.unwrap();
        let older = "UPDATE replicas SET heard = heard - ?1 WHERE name = ?2";
        let changed = file.execute(older, rusqlite::params![seconds * 1000, name]);
        assert_eq!(changed, Ok(1));
    }
    let revoke = ["revoke", "subject", "vera", "--issuer", "corp", "--wait"];
    let ran = verb(&one, &[&revoke[..], &["1s"]].concat());
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("replica cut-off did not say within 1s"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("long-gone"), "{ran:?}");
    // It has ended, and said so.
    store.leave("cut-off").await.unwrap();
    let ran = verb(&one, &[&revoke[..], &["10s"]].concat());
    assert_eq!(ran.exit, 0, "{ran:?}");
}

#[tokio::test]
async fn what_was_revoked_is_refused_after_a_restart() {
    let one = named(setup(), "one").start();
    let body = json!({ "kind": "session", "issuer": "corp", "value": "s-1" });
    revoke(&one, &body);
    let token = corp(&one, "rita").claim("sid", json!("s-1")).sign();
    one.signal("KILL");
    let two = beside(&one, "two");
    let (status, listed) = ask(&two, "GET /revocations", &Value::Null);
    assert_eq!((status, &listed["total"]), (200, &json!(1)), "{listed}");
    let client = two.client().await;
    // Ready means that it knows: the first answer counts.
    let call = health().bearer(&token);
    assert_eq!(
        client.check(&call).await.outcome(),
        "deny 401 credential_revoked"
    );
}
