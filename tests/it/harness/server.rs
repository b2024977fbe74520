//! A running server: the real program, ended by its own process id when the test is over.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::program::{program, program_after};
use super::setup::CONFIG;
use super::{Client, Reply, SOON, Setup, eventually, get};

/// A server and its configuration.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) setup: Setup,
    pub(crate) grpc: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) unix: Option<String>,
    stdout: Said,
    stderr: Said,
}

/// What a pipe has carried so far.
type Said = Arc<Mutex<String>>;

impl Server {
    /// Starts the program and waits until it says where it listens.
    pub(crate) fn spawn(setup: Setup) -> Self {
        let first = setup.first.as_deref();
        let mut child = first
            .map_or_else(program, program_after)
            .args(["serve", "--json", "--config"])
            .arg(setup.path(CONFIG))
            .args(&setup.arguments)
            .envs(setup.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (Said::default(), Said::default());
        let (first, listens) = channel();
        collect(child.stdout.take().unwrap(), &stdout, move |line| {
            drop(first.send(line.to_owned()));
        });
        collect(child.stderr.take().unwrap(), &stderr, |_line| ());
        let line = listens.recv_timeout(SOON).unwrap_or_else(|error| {
            drop(child.kill());
            drop(child.wait());
            panic!(
                "it does not say where it listens: {error}\n{}",
                text(&stderr)
            )
        });
        let bound: Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| bound[name].as_str().unwrap().parse().unwrap();
        Self {
            grpc: address("grpc"),
            metrics: address("metrics"),
            admin: bound["admin"].as_str().map(|it| it.parse().unwrap()),
            unix: bound["unix"].as_str().map(str::to_owned),
            child,
            setup,
            stdout,
            stderr,
        }
    }

    /// Waits until `/readyz` says so.
    pub(crate) fn wait_until_ready(&self) {
        eventually(SOON, "ready", || {
            get(self.metrics, "/readyz")
                .ok()
                .filter(|reply| reply.status == 200)
        });
    }

    /// Asks the metrics listener.
    pub(crate) fn get(&self, path: &str) -> Reply {
        get(self.metrics, path).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// `/status`.
    pub(crate) fn status(&self) -> Value {
        let path = "/status";
        let reply = get(self.admin(), path).unwrap_or_else(|error| panic!("`{path}`: {error}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// The address of the admin listener.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin.expect("an admin listener")
    }

    /// The value of one series in `/metrics`, written as it is there; 0 if it is not.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").body;
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(series));
        lines
            .find_map(|rest| rest.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0.0)
    }

    /// The same for what is counted.
    pub(crate) fn count(&self, series: &str) -> u64 {
        self.metric(series).to_string().parse().unwrap()
    }

    /// A connection over TCP.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(&format!("http://{}", self.grpc)).await
    }

    /// A connection over the Unix socket.
    pub(crate) async fn unix_client(&self) -> Client {
        Client::connect(&format!("unix:{}", self.unix.as_ref().unwrap())).await
    }

    /// The decision records so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.setup.audit_file()).unwrap_or_default();
        // The last one may be on its way.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        text(&self.stderr)
    }

    /// What it has written to standard output so far, the line with the addresses included.
    pub(crate) fn output(&self) -> String {
        text(&self.stdout)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: a minimal system has no other.
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.pid())])
            .status();
        assert!(sent.unwrap().success(), "kill -{name}");
        if name == "STOP" {
            eventually(SOON, "stopped", || self.is_stopped().then_some(()));
        }
    }

    /// Whether every thread stands still; they do not all do so at the moment of the signal.
    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The name before it may have brackets and spaces.
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('T'))
        })
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        eventually(limit, "ended", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("--- what the server said\n{}---", self.log());
        }
    }
}

fn text(said: &Said) -> String {
    said.lock().unwrap().clone()
}

/// Reads a pipe to its end in a thread of its own, so that the program never waits for us.
fn collect(
    pipe: impl Read + Send + 'static,
    said: &Said,
    first: impl FnOnce(&str) + Send + 'static,
) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        let mut first = Some(first);
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if let Some(first) = first.take() {
                first(&line);
            }
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}
