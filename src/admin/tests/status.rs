//! What the admin listener shows, and to whom.

use super::*;

#[tokio::test]
async fn status_says_since_when_and_why_a_reload_is_refused() {
    let (edge, _folder) = admin(json!({}), || {
        let mut status = healthy();
        let problems = vec!["rules[3].must: `arg` is unknown".to_owned()];
        status.policy.reload = ReloadStatus::Refused {
            since: after(70),
            problems,
        };
        status
    })
    .await;
    let _checking = edge.metrics.begin_check();
    let (head, body) = edge.json("/status").await;
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    let expected = json!({
        "version": "0.1.0", "time": "2026-11-21T21:54:50.000Z", "started": "2026-11-21T21:53:20.000Z",
        "uptime_seconds": 90, "ready": true, "draining": false,
        "policy": {"version": "v1", "loaded_at": "2026-11-21T21:53:21.000Z", "rules": 16, "routes": 2,
            "reload": {"state": "refused", "since": "2026-11-21T21:54:30.000Z",
                "problems": ["rules[3].must: `arg` is unknown"]}},
        "key_sets": [{"provider": "corp", "loaded": true, "age_seconds": 30,
            "last_success": "2026-11-21T21:54:20.000Z", "failures": 1, "keys": 2, "last_error": null}],
        "state": {"replica": "gateway-1", "staleness_seconds": 0.12, "position": "g1:7"},
        "introspection": [], "streams": [], "conditions": {}, "in_flight": 1, "shed": 0,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_as_problems() {
    let (edge, _folder) = admin(json!({}), healthy).await;
    for path in ["/status/", "/metrics", "/healthz", "/"] {
        let (head, body) = edge.json(path).await;
        assert!(head.starts_with("http/1.1 404"), "{head}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        assert_eq!(
            (&body["status"], &body["code"]),
            (&json!(404), &json!("not_found"))
        );
    }
    for (line, allowed) in [
        ("POST /status", "allow: get,head"),
        ("DELETE /status", "allow: get,head"),
        ("GET /reload", "allow: post"),
        ("OPTIONS /reload", "allow: post"),
    ] {
        let (head, body) = edge.ask(line).await;
        assert!(head.starts_with("http/1.1 405"), "{line} {head}");
        assert!(head.contains(allowed), "{head}");
        assert!(body.contains("method_not_allowed"), "{body}");
        assert!(!head.contains("access-control"), "{head}");
    }
    let (head, body) = edge.ask("HEAD /status").await;
    assert!(
        head.starts_with("http/1.1 200") && body.is_empty(),
        "{head} {body}"
    );
}
