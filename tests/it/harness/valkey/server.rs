//! One server: its own port, folder and configuration.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::{RespAnswer, ask, port, program};
use crate::envoy::process::Guard;
use crate::harness::{SOON, eventually};

/// What survives a server's death.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fsync {
    /// Every write: it is on the disk before it is acknowledged.
    Always,
    /// What is older than a second, if the machine dies; everything, if only the process dies.
    EverySecond,
    /// Nothing: there is no file.
    Never,
}

/// Who the harness itself is to a server that asks.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// A server. Dropping it ends it.
pub(crate) struct Valkey {
    folder: TempDir,
    port: u16,
    login: Option<Login>,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    _guard: Guard,
}

impl Valkey {
    /// Starts a server that anybody may use, and waits until it answers.
    pub(crate) fn start(fsync: Fsync) -> Self {
        Self::with(fsync, None, &[])
    }

    /// The same with more lines of configuration, which win over the harness's own.
    pub(crate) fn with(fsync: Fsync, login: Option<&Login>, lines: &[&str]) -> Self {
        // Between the choice of the port and the server's start somebody else can take it.
        for _ in 0..5 {
            let server = Self {
                folder: tempfile::tempdir().unwrap(),
                port: port::free(),
                login: login.cloned(),
                running: Mutex::new(None),
            };
            server.write_configuration(fsync, lines);
            if server.launch() {
                return server;
            }
            let log = server.log();
            assert!(log.contains("in use"), "Valkey ended:\n{log}");
        }
        panic!("no port stays free");
    }

    fn write_configuration(&self, fsync: Fsync, lines: &[&str]) {
        let (file, sync) = match fsync {
            Fsync::Always => ("yes", "always"),
            Fsync::EverySecond => ("yes", "everysec"),
            Fsync::Never => ("no", "no"),
        };
        let text = format!(
            "port {}\nbind 127.0.0.1\nprotected-mode no\nsave \"\"\nappendonly {file}\nappendfsync {sync}\n\
             maxmemory-policy noeviction\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n{}\n",
            self.port,
            lines.join("\n")
        );
        fs::write(self.folder.path().join("valkey.conf"), text).unwrap();
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The same as configurations spell it.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// What it has logged so far, in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends one command, as the harness's own user.
    pub(crate) fn ask(&self, command: &[&str]) -> RespAnswer {
        ask(self.address(), self.login.as_ref(), command)
            .unwrap_or_else(|error| panic!("{command:?}: {error}\n{}", self.log()))
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&self) {
        if let Some(mut running) = self.running().take() {
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }

    /// Starts it again on what it has kept, and waits until it answers.
    pub(crate) fn revive(&self) {
        self.kill();
        // The port is out of everybody's way, but for another test's server that looked for one meanwhile.
        eventually(SOON, "Valkey is back", || self.launch().then_some(()));
    }

    /// Stops its process for as long as it is not resumed: connections stay, answers do not come.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// The end of a pause.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Forgets everything, as by an operator's mistake; the process lives on.
    pub(crate) fn wipe(&self) {
        assert_eq!(self.ask(&["FLUSHALL"]), RespAnswer::Text("OK".into()));
    }

    /// Kills it and removes everything that it has kept; it comes back empty with [`Valkey::revive`].
    pub(crate) fn lose_files(&self) {
        self.kill();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else if path
                .extension()
                .is_some_and(|it| it == "rdb" || it == "aof")
            {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Makes it a replica, and waits until it has what its primary has.
    pub(crate) fn follow(&self, primary: &Self) {
        let port = primary.port.to_string();
        let done = self.ask(&["REPLICAOF", "127.0.0.1", &port]);
        assert_eq!(done, RespAnswer::Text("OK".into()));
        eventually(SOON, "the replica is in step", || {
            let info = self.ask(&["INFO", "replication"]).text();
            info.contains("master_link_status:up").then_some(())
        });
    }

    /// Makes a replica a primary.
    pub(crate) fn promote(&self) {
        let done = self.ask(&["REPLICAOF", "NO", "ONE"]);
        assert_eq!(done, RespAnswer::Text("OK".into()));
    }

    /// Starts the process; false if it ended before it answered.
    fn launch(&self) -> bool {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let child = Command::new(program())
            .arg("valkey.conf")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let guard = Guard::over(child.id());
        *self.running() = Some(Running {
            child,
            _guard: guard,
        });
        eventually(SOON, "Valkey answers", || {
            let ended = self.running().as_mut()?.child.try_wait().unwrap();
            if ended.is_some() {
                *self.running() = None;
                return Some(false);
            }
            let answer = ask(self.address(), self.login.as_ref(), &["PING"]);
            // Somebody else's server on our port would answer too, but ours would have ended by then.
            matches!(answer, Ok(RespAnswer::Text(pong)) if pong == "PONG").then_some(true)
        })
    }

    fn signal(&self, name: &str) {
        let pid = self.running().as_ref().expect("it runs").child.id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status();
        assert!(sent.unwrap().success(), "kill -{name}");
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- what Valkey said\n{}---", self.log());
        }
    }
}
