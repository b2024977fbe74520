use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::server::Limits;
use super::*;
use crate::model::name::ProviderName;
use crate::model::time::Timestamp;

const START: Timestamp = Timestamp::from_seconds(1_795_298_000);

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn healthy() -> Status {
    Status {
        now: after(90),
        version: "0.1.0",
        started: START,
        uptime: Duration::from_secs(90),
        policy: PolicyStatus {
            version: Arc::from("v1"),
            loaded_at: after(1),
            rules: 16,
            routes: 2,
            reload: ReloadStatus::Applied { since: after(1) },
        },
        key_sets: vec![KeySetStatus {
            provider: ProviderName::new("corp").unwrap(),
            loaded: true,
            age: Some(Duration::from_secs(30)),
            last_success: Some(after(60)),
            failures: 1,
            keys: 2,
            last_error: None,
        }],
        introspection: Vec::new(),
        draining: false,
    }
}

struct Edge {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    metrics: Metrics,
}

const SHORT: Limits = Limits {
    head: Duration::from_millis(200),
    connection: Duration::from_millis(600),
    grace: Duration::from_millis(300),
};

async fn edge(status: impl Fn() -> Status + Send + Sync + 'static) -> Edge {
    edge_within(SHORT, status).await
}

async fn edge_within(limits: Limits, status: impl Fn() -> Status + Send + Sync + 'static) -> Edge {
    let metrics = Metrics::new("0.1.0", START).unwrap();
    let state = AdminState {
        metrics: metrics.clone(),
        status: Arc::new(status),
    };
    let spec = AdminSpec {
        listen: "127.0.0.1:0".to_owned(),
        insecure: false,
    };
    let settings = AdminSettings::try_from(spec).unwrap();
    let server = AdminServer::bind(&settings, state)
        .await
        .unwrap()
        .with_limits(limits);
    let (address, stop) = (server.address(), CancellationToken::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    Edge {
        address,
        stop,
        task,
        metrics,
    }
}

impl Edge {
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    /// Head and body of the answer.
    async fn ask(&self, line: &str) -> (String, String) {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = self.send(&request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }

    async fn json(&self, path: &str) -> (String, Json) {
        let (head, body) = self.ask(&format!("GET {path}")).await;
        (head, serde_json::from_str(&body).unwrap())
    }
}

/// Everything until the other side closes, which it must.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset after the answer is an end too.
    let _ended = tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

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
async fn status_says_since_when_and_why_a_reload_is_refused() {
    let edge = edge(|| {
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
        "introspection": [], "in_flight": 1, "shed": 0,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_as_problems() {
    let edge = edge(healthy).await;
    let (head, body) = edge.json("/metrics/").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
    assert_eq!(body["status"], 404);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (head, body) = edge.ask(&format!("{method} /status")).await;
        assert!(head.starts_with("http/1.1 405"), "{method} {head}");
        assert!(head.contains("allow: get,head"), "{head}");
        assert!(body.contains("use GET or HEAD"), "{body}");
    }
    let (head, body) = edge.ask("HEAD /status").await;
    assert!(
        head.starts_with("http/1.1 200") && body.is_empty(),
        "{head} {body}"
    );
}

#[tokio::test]
async fn a_slow_or_idle_client_is_cut_off() {
    let limits = Limits {
        connection: Duration::from_mins(1),
        ..SHORT
    };
    let edge = edge_within(limits, healthy).await;
    for sent in ["", "GET /status HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let begin = Instant::now();
        let answer = edge.send(sent).await;
        assert!(!answer.contains("uptime"), "{answer}");
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
    }
}

#[tokio::test]
async fn no_connection_lives_for_ever() {
    let limits = Limits {
        head: Duration::from_mins(1),
        ..SHORT
    };
    let edge = edge_within(limits, healthy).await;
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let begin = Instant::now();
    let mut answers = 0;
    while begin.elapsed() < Duration::from_secs(3) {
        let asked = stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        let mut answer = [0; 1024];
        let answered = stream.read(&mut answer).await;
        if asked.is_err() || !matches!(answered, Ok(1..)) {
            break;
        }
        answers += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answers > 1, "the connection is not kept alive");
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let edge = edge(healthy).await;
    let long = format!("GET /status HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let many = format!("GET /status HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(100));
    for request in [long, many] {
        let answer = edge.send(&request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn more_connections_than_allowed_wait_and_are_served_in_turn() {
    let edge = edge(healthy).await;
    let mut idle = Vec::new();
    for _ in 0..70 {
        idle.push(TcpStream::connect(edge.address).await.unwrap());
    }
    let begin = Instant::now();
    let (head, _) = edge.ask("GET /healthz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        begin.elapsed() > Duration::from_millis(100),
        "nobody waited"
    );
}

#[tokio::test]
async fn stopping_ends_idle_connections_at_once() {
    let patient = Duration::from_mins(1);
    let limits = Limits {
        head: patient,
        connection: patient,
        grace: patient,
    };
    let edge = edge_within(limits, healthy).await;
    let mut idle = TcpStream::connect(edge.address).await.unwrap();
    assert!(edge.ask("GET /healthz").await.0.starts_with("http/1.1 200"));
    edge.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    tokio::time::timeout(Duration::from_secs(2), edge.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(edge.address).await.is_err());
}

#[test]
fn only_loopback_is_listened_on_unless_the_operator_insists() {
    let settings = |listen: &str, insecure| {
        let listen = listen.to_owned();
        AdminSettings::try_from(AdminSpec { listen, insecure })
    };
    for loopback in ["127.0.0.1:9192", "[::1]:0", "[::ffff:127.0.0.1]:1"] {
        assert!(
            !settings(loopback, false).unwrap().is_exposed(),
            "{loopback}"
        );
    }
    for exposed in [
        "0.0.0.0:9192",
        "[::]:9192",
        "10.0.0.1:80",
        "[::ffff:10.0.0.1]:1",
    ] {
        let error = settings(exposed, false).unwrap_err();
        assert!(
            error.to_string().contains("write `insecure: true`"),
            "{error}"
        );
        assert!(settings(exposed, true).unwrap().is_exposed());
    }
    let error = settings("localhost", false).unwrap_err();
    assert!(
        error.to_string().contains("for example `127.0.0.1:9192`"),
        "{error}"
    );
    assert!(AdminSettings::try_from(AdminSpec::default()).is_ok());
    let unknown = json!({"listen": "127.0.0.1:1", "port": 2});
    assert!(serde_json::from_value::<AdminSpec>(unknown).is_err());
}
