//! The program itself, run to its end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A command that inherits nothing which changes what the program does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for name in [
        "CONFIG",
        "GRPC_LISTEN",
        "METRICS_LISTEN",
        "ADMIN_LISTEN",
        "LOG",
        "STORE",
    ] {
        command.env_remove(format!("COUNTERSIGN_{name}"));
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The same, started by a shell after it has done `first`.
pub(crate) fn program_after(first: &str) -> Command {
    let program = program();
    let mut shell = Command::new("sh");
    let script = format!("{first}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the program in `folder`.
pub(crate) fn run<S: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = S>) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = program()
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    Ran {
        exit: status.code().expect("an exit code"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}
