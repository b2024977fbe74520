//! Who may change something through the admin listener, and how it is asked for.

use super::*;

fn ops() -> Json {
    json!({ "access": [{ "name": "ops", "token": { "file": "token" } }], "url": "https://ops.example.com" })
}

/// Headers of an operator, and more of them.
fn bearer(edge: &Edge, token: &str, more: &str) -> String {
    format!(
        "host: {}\r\nauthorization: Bearer {token}\r\n{more}",
        edge.address
    )
}

fn code(body: &str) -> String {
    let problem: Json = serde_json::from_str(body).unwrap();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

/// Status and code of a `POST /reload` with these headers and this body.
async fn reload(edge: &Edge, headers: &str, body: &str) -> (u16, String) {
    let (head, body) = edge.ask_with("POST /reload", headers, body).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(head.contains("cache-control: no-store"), "{head}");
    (status, code(&body))
}

fn refused(edge: &Edge, reason: &str) -> String {
    let text = edge.metrics.encode(START, &[], &[]).unwrap();
    let series = format!("countersign_admin_refused_total{{reason=\"{reason}\"}} ");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(&series));
    lines.next().unwrap().to_owned()
}

#[tokio::test]
async fn until_somebody_is_listed_everybody_may_look_and_nobody_may_change_anything() {
    let (edge, _folder) = admin(json!({}), healthy).await;
    assert!(edge.ask("GET /status").await.0.starts_with("http/1.1 200"));
    let (head, body) = edge.ask("POST /reload").await;
    assert!(head.starts_with("http/1.1 403"), "{head}");
    assert_eq!(code(&body), "access_not_configured");
    assert!(body.contains("admin.access"), "{body}");
    let with_token = bearer(&edge, TOKEN, "");
    assert_eq!(reload(&edge, &with_token, "").await.0, 403);
}

#[tokio::test]
async fn a_change_is_carried_out_for_who_is_listed_and_has_a_record() {
    let (edge, folder) = admin(ops(), healthy).await;
    let (head, body) = edge
        .ask_with("POST /reload", &bearer(&edge, TOKEN, ""), "")
        .await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({ "result": "applied", "version": "v2" }));
    let records = folder.path().join("records");
    let written = async {
        while std::fs::read_to_string(&records).unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written)
        .await
        .unwrap();
    let record = std::fs::read_to_string(&records).unwrap();
    let expected = json!({
        "type": "admin", "time": "2026-11-21T21:53:20.000Z", "action": "reload",
        "by": { "name": "ops", "method": "token" }, "result": "applied",
    });
    assert_eq!(serde_json::from_str::<Json>(&record).unwrap(), expected);
}

#[tokio::test]
async fn a_credential_is_one_and_right_or_refused_whatever_is_asked() {
    let (edge, _folder) = admin(ops(), healthy).await;
    let host = format!("host: {}\r\n", edge.address);
    let (head, body) = edge.ask("POST /reload").await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    assert!(
        head.contains("www-authenticate: bearer realm=\"countersign\"\r\n"),
        "{head}"
    );
    assert_eq!(code(&body), "authentication_required");
    let half = TOKEN.split_at(16).0;
    let twice = format!(
        "{}authorization: Bearer {TOKEN}\r\n",
        bearer(&edge, TOKEN, "")
    );
    for (headers, expected) in [
        (bearer(&edge, half, ""), "token_invalid"),
        (bearer(&edge, &format!("{TOKEN}0"), ""), "token_invalid"),
        (bearer(&edge, "", ""), "token_invalid"),
        (
            format!("{host}authorization: Basic {TOKEN}\r\n"),
            "token_invalid",
        ),
        (twice, "credential_ambiguous"),
    ] {
        for line in ["POST /reload", "GET /status"] {
            let (head, body) = edge.ask_with(line, &headers, "").await;
            assert!(head.starts_with("http/1.1 401"), "{headers} {head}");
            assert!(head.contains("error=\"invalid_token\""), "{head}");
            assert_eq!(code(&body), expected, "{headers}");
        }
    }
    assert_eq!(refused(&edge, "unauthenticated"), "11");
}

#[tokio::test]
async fn who_guesses_is_slowed_down_and_who_knows_the_token_is_not() {
    let (edge, _folder) = admin(ops(), healthy).await;
    let wrong = bearer(&edge, "wrong", "");
    let mut limited = 0;
    for _ in 0..40 {
        let (status, code) = reload(&edge, &wrong, "").await;
        match (status, code.as_str()) {
            (401, "token_invalid") => {}
            (429, "too_many_failures") => limited += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(limited > 0, "nobody was slowed down");
    assert_eq!(refused(&edge, "limited"), limited.to_string());
    assert_eq!(reload(&edge, &bearer(&edge, TOKEN, ""), "").await.0, 200);
}

#[tokio::test]
async fn a_token_that_is_replaced_counts_for_the_next_request() {
    let (edge, folder) = admin(ops(), healthy).await;
    let (old, new) = (TOKEN.to_owned(), TOKEN.replace('0', "9"));
    let answer = async |token: &str| reload(&edge, &bearer(&edge, token, ""), "").await.0;
    assert_eq!((answer(&old).await, answer(&new).await), (200, 401));
    std::fs::write(folder.path().join("token"), format!("{new}\n")).unwrap();
    assert_eq!((answer(&old).await, answer(&new).await), (401, 200));
    // A file that is gone, or holds what is no token, lets nobody in.
    std::fs::write(folder.path().join("token"), "short").unwrap();
    assert_eq!((answer("short").await, answer(&new).await), (401, 401));
    std::fs::remove_file(folder.path().join("token")).unwrap();
    assert_eq!(answer(&new).await, 401);
}

#[tokio::test]
async fn only_hosts_of_ours_are_answered() {
    let (edge, _folder) = admin(ops(), healthy).await;
    let ask = async |host: &str| edge.ask_with("GET /status", host, "").await.0;
    let port = edge.address.port();
    for host in [
        format!("host: 127.0.0.1:{port}\r\n"),
        "host: LOCALHOST\r\n".to_owned(),
        "host: [::1]:80\r\n".to_owned(),
        "host: Ops.example.com:8443\r\n".to_owned(),
    ] {
        let head = ask(&host).await;
        assert!(head.starts_with("http/1.1 200"), "{host} {head}");
    }
    for host in [
        "host: evil.example.com\r\n",
        "host: 127.0.0.1.evil.example.com\r\n",
        "host: localhost.evil.example.com\r\n",
        "host: 10.1.2.3\r\n",
        "host: localhost:80:90\r\n",
        "host: localhost.\r\n",
        "host: user@localhost\r\n",
        "host: 127.0.0.1]\r\n",
        "host: [[::1]]\r\n",
        "host: [127.0.0.1]\r\n",
        "host: localhost\r\nhost: evil.example.com\r\n",
        "host: \r\n",
        "",
    ] {
        let head = ask(host).await;
        assert!(
            head.starts_with("http/1.1 421") || head.starts_with("http/1.1 400"),
            "{host} {head}"
        );
    }
    let other = edge
        .ask_with(
            "GET http://evil.example.com/status",
            "host: localhost\r\n",
            "",
        )
        .await;
    assert!(other.0.starts_with("http/1.1 421"), "{}", other.0);
    assert_ne!(refused(&edge, "host"), "0");
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything() {
    let (edge, _folder) = admin(ops(), healthy).await;
    let ask = async |more: &str| reload(&edge, &bearer(&edge, TOKEN, more), "").await;
    for ours in [
        "origin: https://ops.example.com\r\nsec-fetch-site: same-origin\r\n",
        "sec-fetch-site: none\r\n",
    ] {
        assert_eq!(ask(ours).await.0, 200, "{ours}");
    }
    for theirs in [
        "origin: https://evil.example.com\r\n",
        "origin: http://ops.example.com\r\n",
        "origin: null\r\n",
        "origin: https://ops.example.com\r\norigin: https://evil.example.com\r\n",
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "origin: https://ops.example.com\r\nsec-fetch-site: cross-site\r\n",
    ] {
        let answer = ask(theirs).await;
        assert_eq!(answer, (403, "cross_site".to_owned()), "{theirs}");
    }
}

#[tokio::test]
async fn a_body_is_json_and_small_and_has_no_more_than_is_known() {
    let (edge, _folder) = admin(ops(), healthy).await;
    let ask = async |kind: &str, body: &str| {
        let more = format!("{kind}content-length: {}\r\n", body.len());
        reload(&edge, &bearer(&edge, TOKEN, &more), body).await
    };
    let json_kind = "content-type: application/json; charset=utf-8\r\n";
    assert_eq!(ask(json_kind, "{}").await.0, 200);
    let large = format!("{{{}}}", " ".repeat(64 * 1024));
    for (kind, body, expected) in [
        (json_kind, large.as_str(), (413, "body_too_large")),
        ("", "{}", (415, "not_json")),
        ("content-type: text/plain\r\n", "{}", (415, "not_json")),
        (json_kind, "{\"s3cret\": 1}", (400, "body_invalid")),
        (json_kind, "[1]", (400, "body_invalid")),
        (json_kind, "{} {}", (400, "body_invalid")),
        (json_kind, "{", (400, "body_invalid")),
    ] {
        let (status, code) = ask(kind, body).await;
        assert_eq!((status, code.as_str()), expected, "{kind} {body:.20}");
    }
    let more = format!("{json_kind}content-length: 13\r\n");
    let headers = bearer(&edge, TOKEN, &more);
    let (_, body) = edge
        .ask_with("POST /reload", &headers, "{\"s3cret\": 1}")
        .await;
    assert!(!body.contains("s3cret"), "{body}");
}
