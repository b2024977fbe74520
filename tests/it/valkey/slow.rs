//! The store is slow while an approval is used: the call is refused in time, and what was used is not given twice.

use serde_json::json;

use crate::approvals::stage::{self, vault};
use crate::harness::valkey::{Fsync, Line, LineMode, Valkey};
use crate::harness::{Answer, Ask, Client, KEPT, SOON, Server, eventually_async, now, send_body};

const OPEN: &str = "/v1/vaults/seven/open";

/// A vault behind a line to its store, and who may open it waits for an approval.
async fn start(line: &Line) -> (Server, Client, Ask) {
    let store = format!(
        "store: {{ valkey: {{ url: 'redis://{}' }}, staleness: {{ low: 5m, medium: 2m, high: 2m, critical: 2m }} }}",
        line.address()
    );
    let setup = vault().replacing(KEPT, &store);
    let server = setup.start();
    let client = server.client().await;
    let ask = stage::ask(&server, "alice", OPEN);
    (server, client, ask)
}

/// A keeper approves what the call waits for.
async fn approve(server: &Server, client: &Client, ask: &Ask) {
    let waits = eventually_async(SOON, "an approval to wait for", async || {
        let answer = client.check(ask).await;
        (answer.reason() == "approval_required").then_some(answer)
    })
    .await;
    let id = waits.told("approval");
    let token = server
        .setup
        .corp
        .token("kim")
        .audience("http://127.0.0.1:9193");
    let token = token.groups(&["keepers"]).claim("acr", json!("phr"));
    let token = token.claim("auth_time", json!(now() - 1)).sign();
    let headers = format!("authorization: Bearer {token}\r\n");
    let line = format!("POST /approvals/{id}/approve");
    let reply = send_body(server.admin(), &line, &headers, r#"{"reason":"seen"}"#).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// Asks as often as a client may that does not give up; how many of the answers let it pass.
async fn passed(client: &Client, ask: &Ask) -> usize {
    let mut passed = 0;
    eventually_async(SOON, "the store answers again", async || {
        let answer: Answer = client.check(ask).await;
        passed += usize::from(answer.allows());
        (answer.reason() == "approval_required").then_some(())
    })
    .await;
    passed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_whose_answer_is_lost_is_refused_in_time_and_not_given_again() {
    for (mode, most) in [
        // The store counts it, and nobody hears that it did.
        (LineMode::SwallowAnswers, 0),
        // It waits on the line, and may be counted when the line is there again.
        (LineMode::Stall, 1),
        // The store never hears of it.
        (LineMode::SwallowRequests, 1),
    ] {
        let valkey = Valkey::start(Fsync::Never);
        let line = Line::to(valkey.address());
        let (server, client, ask) = start(&line).await;
        // The first use brings the script to the store.
        approve(&server, &client, &ask).await;
        assert_eq!(passed(&client, &ask).await, 1, "{mode:?}");
        approve(&server, &client, &ask).await;

        line.set(mode);
        let began = std::time::Instant::now();
        let late = client.check(&ask).await;
        // The caller gives five seconds.
        assert!(
            began.elapsed() < std::time::Duration::from_secs(5),
            "{mode:?}"
        );
        assert_eq!(late.status(), 503, "{mode:?}: {late:?}");
        assert!(!late.allows());
        line.set(LineMode::Forward);
        line.cut();
        let given = passed(&client, &ask).await;
        assert!(
            given <= most,
            "{mode:?}: given {given} times after it was refused"
        );
    }
}
