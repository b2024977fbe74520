//! What a key was issued with, as rules, records and the inventory see it; and a key that the store cannot give.

use serde_json::Value;

use super::{id_of, issue, keys, listed, setup, verdict, with_key};
use crate::harness::{SOON, eventually, eventually_async, run};

#[tokio::test]
async fn rules_read_the_groups_the_scope_and_the_owner_of_a_key() {
    let setup = setup();
    let policy = setup.read("policies/keys.yaml").replace(
        "  - { id: invoices-know,",
        "  - { id: owned-by-the-team, guard: invoices.*, to: { issuer: partners }, \
         must: \"has(subject.owner) && subject.owner == 'team@example.com' && 'billing' in subject.groups\" }\n  \
         - { id: invoices-know,",
    );
    setup.write("policies/keys.yaml", &policy);
    let made = |id: &str, owner: &str, more: &[&str]| {
        let plain = [
            "issue",
            "--provider",
            "partners",
            "--id",
            id,
            "--owner",
            owner,
        ];
        let ran = keys(&setup, &[&plain[..], more].concat());
        assert_eq!(ran.exit, 0, "{ran:?}");
        ran.stdout.trim_end().to_owned()
    };
    let (team, scope, group) = (
        "team@example.com",
        ["--scope", "invoices:write invoices:read"],
        ["--group", "audit", "--group", "billing"],
    );
    let rights = [&scope[..], &group].concat();
    let cases = [
        (made("billing-a", team, &rights), "allow"),
        (
            made("billing-b", "else@example.com", &rights),
            "403 guard_unmet",
        ),
        (made("billing-c", team, &scope), "403 guard_unmet"),
        (made("billing-d", team, &group), "403 insufficient_scope"),
        (
            made(
                "billing-e",
                team,
                &[&rights[..], &["--kind", "agent"]].concat(),
            ),
            "403 not_permitted",
        ),
        (made("sync-f", team, &rights), "403 not_permitted"),
    ];
    let server = setup.start();
    for (key, expected) in &cases {
        assert_eq!(verdict(&server, &with_key(key)).await, *expected);
    }
}

#[tokio::test]
async fn the_owner_of_a_key_is_in_the_record_and_the_inventory_unless_the_registry_names_one() {
    let setup = setup();
    setup.write(
        "identities.yaml",
        "version: 1\nidentities: [{ issuer: partners, id: billing-known, kind: service, owner: registry@example.com, groups: [billing] }]\n",
    );
    let unknown = issue(&setup, "billing-new", &[]);
    let known = issue(&setup, "billing-known", &[]);
    let server = setup.start();
    for (key, owner) in [
        (&unknown, "team@example.com"),
        (&known, "registry@example.com"),
    ] {
        assert_eq!(verdict(&server, &with_key(key)).await, "allow");
        eventually(SOON, owner, || {
            let records = server.records();
            (records.last()?["subject"]["owner"] == owner).then_some(())
        });
    }
    let row = |id: &str| -> Value {
        eventually(SOON, "written down", || {
            let arguments = ["identities", "--json", "--config", "countersign.yaml"];
            let ran = run(server.setup.folder(), arguments).json();
            let mut rows = ran.as_array().unwrap().clone().into_iter();
            rows.find(|row| row["id"] == id && !row["last_used"].is_null())
        })
    };
    let new = row("billing-new");
    assert_eq!(
        (&new["status"], &new["owner"]),
        (&"unregistered".into(), &"team@example.com".into())
    );
    let listed = row("billing-known");
    assert_eq!(
        (&listed["status"], &listed["owner"]),
        (&"active".into(), &"registry@example.com".into())
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_refused_alone_and_counted() {
    let setup = setup();
    let broken = issue(&setup, "billing-broken", &[]);
    let sound = issue(&setup, "billing-sync", &[]);
    let server = setup.start();
    assert_eq!(verdict(&server, &with_key(&broken)).await, "allow");
    let store = rusqlite::Connection::open(server.setup.path("state.db")).unwrap();
    let change = "UPDATE api_keys SET groups = 'billing' WHERE id = ?1";
    assert_eq!(store.execute(change, [id_of(&broken)]).unwrap(), 1);
    eventually_async(SOON, "refused", async || {
        let said = verdict(&server, &with_key(&broken)).await;
        (said == "401 api_key_unknown").then_some(())
    })
    .await;
    assert_eq!(verdict(&server, &with_key(&sound)).await, "allow");
    assert!((server.metric("countersign_api_keys_unreadable") - 1.0).abs() < f64::EPSILON);
    assert!(server.log().contains(id_of(&broken)));
    let shown = keys(&server.setup, &["list"]);
    assert!(shown.stderr.contains(id_of(&broken)), "{shown:?}");
    assert_eq!(listed(&server.setup).len(), 1);
    // Nobody is left without a way out.
    assert_eq!(keys(&server.setup, &["revoke", id_of(&broken)]).exit, 0);
}
