//! The metrics listener.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[tokio::test]
async fn metrics_are_text_with_ages_as_of_the_scrape() {
    let edge = edge(healthy).await;
    edge.metrics.policy_loaded(Arc::from("v1"), after(1));
    let (head, body) = edge.ask("GET /metrics").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    for line in [
        "countersign_policy_age_seconds 89",
        "countersign_keyset_age_seconds{provider=\"corp\"} 30",
        "countersign_keyset_failures_total{provider=\"corp\"} 1",
        "countersign_keyset_withdrawn_total{provider=\"corp\"} 4",
        "countersign_keyset_lookups_total{provider=\"corp\",result=\"hit\"} 5",
        "countersign_keyset_lookups_total{provider=\"corp\",result=\"miss\"} 6",
        "countersign_keyset_lookups_total{provider=\"corp\",result=\"unfit\"} 7",
        "countersign_decision_duration_seconds_count{reason=\"permitted\",verdict=\"allow\"} 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
    }
}

#[tokio::test]
async fn health_is_about_the_process_and_readiness_about_checks() {
    let edge = edge(|| {
        let mut status = healthy();
        status.draining = true;
        status.key_sets[0].loaded = false;
        status.key_sets[0].last_error = Some("connection refused".into());
        status
    })
    .await;
    let (head, body) = edge.ask("GET /healthz").await;
    assert!(
        head.starts_with("http/1.1 200") && body == "ok\n",
        "{head} {body}"
    );
    let (head, body) = edge.json("/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    let keys =
        json!({"code": "keys_not_loaded", "provider": "corp", "error": "connection refused"});
    assert_eq!(
        body,
        json!({"ready": false, "reasons": [{"code": "draining"}, keys]})
    );
}

#[tokio::test]
async fn readiness_follows_the_status() {
    let loaded = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&loaded);
    let edge = edge(move || {
        let mut status = healthy();
        status.key_sets[0].loaded = seen.load(Ordering::SeqCst);
        status
    })
    .await;
    assert!(edge.json("/readyz").await.0.starts_with("http/1.1 503"));
    loaded.store(true, Ordering::SeqCst);
    let (head, body) = edge.json("/readyz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, json!({"ready": true}));
}

#[tokio::test]
async fn the_keys_of_minted_tokens_are_for_everybody_and_may_be_kept() {
    let path = "/.well-known/jwks.json";
    let minting = edge_publishing(SHORT, healthy, || Some(Arc::from("{\"keys\":[]}"))).await;
    let (head, body) = minting.json(path).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    for line in [
        "content-type: application/jwk-set+json",
        "cache-control: public, max-age=300",
    ] {
        assert!(head.lines().any(|found| found == line), "{line}\n{head}");
    }
    assert_eq!(head.matches("cache-control").count(), 1, "{head}");
    assert_eq!(body, json!({ "keys": [] }));
    let (head, body) = edge(healthy).await.json(path).await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("`token`"), "{detail}");
    assert!(head.contains("cache-control: no-store"), "{head}");
}

#[tokio::test]
async fn nothing_else_is_there_and_nothing_is_changed() {
    let edge = edge(healthy).await;
    for path in ["/status", "/reload", "/metrics/", "/", "/keys"] {
        let (head, body) = edge.json(path).await;
        assert!(head.starts_with("http/1.1 404"), "{path} {head}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        assert_eq!(
            (&body["status"], &body["code"]),
            (&json!(404), &json!("not_found"))
        );
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (head, body) = edge.ask(&format!("{method} /metrics")).await;
        assert!(head.starts_with("http/1.1 405"), "{method} {head}");
        assert!(head.contains("allow: get,head"), "{head}");
        assert!(body.contains("use GET or HEAD"), "{body}");
    }
    let (head, body) = edge.ask("HEAD /metrics").await;
    assert!(
        head.starts_with("http/1.1 200") && body.is_empty(),
        "{head} {body}"
    );
}
