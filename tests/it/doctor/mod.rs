//! `countersign doctor`: every trap of Envoy's configuration is found in a file that has it, and not in one beside it.

mod command;
mod dumps;
mod traps;

pub(crate) use traps::{SOUND, cases};
