//! Whoever leaves takes back what they approved, too; what others approved stays.

use serde_json::json;

use super::{ask, call, caller, lead, waited_for};
use crate::harness::{SOON, Server, Setup, eventually_async, send_body};

const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";

fn start() -> Server {
    let admin =
        "  url: https://ops.example.com\n  access: [{ name: ops, token: { file: ops.token } }]";
    let setup: Setup = super::setup_with(
        admin,
        "approvals: { providers: [corp], url: https://ops.example.com }",
    );
    setup.write("ops.token", TOKEN);
    setup.start()
}

fn approve(server: &Server, id: &str, who: &str) {
    let token = lead(server, who, &["leads"]);
    let line = format!("POST /approvals/{id}/approve");
    let said = ask(server, &line, Some(&token), "");
    assert_eq!(said.status, 200, "{said:?}");
}

fn status(server: &Server, id: &str) -> String {
    let token = lead(server, "cem", &["leads"]);
    let shown = ask(server, &format!("GET /approvals/{id}"), Some(&token), "");
    shown.json()["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_leaver_approved_is_good_for_nothing_any_more() {
    let server = start();
    let alice = caller(&server, "alice");
    let mut open = Vec::new();
    for path in ["/open/by-ana", "/open/by-ben", "/open/by-nobody"] {
        open.push(waited_for(&call(&server, &alice, path).await));
    }
    let theirs = waited_for(&call(&server, &caller(&server, "ana"), "/open/for-ana").await);
    approve(&server, &open[0], "ana");
    approve(&server, &open[1], "ben");

    let headers = format!("authorization: Bearer {TOKEN}\r\n");
    let body = json!({ "identity": "corp/ana", "reason": "left" }).to_string();
    let said = send_body(server.admin(), "POST /offboard", &headers, &body).unwrap();
    assert_eq!(said.status, 200, "{said:?}");
    let said = said.json();
    let mut ended: Vec<&str> = said["approvals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    ended.sort_unstable();
    let mut expected = [open[0].as_str(), theirs.as_str()];
    expected.sort_unstable();
    assert_eq!(ended, expected, "{said}");

    let stand = |id: &str| status(&server, id);
    assert_eq!(stand(&open[0]), "revoked");
    assert_eq!(stand(&theirs), "cancelled");
    assert_eq!(
        (&*stand(&open[1]), &*stand(&open[2])),
        ("approved", "pending")
    );
    let waits = call(&server, &alice, "/open/by-ana").await;
    assert_ne!(waited_for(&waits), open[0]);
    eventually_async(SOON, "what another one approved passes", async || {
        let answer = call(&server, &alice, "/open/by-ben").await;
        answer.allows().then_some(())
    })
    .await;
}
