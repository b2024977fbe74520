//! What happens to the store, the keys and the disk.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::event::{Disk, Endpoint, KeyEvent, StoreEvent};
use super::world::{Shared, World, first_key};
use crate::harness::Manner;
use crate::harness::valkey::LineMode;

/// Longer than the store has for an answer.
const SLOW: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn happens_to_store(&self, event: StoreEvent) {
        match (event, &self.valkey) {
            (StoreEvent::Gone, None) => self.move_state("db", "away"),
            (StoreEvent::Back, None) => self.move_state("away", "db"),
            (event, Some(shared)) => happens(event, shared),
            (event, None) => panic!("{event:?} happens to a Valkey"),
        }
    }

    fn move_state(&self, from: &str, to: &str) {
        let file = self.state_file();
        fs::rename(file.with_extension(from), file.with_extension(to)).unwrap();
    }

    pub(super) fn happens_to_keys(&self, event: KeyEvent) {
        let keys = self.keys.as_ref().expect("keys that are fetched");
        match event {
            KeyEvent::Down => keys.fail(true),
            KeyEvent::Up => keys.fail(false),
            KeyEvent::Added => keys.publish(self.corp.jwks()),
            KeyEvent::Replaced => {
                let mut all: serde_json::Value = serde_json::from_str(&self.corp.jwks()).unwrap();
                all["keys"].as_array_mut().unwrap().remove(0);
                assert_ne!(all.to_string(), first_key(&self.corp));
                keys.publish(all.to_string());
            }
        }
    }

    pub(super) fn happens_to_introspection(&self, event: Endpoint) {
        self.introspection.behave(match event {
            Endpoint::Stalls => Manner::Stall,
            Endpoint::Answers => Manner::Answer,
        });
    }

    /// A full disk as far as one can be had without being root: no file of the process may have a byte more.
    pub(super) fn disk(&self, replica: usize, disk: Disk) {
        let limit = match disk {
            Disk::Full => "--fsize=0:",
            Disk::Free => "--fsize=unlimited:",
        };
        let pid = self.servers[replica].pid().to_string();
        let done = Command::new("prlimit")
            .args(["--pid", &pid, limit])
            .status();
        let done = done.unwrap_or_else(|error| panic!("`prlimit` of util-linux: {error}"));
        assert!(done.success(), "prlimit {limit}");
    }
}

fn happens(event: StoreEvent, shared: &Shared) {
    let Shared {
        primary,
        standby,
        line,
    } = shared;
    let standby = || standby.as_ref().expect("a standby");
    match event {
        StoreEvent::Gone | StoreEvent::Killed => primary.kill(),
        StoreEvent::Back | StoreEvent::Revived => primary.revive(),
        StoreEvent::Paused => primary.pause(),
        StoreEvent::Resumed => primary.resume(),
        StoreEvent::Wiped => primary.wipe(),
        StoreEvent::Slow => line.set(LineMode::Delay(SLOW)),
        StoreEvent::CutOff => {
            line.set(LineMode::Refuse);
            line.cut();
        }
        StoreEvent::LosesRequests => line.set(LineMode::SwallowRequests),
        StoreEvent::LosesAnswers => line.set(LineMode::SwallowAnswers),
        StoreEvent::Connected => {
            line.set(LineMode::Forward);
            line.cut();
        }
        StoreEvent::StandbyFallsBehind => standby().promote(),
        StoreEvent::FailsOver => {
            line.lead_to(standby().address());
            primary.kill();
        }
    }
}
