//! Pages of approvals, as programs and people turn them.

use rusqlite::Connection;
use serde_json::Value;

use super::{ask, call, caller, lead, setup, waited_for};
use crate::harness::{Server, program};

fn page(server: &Server, token: &str, more: &str) -> (Vec<String>, Option<String>) {
    let line = format!("GET /approvals?limit=2{more}");
    let reply = ask(server, &line, Some(token), "");
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = reply.json();
    let ids = reply["approvals"].as_array().unwrap().iter();
    let ids = ids.map(|it| it["id"].as_str().unwrap().to_owned());
    (ids.collect(), reply["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn the_next_page_is_there_also_when_the_last_one_was_forgotten() {
    let server = setup().start();
    let alice = caller(&server, "alice");
    let mut opened = Vec::new();
    for number in 0..5 {
        let path = format!("/open/{number}");
        opened.push(waited_for(&call(&server, &alice, &path).await));
    }
    let ana = lead(&server, "ana", &["leads"]);
    let (first, next) = page(&server, &ana, "");
    let next = next.expect("more");
    // Thirty days later.
    let file = Connection::open(server.setup.path("state.db")).unwrap();
    for id in &first {
        let gone = file.execute("DELETE FROM approvals WHERE id = ?1", [id]);
        assert_eq!(gone.unwrap(), 1);
    }
    let before = format!("&before={next}");
    let (second, last) = page(&server, &ana, &before);
    assert_eq!(second.len(), 2, "{second:?}");
    let (third, _) = page(&server, &ana, &format!("&before={}", last.unwrap()));
    let mut seen = [first, second.clone(), third].concat();
    seen.sort();
    opened.sort();
    assert_eq!(seen, opened, "each once");

    let mut listing = program();
    let admin = format!("--admin=http://{}", server.admin());
    listing.args(["approvals", "list", "--limit=2", "--json"]);
    listing.args([format!("--before={next}"), admin]);
    let listed = listing.env("COUNTERSIGN_TOKEN", &ana).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["approvals"][0]["id"], second[0]);
    assert_eq!(listed["approvals"][1]["id"], second[1]);

    let wrong = ask(&server, "GET /approvals?before=apr_1", Some(&ana), "");
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert!(
        wrong.body.contains("what the page before calls `next`"),
        "{wrong:?}"
    );
}
