//! A Sentinel that watches over a primary and its replicas, and makes a replica the primary when the primary is gone.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{RespAnswer, Valkey, ask, port, program};
use crate::envoy::process::Guard;
use crate::harness::{SOON, eventually};

/// What it calls the servers that it watches over.
const NAME: &str = "countersign";

/// One Sentinel, which is a quorum by itself. Dropping it ends it.
pub(crate) struct Sentinel {
    folder: TempDir,
    port: u16,
    child: Child,
    _guard: Guard,
}

impl Sentinel {
    /// Watches over `primary`, and waits until it knows of `replicas` that could take its place. A primary that is silent for
    /// half a second is down.
    pub(crate) fn over(primary: &Valkey, replicas: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = port::free();
        let watched = primary.address().port();
        let text = format!(
            "port {port}\nbind 127.0.0.1\nprotected-mode no\nsentinel monitor {NAME} 127.0.0.1 {watched} 1\n\
             sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 3000\n"
        );
        fs::write(folder.path().join("sentinel.conf"), text).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program())
            .args(["sentinel.conf", "--sentinel"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let guard = Guard::over(child.id());
        let sentinel = Self {
            folder,
            port,
            child,
            _guard: guard,
        };
        eventually(SOON, "Sentinel knows the replicas", || {
            let known = ask(sentinel.address(), None, &["SENTINEL", "REPLICAS", NAME]);
            matches!(known, Ok(RespAnswer::List(known)) if known.len() == replicas).then_some(())
        });
        sentinel
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Who is the primary, as far as it knows.
    pub(crate) fn primary(&self) -> SocketAddr {
        let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
        match ask(self.address(), None, &command) {
            Ok(RespAnswer::List(parts)) => {
                let parts: Vec<String> = parts.into_iter().map(RespAnswer::text).collect();
                parts.join(":").parse().unwrap()
            }
            other => panic!("no primary: {other:?}\n{}", self.log()),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- what Sentinel said\n{}---", self.log());
        }
    }
}
