//! The `events` section: what is wrong with it is said where it stands, and a reload takes it over.

use serde_json::json;

use super::{TYPE, event, outcome, person, push_as, setup, with_token};
use crate::harness::{SOON, eventually, run, send_as};

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let setup = setup();
    let check = |from: &str, to: &str| {
        let text = setup.read("countersign.yaml");
        assert!(text.contains(from), "{from}");
        setup.write("wrong.yaml", &text.replacen(from, to, 1));
        let checked = run(
            setup.folder(),
            ["check", "--json", "--config", "wrong.yaml"],
        );
        let found = checked.json()["problems"].as_array().unwrap().clone();
        let found: Vec<String> = found
            .iter()
            .filter(|it| it["severity"] == "error")
            .map(|it| format!("{} {}", it["code"], it["help"]).replace('"', ""))
            .collect();
        found.join("; ")
    };
    let file = "keys: { file: idp.jwks.json }\n      provider: corp\n      authorization: { file: idp.token }";
    for (from, to, expected) in [
        (file, file, ""),
        (
            file,
            &file.replace("corp", "crop"),
            "unknown-provider did you mean `corp`?",
        ),
        (
            file,
            &file.replace("provider: corp", "provider: mesh"),
            "provider-without-issuer name a provider of tokens that has one",
        ),
        (
            file,
            &file.replace("{ file: idp.jwks.json }", "{}"),
            "invalid-keys null",
        ),
        (
            file,
            &format!("{file}\n      algorithms: []"),
            "no-algorithm null",
        ),
        (
            "issuer: https://idp.example.com",
            "issuer: a b",
            "event-stream null",
        ),
        ("    idp:\n", "    id p:\n", "invalid-name null"),
    ] {
        assert_eq!(check(from, to), expected, "{to}");
    }
    setup.write("idp.token", "short");
    let serve = run(setup.folder(), ["serve", "--config", "countersign.yaml"]);
    assert!(serve.exit != 0);
    assert!(
        serve.stderr.contains("at least 32 characters"),
        "{}",
        serve.stderr
    );
}

#[tokio::test]
async fn a_reload_takes_streams_over() {
    let server = setup().start();
    let signed = event("c-1", "risc account-disabled", &json!({}), &person("ivy")).sign();
    let later = push_as(&server, "later", &with_token(), TYPE, &signed);
    assert_eq!(later.status, 404);
    server
        .setup
        .edit("countersign.yaml", "    quiet:\n", "    later:\n");
    eventually(SOON, "the stream is there", || {
        let reply = send_as(server.admin(), "POST /events/later", "", (TYPE, &signed)).unwrap();
        (reply.status == 202).then_some(())
    });
    assert_eq!(outcome(&server, "ivy").await, "deny 403 identity_revoked");
    // Its keys are those that it has now, and the other stream's are still there.
    let before = push_as(&server, "idp", &with_token(), TYPE, &signed);
    assert_eq!(before.status, 202);
    let gone = push_as(&server, "quiet", "", TYPE, &signed);
    assert_eq!(gone.status, 404);
}
