//! `cargo demo`, as a person runs it.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::block::Block;
use super::root;
use super::transcript::{bash, fits, steps};
use crate::harness::eventually;

/// Time for building the demo, fetching Envoy and coming up, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(10);

/// Every address of the demo; another checkout on this machine may be at its own tests.
const PORTS: [u16; 9] = [9191, 9192, 9193, 9901, 10000, 10080, 10090, 10091, 10443];

/// A demo that is up. It goes down with its owner, at the latest.
pub(super) struct Demo {
    child: Child,
}

impl Demo {
    /// Runs the block's one command until it has printed what the block says.
    pub(super) fn start(block: &Block) -> Self {
        let steps = steps(&block.text);
        let [step] = steps.as_slice() else {
            panic!("one command brings the demo up")
        };
        eventually(PATIENCE, "the demo's ports are free", || {
            let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
            PORTS.iter().all(free).then_some(())
        });
        let log = tempfile::NamedTempFile::new().unwrap();
        let output = || Stdio::from(File::options().append(true).open(log.path()).unwrap());
        let mut demo = Self {
            child: bash(&format!("exec {}", step.command), &root())
                .stdin(Stdio::null())
                .stdout(output())
                .stderr(output())
                .spawn()
                .unwrap(),
        };
        eventually(PATIENCE, "the demo is up", || {
            let mut printed = String::new();
            File::open(log.path())
                .unwrap()
                .read_to_string(&mut printed)
                .unwrap();
            let ended = demo.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}: {ended:?}\n{printed}", step.command);
            fits(&step.expected, &printed).then_some(())
        });
        demo
    }

    /// Ends it as Ctrl-C does.
    pub(super) fn stop(mut self) {
        self.interrupt();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("bash")
            .args(["-c", "kill -INT \"$1\"", "bash", &id])
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Not killed: it has children of its own to take down.
            self.interrupt();
            drop(self.child.wait());
        }
    }
}
