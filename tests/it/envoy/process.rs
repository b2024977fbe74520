//! A real Envoy with the project's own `envoy/envoy.yaml`, whose ports and paths are moved by plain text replacement.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use super::client::{Request, send};
use crate::harness::{SOON, eventually, tools};

/// The configuration that is shipped; the Envoys that ask run no other.
const SHIPPED: &str = include_str!("../../../envoy/envoy.yaml");

/// Ends the process `$1` when standard input ends.
const WATCH: &str = r#"read -r _; kill -TERM "$1" 2>/dev/null"#;

/// Ends a process when the tests die, however they do. Most of what is started here is shared by many tests, and what is
/// shared is never dropped.
pub(crate) struct Guard(Child);

impl Guard {
    /// Watches over a process.
    pub(crate) fn over(pid: u32) -> Self {
        let guard = Command::new("sh")
            .args(["-c", WATCH, "sh", &pid.to_string()])
            // Ends when this process ends, because nobody else holds the other side.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(guard.unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever drops the guard has ended the process itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A change to the shipped configuration: what stands there, and what shall. Text that does not stand there fails the
/// test, so that no variant silently is none.
pub(crate) type Change = (&'static str, String);

/// An Envoy that is ready.
pub(crate) struct Envoy {
    /// The plain listener.
    pub(crate) plain: SocketAddr,
    /// The listener for mutual TLS.
    pub(crate) mesh: SocketAddr,
    /// Envoy's admin port.
    pub(crate) admin: SocketAddr,
    process: Process,
}

/// Envoy's process and what it writes.
struct Process {
    child: Child,
    folder: TempDir,
    _guard: Guard,
}

/// A proxy in front of an Envoy, which sends everything on over mutual TLS.
pub(crate) struct Front {
    /// Its listener for mutual TLS.
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Front {
    /// Starts a proxy that shows the certificate `edge` to `next`, and writes `x-forwarded-client-cert` in this way.
    pub(crate) fn start(certs: &Path, edge: &str, next: SocketAddr, details: &str) -> Self {
        let mut text = include_str!("front.yaml").to_owned();
        let certs = certs.display().to_string();
        let next = next.port().to_string();
        for (from, to) in [
            ("CERTS", certs.as_str()),
            ("NEXT", &next),
            ("DETAILS", details),
        ] {
            text = text.replace(from, to);
        }
        let mut process = Process::start_with(&text, &[("edge.pem", edge)]);
        let admin = process.until("the proxy's admin", |process| {
            process.read("admin").trim().parse().ok()
        });
        let address = process.until("the proxy's listener", |_| {
            let ready = get(admin, "/ready").starts_with("LIVE");
            let listeners = serde_json::from_str(&get(admin, "/listeners?format=json")).ok()?;
            address(&listeners, "front").filter(|_| ready)
        });
        Self {
            address,
            _process: process,
        }
    }
}

impl Process {
    fn start(configuration: &str) -> Self {
        Self::start_with(configuration, &[])
    }

    /// The same with more files in Envoy's own folder.
    fn start_with(configuration: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("envoy.yaml"), configuration).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let child = Command::new(program())
            .args(["-c", "envoy.yaml", "--admin-address-path", "admin"])
            .args(["--concurrency", "2", "--log-level", "warn"])
            // Hot restart shares memory, by number, with every other Envoy of this machine.
            .arg("--disable-hot-restart")
            .args(["--file-flush-interval-msec", "20"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(file("access.log"))
            .stderr(file("envoy.log"))
            .spawn()
            .unwrap();
        let guard = Guard::over(child.id());
        Self {
            child,
            folder,
            _guard: guard,
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Asks until there is an answer or Envoy has ended.
    fn until<T>(&mut self, what: &str, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        eventually(SOON, what, || {
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "Envoy ended: {}", self.read("envoy.log"));
            ask(self)
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Envoy {
    /// Starts Envoy with these changes, and waits until it takes requests and asks `replicas` of countersign.
    pub(crate) fn start(certs: &Path, changes: &[Change], replicas: usize) -> Self {
        let mut process = Process::start(&configuration(certs, changes));
        let admin = process.until("Envoy's admin", |process| {
            process.read("admin").trim().parse().ok()
        });
        let (plain, mesh) = process.until("Envoy's listeners", |_| {
            let ready = get(admin, "/ready").starts_with("LIVE");
            let listeners = serde_json::from_str(&get(admin, "/listeners?format=json")).ok()?;
            let at = |name: &str| address(&listeners, name);
            ready.then(|| Some((at("ingress")?, at("mesh")?)))?
        });
        let envoy = Self {
            plain,
            mesh,
            admin,
            process,
        };
        envoy.await_healthy(replicas);
        envoy
    }

    /// Waits until exactly this many endpoints of the cluster `countersign` are healthy.
    pub(crate) fn await_healthy(&self, replicas: usize) {
        eventually(SOON, "countersign's health as Envoy sees it", || {
            (self.healthy() == replicas).then_some(())
        });
    }

    fn healthy(&self) -> usize {
        let clusters = get(self.admin, "/clusters");
        let healthy = |line: &&str| {
            line.starts_with("countersign::") && line.ends_with("::health_flags::healthy")
        };
        clusters.lines().filter(healthy).count()
    }

    /// The value of one of Envoy's counters.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let stats = get(self.admin, &format!("/stats?filter=^{name}$"));
        let value = stats.lines().find_map(|line| line.split_once(": "));
        value.map_or(0, |(_, number)| number.trim().parse().unwrap())
    }

    /// The line of the access log for the request with this id (which Envoy gives in `x-request-id`).
    pub(crate) fn logged(&self, request_id: &str) -> Value {
        eventually(SOON, "a line of the access log", || {
            let text = self.process.read("access.log");
            let lines = text.lines().map(serde_json::from_str::<Value>);
            let mut lines = lines.filter_map(Result::ok);
            lines.find(|line| line["request_id"] == request_id)
        })
    }
}

fn configuration(certs: &Path, changes: &[Change]) -> String {
    let mut text = SHIPPED.to_owned();
    let own = [
        ("port_value: 10000", "port_value: 0".to_owned()),
        ("port_value: 10443", "port_value: 0".to_owned()),
        ("port_value: 9901", "port_value: 0".to_owned()),
        ("target/demo/certs", certs.display().to_string()),
    ];
    for (from, to) in own.iter().chain(changes) {
        assert!(text.contains(from), "envoy.yaml has no `{from}`");
        text = text.replace(from, to);
    }
    text
}

/// Envoy's executable; without one there is nothing to prove, so its absence is a failure that says what to install.
pub(crate) fn program() -> &'static Path {
    static ENVOY: OnceLock<PathBuf> = OnceLock::new();
    ENVOY.get_or_init(|| tools::envoy().unwrap_or_else(|cause| panic!("no Envoy: {cause}")))
}

fn get(address: SocketAddr, target: &str) -> String {
    let answer = send(address, &Request::get("localhost", target));
    String::from_utf8(answer.body).unwrap()
}

fn address(listeners: &Value, name: &str) -> Option<SocketAddr> {
    let all = listeners["listener_statuses"].as_array()?;
    let one = all.iter().find(|listener| listener["name"] == name)?;
    let socket = &one["local_address"]["socket_address"];
    let text = format!("{}:{}", socket["address"].as_str()?, socket["port_value"]);
    text.parse().ok()
}
