//! One room for each question about speed.

mod approval;
mod envoy;
mod fresh;
mod keys;
mod memory;
mod pace;
mod reload;
mod rules;
mod seen;
mod start;
mod tool;

use anyhow::Result;

use super::stage::Stage;

/// A question, and whoever answers it.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Stage) -> Result<()>,
}

/// Rules where nothing else is said.
pub(crate) const RULES: usize = 1_000;

pub(crate) const ROOMS: [Room; 11] = [
    Room {
        name: "seen",
        about: "processor time of a check at saturation, token seen before, everything on",
        run: seen::run,
    },
    Room {
        name: "fresh",
        about: "the same with tokens that were never seen, against verifying a signature and nothing else",
        run: fresh::run,
    },
    Room {
        name: "pace",
        about: "latency at 5,000 checks a second, whatever becomes of those before",
        run: pace::run,
    },
    Room {
        name: "tool",
        about: "processor time of a tool call that is decided on the arguments of a 2 KB body",
        run: tool::run,
    },
    Room {
        name: "rules",
        about: "a very large policy against ten rules",
        run: rules::run,
    },
    Room {
        name: "approval",
        about: "latency of an approved call against using an approval up and nothing else, one call at a time",
        run: approval::run,
    },
    Room {
        name: "memory",
        about: "resident memory",
        run: memory::run,
    },
    Room {
        name: "reload",
        about: "latency at 2,000 checks a second while a large policy is loaded again and again",
        run: reload::run,
    },
    Room {
        name: "keys",
        about: "latency and processor time while the key-set endpoint is down, or hangs; keys are known",
        run: keys::run,
    },
    Room {
        name: "start",
        about: "from the start of the process to the first allow",
        run: start::run,
    },
    Room {
        name: "envoy",
        about: "processor time of a request through Envoy, by process; Envoy answers it itself",
        run: envoy::run,
    },
];
