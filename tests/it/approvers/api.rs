//! The admin listener: who may look and decide, what they see, and that exactly one call passes afterwards.

use serde_json::json;

use super::{ask, call, caller, changes, lead, setup, waited_for};
use crate::harness::{Server, now};

/// A server, somebody's call of the vault, and the approval that it waits for.
async fn pending(path: &str) -> (Server, String, String) {
    let server = setup().start();
    let token = caller(&server, "alice");
    let id = waited_for(&call(&server, &token, path).await);
    (server, token, id)
}

#[tokio::test]
async fn a_lead_approves_and_one_call_passes() {
    let (server, alice, id) = pending("/open/7").await;
    let ana = lead(&server, "ana", &["leads"]);
    let listed = ask(&server, "GET /approvals?status=pending", Some(&ana), "");
    assert_eq!(listed.status, 200, "{listed:?}");
    let listed = listed.json();
    assert_eq!(listed["approvals"][0]["id"], json!(id));
    assert_eq!(
        listed["approvals"][0]["requester"]["subject"]["id"],
        json!("alice")
    );
    assert_eq!(listed["next"], json!(null));
    assert!(listed["approvals"][0].get("call").is_none(), "{listed}");

    let shown = ask(&server, &format!("GET /approvals/{id}"), Some(&ana), "").json();
    assert_eq!(shown["call"]["params"], json!("{\"id\":\"7\"}"));
    assert_eq!(shown["resource"], json!({ "type": "box", "id": "7" }));
    assert_eq!(shown["demand"]["rules"], json!(["leads-open"]));
    assert_eq!(shown["status"], json!("pending"));

    let approve = format!("POST /approvals/{id}/approve");
    let said = ask(&server, &approve, Some(&ana), r#"{"reason":"seen"}"#);
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(said.json()["status"], json!("approved"));
    assert!(said.json()["position"].is_string(), "{said:?}");
    let again = ask(&server, &approve, Some(&ana), "");
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.json()["position"], json!(null));

    assert!(call(&server, &alice, "/open/7").await.allows());
    let next = waited_for(&call(&server, &alice, "/open/7").await);
    assert_ne!(next, id);
    let shown = ask(&server, &format!("GET /approvals/{next}"), Some(&ana), "").json();
    assert_eq!(shown["before"][0]["id"], json!(id), "{shown}");
    assert_eq!(shown["before"][0]["status"], json!("consumed"));

    let changes = changes(&server, 2);
    assert_eq!(changes[0]["action"], json!("approvals.approve"));
    assert_eq!(changes[0]["target"], json!(id));
    assert_eq!(changes[0]["by"]["id"], json!("corp/ana"));
    assert_eq!(changes[0]["result"], json!("approved"));
    assert_eq!(changes[1]["result"], json!("unchanged"));
    let decisions = server.records();
    let decided = decisions
        .iter()
        .filter(|it| it["action"] == json!("approvals.approve") && it["type"] == json!("decision"));
    assert_eq!(decided.count(), 2);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one entry a caller")]
async fn whoever_may_not_is_told_what_would_help() {
    let (server, alice, id) = pending("/open/7").await;
    let approve = format!("POST /approvals/{id}/approve");
    let read = format!("GET /approvals/{id}");
    let corp = &server.setup.corp;
    let stale = corp
        .token("ana")
        .audience(super::AUDIENCE)
        .groups(&["leads"]);
    let stale = stale.claim("auth_time", json!(now() - 3600)).sign();
    let expired = corp
        .token("ana")
        .audience(super::AUDIENCE)
        .groups(&["leads"]);
    let expired = expired.claim("exp", json!(now() - 120)).sign();
    let guest = lead(&server, "gus", &["guests"]);
    let stranger = lead(&server, "sam", &["sales"]);
    let agent = lead(&server, "crm-bot", &["leads"]);
    let own = lead(&server, "alice", &["leads"]);
    for (line, token, status, code, challenge) in [
        (
            &approve,
            None,
            401,
            "authentication_required",
            "bearer realm=\"countersign\"",
        ),
        (
            &read,
            None,
            401,
            "authentication_required",
            "bearer realm=\"countersign\"",
        ),
        (
            &approve,
            Some(&expired),
            401,
            "token_expired",
            "error=\"invalid_token\"",
        ),
        (
            &approve,
            Some(&alice),
            401,
            "token_audience",
            "error=\"invalid_token\"",
        ),
        (
            &approve,
            Some(&stale),
            401,
            "insufficient_user_authentication",
            "error=\"insufficient_user_authentication\", acr_values=\"phr phrh\", max_age=\"300\"",
        ),
        (&approve, Some(&stranger), 403, "not_permitted", ""),
        (&read, Some(&stranger), 403, "not_permitted", ""),
        (&approve, Some(&agent), 403, "not_permitted", ""),
        // The policy lets a guest vote, and the approval wants others.
        (&approve, Some(&guest), 403, "not_an_approver", ""),
        (&approve, Some(&own), 403, "own_approval", ""),
    ] {
        let reply = ask(&server, line, token.map(String::as_str), "");
        let found = reply.json();
        assert_eq!(
            (reply.status, found["code"].as_str()),
            (status, Some(code)),
            "{line}: {reply:?}"
        );
        assert!(
            reply.head.contains(challenge),
            "{line} {code}: {}",
            reply.head
        );
        assert_eq!(
            reply.head.contains("www-authenticate"),
            status == 401,
            "{code}: {}",
            reply.head
        );
    }
    assert!(!call(&server, &alice, "/open/7").await.allows());
    let ana = lead(&server, "ana", &["leads"]);
    let shown = ask(&server, &read, Some(&ana), "").json();
    assert_eq!(shown["votes"], json!([]));
}

#[tokio::test]
async fn two_must_agree_and_a_no_is_final() {
    let (server, alice, id) = pending("/melt/7").await;
    let [ana, ben] = ["ana", "ben"].map(|sub| lead(&server, sub, &["leads"]));
    let approve = format!("POST /approvals/{id}/approve");
    let vote = |token: &String, line: &str, body: &str| {
        let reply = ask(&server, line, Some(token), body);
        let said = reply.json();
        let word = said["code"].as_str().or(said["status"].as_str());
        (reply.status, word.unwrap_or_default().to_owned())
    };
    let because = r#"{"reason":"scrap"}"#;
    assert_eq!(
        vote(&ana, &approve, "{}"),
        (400, "reason_required".to_owned())
    );
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(2000));
    assert_eq!(
        vote(&ana, &approve, &long),
        (400, "reason_too_long".to_owned())
    );
    let longer = format!(r#"{{"reason":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(
        vote(&ana, &approve, &longer),
        (413, "body_too_large".to_owned())
    );
    assert_eq!(
        vote(&ana, &approve, r#"{"why":"x"}"#),
        (400, "body_invalid".to_owned())
    );
    assert_eq!(vote(&ana, &approve, because), (200, "pending".to_owned()));
    assert!(!call(&server, &alice, "/melt/7").await.allows());
    let deny = format!("POST /approvals/{id}/deny");
    assert_eq!(
        vote(&ana, &deny, because),
        (409, "already_voted".to_owned())
    );
    assert_eq!(vote(&ben, &deny, because), (200, "denied".to_owned()));
    let cal = lead(&server, "cal", &["leads"]);
    assert_eq!(
        vote(&cal, &approve, because),
        (409, "approval_over".to_owned())
    );
    assert_eq!(
        call(&server, &alice, "/melt/7").await.reason(),
        "approval_denied"
    );
}

#[tokio::test]
async fn an_approved_one_can_be_revoked() {
    let (server, alice, id) = pending("/open/7").await;
    let ana = lead(&server, "ana", &["leads"]);
    for (word, status) in [("approve", "approved"), ("revoke", "revoked")] {
        let reply = ask(
            &server,
            &format!("POST /approvals/{id}/{word}"),
            Some(&ana),
            "",
        );
        assert_eq!(reply.json()["status"], json!(status), "{reply:?}");
    }
    assert_ne!(waited_for(&call(&server, &alice, "/open/7").await), id);
    let again = ask(
        &server,
        &format!("POST /approvals/{id}/revoke"),
        Some(&ana),
        "",
    );
    assert_eq!(
        (again.status, again.json()["code"].as_str()),
        (409, Some("approval_over"))
    );
}

#[tokio::test]
async fn whoever_asked_sees_how_it_stands_and_can_take_it_back() {
    let (server, alice, id) = pending("/open/7").await;
    let bob = caller(&server, "bob");
    let ana = lead(&server, "ana", &["leads"]);
    let (status, cancel) = (
        format!("GET /approvals/{id}/status"),
        format!("POST /approvals/{id}/cancel"),
    );
    for (line, token, expected) in [
        (&status, None, 401),
        (&status, Some(&bob), 401),
        (&status, Some(&alice), 200),
        (&status, Some(&ana), 200),
        (&cancel, None, 401),
        (&cancel, Some(&bob), 403),
        // Whoever may vote does not ask.
        (&cancel, Some(&ana), 401),
    ] {
        let reply = ask(&server, line, token.map(String::as_str), "");
        assert_eq!(reply.status, expected, "{line}: {reply:?}");
    }
    let seen = ask(&server, &status, Some(&alice), "").json();
    assert_eq!(seen["status"], json!("pending"));
    assert!(
        seen.get("votes").is_none() && seen.get("requester").is_none(),
        "{seen}"
    );
    let reply = ask(&server, &cancel, Some(&alice), "");
    assert_eq!(reply.json()["status"], json!("cancelled"), "{reply:?}");
    assert_eq!(changes(&server, 1)[0]["action"], json!("approvals.cancel"));
    let approve = format!("POST /approvals/{id}/approve");
    assert_eq!(ask(&server, &approve, Some(&ana), "").status, 409);
}

#[tokio::test]
async fn a_requester_is_told_at_once_and_waits_no_longer_than_it_says() {
    let (server, alice, id) = pending("/open/7").await;
    let (ana, address) = (lead(&server, "ana", &["leads"]), server.admin());
    let headers = format!("authorization: Bearer {alice}\r\n");
    let line = format!("GET /approvals/{id}/status?wait=9s");
    let begin = std::time::Instant::now();
    let waiting =
        std::thread::spawn(move || crate::harness::send(address, &line, &headers).unwrap());
    // Whoever waits is seen to wait before anything is decided.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!waiting.is_finished());
    let said = ask(
        &server,
        &format!("POST /approvals/{id}/approve"),
        Some(&ana),
        "",
    );
    assert_eq!(said.status, 200, "{said:?}");
    let told = waiting.join().unwrap();
    assert_eq!(told.json()["status"], json!("approved"));
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );

    let tag = told.header("etag").unwrap().to_owned();
    let headers = format!("authorization: Bearer {alice}\r\nif-none-match: {tag}\r\n");
    let line = format!("GET /approvals/{id}/status?wait=1s");
    let same = crate::harness::send(server.admin(), &line, &headers).unwrap();
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    for wrong in ["wait=31s", "wait=x", "for=1s", "wait=1s&wait=2s"] {
        let line = format!("GET /approvals/{id}/status?{wrong}");
        assert_eq!(ask(&server, &line, Some(&alice), "").status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_id_is_said_alike() {
    let server = setup().start();
    let ana = lead(&server, "ana", &["leads"]);
    for id in ["apr_0123456789abcdefghijkl", "apr_", "..%2fkeys", "a"] {
        for line in [
            format!("GET /approvals/{id}"),
            format!("POST /approvals/{id}/approve"),
            format!("GET /approvals/{id}/status"),
        ] {
            let reply = ask(&server, &line, Some(&ana), "");
            assert_eq!(
                (reply.status, reply.json()["code"].as_str()),
                (404, Some("approval_unknown")),
                "{line}: {reply:?}"
            );
        }
    }
    for query in ["status=open", "limit=501", "offset=3"] {
        let reply = ask(&server, &format!("GET /approvals?{query}"), Some(&ana), "");
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (400, Some("query_invalid")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_could_be_known() {
    let setup = super::setup_with("  # nobody", "");
    let server = setup.start();
    let ana = lead(&server, "ana", &["leads"]);
    let reply = ask(&server, "GET /approvals", Some(&ana), "");
    assert!(matches!(reply.status, 401 | 403), "{reply:?}");
}
