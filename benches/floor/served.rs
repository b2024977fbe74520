//! Servers as processes of their own, and what the kernel says about them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cores::Cores;
use super::http;
use super::socket::Address;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process that is ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a process on the servers' core. Its words go to a file of `folder`.
    pub(crate) fn start(cores: Cores, command: &mut Command, folder: &Path) -> Result<Self> {
        let words = File::options()
            .create(true)
            .append(true)
            .open(folder.join("stderr"))?;
        command.stdin(Stdio::null()).stderr(words);
        Ok(Self(cores.spawn(command)?))
    }

    /// The processor time that its threads have used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            // A thread can end while we look.
            let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            let used = text.split(' ').next().unwrap_or_default();
            nanos += used.parse::<u64>().unwrap_or_default();
        }
        ensure!(nanos > 0, "the kernel does not say what a process used");
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: f64 = kib.context("no `VmRSS`")?.trim().parse()?;
        Ok(kib * 1024.0)
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn finish(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::TERM)?;
        self.0.wait()?;
        Ok(())
    }

    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server that answers checks.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) tcp: Address,
    pub(crate) unix: Address,
    pub(crate) admin: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    /// When its process was started.
    pub(crate) started: Instant,
    /// How long it took until it was ready, if that was waited for.
    pub(crate) ready: Duration,
}

impl Server {
    /// The floor, which is this program once more.
    pub(crate) fn floor(cores: Cores, folder: &Path, wrapper: &[&OsStr]) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = wrapped(wrapper, program.as_os_str());
        command
            .arg(super::stock_server::ARGUMENT)
            .arg(folder.join("floor.sock"));
        Self::start(cores, &mut command, folder)
    }

    /// countersign with the configuration in `folder`, when it is ready.
    pub(crate) fn countersign(cores: Cores, folder: &Path, wrapper: &[&OsStr]) -> Result<Self> {
        let mut server = Self::countersign_unready(cores, folder, wrapper)?;
        let metrics = server.metrics.context("no metrics listener")?;
        let asked = Instant::now();
        while http::get(metrics, "/readyz").is_err() {
            let is_alive = !server.process.has_ended()? && asked.elapsed() < PATIENCE;
            ensure!(is_alive, "countersign is not ready:\n{}", words(folder));
            std::thread::sleep(Duration::from_millis(10));
        }
        server.ready = server.started.elapsed();
        Ok(server)
    }

    /// The same as soon as it listens.
    pub(crate) fn countersign_unready(
        cores: Cores,
        folder: &Path,
        wrapper: &[&OsStr],
    ) -> Result<Self> {
        let program = OsStr::new(env!("CARGO_BIN_EXE_countersign"));
        let mut command = wrapped(wrapper, program);
        command
            .args(["serve", "--json", "--config"])
            .arg(folder.join("countersign.yaml"))
            .current_dir(folder);
        Self::start(cores, &mut command, folder)
    }

    /// Starts a server and waits until it says in one line of JSON where it listens.
    fn start(cores: Cores, command: &mut Command, folder: &Path) -> Result<Self> {
        let started = Instant::now();
        let mut process = Process::start(cores, command.stdout(Stdio::piped()), folder)?;
        let said = process.0.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let bound: Value = serde_json::from_str(&line)
            .with_context(|| format!("the server said `{line}`\n{}", words(folder)))?;
        let text = |name: &str| bound.get(name).and_then(Value::as_str);
        Ok(Self {
            tcp: Address::Tcp(text("grpc").context("no TCP listener")?.parse()?),
            unix: Address::Unix(PathBuf::from(text("unix").context("no Unix socket")?)),
            admin: text("admin").map(str::parse).transpose()?,
            metrics: text("metrics").map(str::parse).transpose()?,
            process,
            started,
            ready: Duration::ZERO,
        })
    }
}

/// `program`, or a wrapper around it (`valgrind …`).
fn wrapped(wrapper: &[&OsStr], program: &OsStr) -> Command {
    let mut whole = wrapper.iter().copied().chain([program]);
    let mut command = Command::new(whole.next().unwrap_or(program));
    command.args(whole);
    command
}

/// What the servers of a folder have said.
fn words(folder: &Path) -> String {
    fs::read_to_string(folder.join("stderr")).unwrap_or_default()
}
