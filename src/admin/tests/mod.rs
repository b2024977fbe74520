//! Both listeners over real sockets.

mod connections;
mod metrics;
mod operators;
mod settings;
mod status;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::server::Limits;
use super::*;
use crate::audit::{AuditSettings, AuditSpec, SinkSpec};
use crate::keys::Lookups;
use crate::model::change::Position;
use crate::model::name::ProviderName;
use crate::model::time::Timestamp;
use crate::store::{StoreSettings, StoreSpec};
use crate::tls::testing::{Authority, files as tls_files};

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
            withdrawn: 4,
            lookups: Lookups {
                hits: 5,
                misses: 6,
                unfit: 7,
            },
            last_error: None,
        }],
        introspection: Vec::new(),
        streams: Vec::new(),
        conditions: std::collections::BTreeMap::new(),
        state: StateStatus {
            replica: Arc::from("gateway-1"),
            age: Some(Duration::from_millis(120)),
            position: Some(Position {
                generation: Arc::from("g1"),
                seq: 7,
            }),
        },
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
    answer: Duration::from_millis(200),
    grace: Duration::from_millis(300),
};

async fn edge(status: impl Fn() -> Status + Send + Sync + 'static) -> Edge {
    edge_within(SHORT, status).await
}

async fn edge_within(limits: Limits, status: impl Fn() -> Status + Send + Sync + 'static) -> Edge {
    edge_publishing(limits, status, || None).await
}

async fn edge_publishing(
    limits: Limits,
    status: impl Fn() -> Status + Send + Sync + 'static,
    jwks: impl Fn() -> Option<Arc<str>> + Send + Sync + 'static,
) -> Edge {
    let metrics = Metrics::new("0.1.0", START).unwrap();
    let state = MetricsState {
        metrics: metrics.clone(),
        status: Arc::new(status),
        jwks: Arc::new(jwks),
    };
    let spec = MetricsSpec {
        listen: "127.0.0.1:0".to_owned(),
        insecure: false,
    };
    let settings = MetricsSettings::try_from(spec).unwrap();
    let server = HttpServer::metrics(&settings, state).await.unwrap();
    run(server.with_limits(limits), metrics)
}

fn run(server: HttpServer, metrics: Metrics) -> Edge {
    let (address, stop) = (server.address(), CancellationToken::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    Edge {
        address,
        stop,
        task,
        metrics,
    }
}

/// A token that can be one.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// An admin listener on loopback, with what `spec` says of it; its records and a token are in the folder.
async fn admin(
    mut spec: Json,
    status: impl Fn() -> Status + Send + Sync + 'static,
) -> (Edge, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    spec["listen"] = json!("127.0.0.1:0");
    let mut spec: AdminSpec = serde_json::from_value(spec).unwrap();
    spec.relative_to(&folder.path().join("countersign.yaml"));
    let around = Surroundings {
        providers: &[],
        incomplete: false,
        files: true,
    };
    let (settings, findings) = AdminSettings::compile(spec, &around);
    let settings = settings.unwrap_or_else(|| panic!("{findings:?}"));
    let metrics = Metrics::new("0.1.0", START).unwrap();
    let audit = AuditSettings::try_from(AuditSpec {
        sink: SinkSpec::File(folder.path().join("records")),
        ..AuditSpec::default()
    });
    let (audit, writer) = Audit::open(&audit.unwrap(), metrics.clone()).unwrap();
    tokio::spawn(writer.run(CancellationToken::new(), Duration::from_secs(1)));
    let state = AdminState {
        metrics: metrics.clone(),
        status: Arc::new(status),
        reload: Arc::new(|| {
            let version = Arc::from("v2");
            Box::pin(async { Some(Reloaded::Applied { version }) })
        }),
        snapshot: Arc::new(|| panic!("no provider is listed")),
        decide: Arc::new(|_, _, _| panic!("nothing is decided")),
        streams: Arc::new(Streams::default),
        live: Live::none(),
        store: Store::open(&StoreSettings::try_from(StoreSpec::default()).unwrap()).unwrap(),
        audit,
        clock: || START,
    };
    let server = HttpServer::admin(settings, state).await.unwrap().unwrap();
    (run(server.with_limits(SHORT), metrics), folder)
}

impl Edge {
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    /// Head and body of the answer.
    async fn ask(&self, line: &str) -> (String, String) {
        self.ask_with(line, &format!("host: {}\r\n", self.address), "")
            .await
    }

    /// The same, with headers (each with its line end) and a body.
    async fn ask_with(&self, line: &str, headers: &str, body: &str) -> (String, String) {
        let request = format!("{line} HTTP/1.1\r\n{headers}connection: close\r\n\r\n{body}");
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
