//! Which core serves and which one asks, where the machine lets us choose.

use std::fs;
use std::io;
use std::process::{Child, Command};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A core for servers, if the generator has another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    server: Option<usize>,
}

impl Cores {
    /// Chooses two cores of those that this process may use, and says what became of it. The calling thread asks from now on.
    pub(crate) fn choose() -> (Self, String) {
        let nowhere = Self { server: None };
        let allowed = match sched_getaffinity(None) {
            Ok(set) => (0..CpuSet::MAX_CPU)
                .filter(|core| set.is_set(*core))
                .collect::<Vec<_>>(),
            Err(error) => return (nowhere, format!("not pinned: {error}")),
        };
        let Some((generator, server, apart)) = apart(&allowed) else {
            return (
                nowhere,
                "not pinned: server and generator share the one core that there is".to_owned(),
            );
        };
        if let Err(error) = sched_setaffinity(None, &only(generator)) {
            return (nowhere, format!("not pinned: {error}"));
        }
        let said = if apart { "" } else { " (of one physical core)" };
        let cores = Self {
            server: Some(server),
        };
        let said =
            format!("pinned: servers to core {server}, the generator to core {generator}{said}");
        (cores, said)
    }

    /// Starts a process on the servers' core.
    pub(crate) fn spawn(self, command: &mut Command) -> Result<Child> {
        self.on_servers_core(|| command.spawn())?
            .with_context(|| format!("cannot start `{}`", command.get_program().display()))
    }

    /// Does something in a thread on the servers' core; what it starts inherits its core.
    pub(crate) fn on_servers_core<T: Send>(self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let worked = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.server.map_or(Ok(()), pin)?;
                Ok::<T, io::Error>(work())
            });
            thread.join()
        });
        Ok(worked.map_err(|_panic| anyhow!("a thread ended"))??)
    }
}

fn pin(core: usize) -> io::Result<()> {
    Ok(sched_setaffinity(None, &only(core))?)
}

fn only(core: usize) -> CpuSet {
    let mut set = CpuSet::new();
    set.set(core);
    set
}

/// Two cores, and whether they are two physical ones.
fn apart(allowed: &[usize]) -> Option<(usize, usize, bool)> {
    let (generator, others) = allowed.split_first()?;
    let beside = siblings(*generator);
    let other = others.iter().find(|core| !beside.contains(core));
    other
        .map(|server| (*generator, *server, true))
        .or_else(|| Some((*generator, *others.first()?, false)))
}

/// The cores that share a physical one with this core: `0,4` or `0-1`.
fn siblings(core: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    let text = fs::read_to_string(path).unwrap_or_default();
    let ranges = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}
