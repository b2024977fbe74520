//! A stream that says nothing for too long is seen to be stale, and changes no decision.

use serde_json::{Value, json};

use super::{event, outcome, person, push, setup};
use crate::harness::{SOON, Server, eventually, run};

fn stream(server: &Server, name: &str) -> Value {
    let status = server.status();
    let streams = status["streams"].as_array().unwrap();
    let found = streams.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{status}")).clone()
}

#[tokio::test]
async fn a_stream_that_fell_silent_is_seen_and_changes_no_decision() {
    let setup = setup();
    setup.edit(
        "countersign.yaml",
        "      authorization: { file: idp.token }\n",
        "      authorization: { file: idp.token }\n      stale_after: 2s\n",
    );
    let server = setup.start();
    let stale = "countersign_events_stale{stream=\"idp\"}";
    let quiet = stream(&server, "quiet");
    assert_eq!(
        quiet,
        json!({ "name": "quiet", "last": null, "stale_after_seconds": null, "stale": false })
    );
    eventually(SOON, "nothing came since the start", || {
        (stream(&server, "idp")["stale"] == true).then_some(())
    });
    assert_eq!(server.count(stale), 1);
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(outcome(&server, "ada").await, "allow");

    push(
        &server,
        event("s-1", "risc account-disabled", &json!({}), &person("bea")),
    );
    let heard = stream(&server, "idp");
    assert_eq!(
        (&heard["stale"], heard["last"].is_string()),
        (&json!(false), true),
        "{heard}"
    );
    assert_eq!(server.count(stale), 0);
    eventually(SOON, "nothing came since then", || {
        (stream(&server, "idp")["stale"] == true).then_some(())
    });
    assert_eq!(outcome(&server, "bea").await, "deny 403 identity_revoked");
    assert_eq!(outcome(&server, "ada").await, "allow");
    assert_eq!(
        server.count("countersign_events_stale{stream=\"quiet\"}"),
        0
    );
}

#[test]
fn check_and_doctor_say_what_a_policy_waits_for() {
    let setup = setup();
    setup.edit(
        "countersign.yaml",
        "      authorization: { file: idp.token }\n",
        "      authorization: { file: idp.token }\n      stale_after: 2h\n",
    );
    let envoy = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml");
    let lines = [
        "  condition incident: false, set by the file of conditions\n",
        "  a running server may have been told otherwise: `countersign conditions` shows",
        "  stream idp: stale after 2h of silence",
        "  stream quiet: nobody notices its silence; set `events.streams.quiet.stale_after`",
    ];
    let config = "--config=countersign.yaml";
    for verb in [&["check", config][..], &["doctor", envoy, config]] {
        let said = run(setup.folder(), verb);
        for line in lines {
            assert!(said.stdout.contains(line), "{verb:?} {line}: {said:?}");
        }
    }
    setup.edit("conditions.yaml", "incident: false", "incident: true");
    let said = run(setup.folder(), ["check", config]);
    assert!(
        said.stdout.contains("condition incident: true, set by"),
        "{said:?}"
    );
    setup.edit("conditions.yaml", "  incident: true", "  {}");
    let said = run(setup.folder(), ["check", config]);
    let line = "condition incident: false, as the file of conditions does not set it";
    assert!(said.stdout.contains(line), "{said:?}");
    let said = run(setup.folder(), ["check", config, "--json"]);
    assert_eq!(
        said.json()["conditions"],
        json!({ "incident": false }),
        "{said:?}"
    );
}
