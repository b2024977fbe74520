//! A real Valkey (or Redis) of a test's own, and everything that can happen to it: it is killed, restarted, paused, wiped,
//! made a replica, and stood behind a line that fails.

#[path = "../../../../envoy/demo/valkey.rs"]
mod find;
mod line;
mod port;
mod resp;
mod sentinel;
mod server;

pub(crate) use line::{Line, LineMode};
pub(crate) use resp::{Answer as RespAnswer, ask};
pub(crate) use sentinel::Sentinel;
pub(crate) use server::{Fsync, Login, Valkey};

use super::tools;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The server's executable; without one there is nothing to prove, so its absence is a failure that says what to install.
fn program() -> &'static Path {
    static VALKEY: OnceLock<PathBuf> = OnceLock::new();
    VALKEY.get_or_init(|| find::program().unwrap_or_else(|cause| panic!("no Valkey: {cause}")))
}
