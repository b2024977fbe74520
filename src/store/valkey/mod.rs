//! State in a Valkey or Redis that many replicas share.
//!
//! What must not be torn apart is a script; what is read, decided here and written is written only if what was read is still so
//! ([`swap`]). Every script names the state ([`Identity`](session::Identity)) that it is meant for: a server that was restarted,
//! replaced or wiped answers nothing before it was looked at, and until it has settled nothing is used up, and nobody who knows
//! nothing yet believes it. Every change has a number, which is its id in a stream; replicas read the stream, and read everything
//! anew where it has a gap.
//!
//! Nothing of Valkey, neither key nor command, is known outside this folder.

mod api_keys;
mod approvals;
mod connector;
mod failure;
mod feed;
mod follow;
mod keys;
mod link;
mod memory;
mod read;
mod replay;
mod reply;
mod script;
mod secrets;
mod seen;
mod session;
mod settings;
mod signals;
mod spec;
mod swap;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use settings::{ValkeyError, ValkeySettings};
pub use spec::{SentinelSpec, TimeoutsSpec, ValkeySpec, ValkeyTlsSpec};

use super::Steadiness;
use connector::Connector;
use link::Link;
use memory::Memory;

/// A handle on one server, or on those of which Sentinel makes one the primary. Connects when it is used first.
#[derive(Clone, Debug)]
pub(super) struct Valkey {
    connector: Arc<Connector>,
    memory: Arc<Memory>,
    link: Arc<Link>,
    /// For what has to be confirmed by replicas: who waits for them keeps nobody else waiting.
    confirmed: Option<Arc<Link>>,
    max_replay: u64,
    /// Whether the server's clock can be believed when something is forgotten for good.
    steadiness: Arc<Mutex<Steadiness>>,
    /// How long a replica counts that says nothing.
    heard: Duration,
}

impl Valkey {
    pub(super) fn new(settings: ValkeySettings, max_replay: u64, heard: Duration) -> Self {
        let connector = Arc::new(Connector::new(settings));
        let memory = Arc::new(Memory::default());
        let link = |confirms| {
            Arc::new(Link::new(
                Arc::clone(&connector),
                Arc::clone(&memory),
                confirms,
            ))
        };
        let (wanted, _) = connector.confirmation();
        Self {
            link: link(false),
            confirmed: (wanted > 0).then(|| link(true)),
            connector: Arc::clone(&connector),
            memory,
            max_replay,
            steadiness: Arc::default(),
            heard,
        }
    }

    /// The way for what has to last.
    fn confirmed(&self) -> &Link {
        self.confirmed.as_ref().unwrap_or(&self.link)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
