//! countersign itself, as a child process of the demo: the very program, run from the demo's own executable so that there is nothing
//! to find and nothing to build twice.

use std::ffi::OsString;
use std::process::ExitCode;

/// The first argument that makes the demo's executable be countersign.
pub(crate) const NAME: &str = "countersign";

/// countersign's command line, its own name first, if that is what this process was started for.
pub(crate) fn asked_for() -> Option<Vec<OsString>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    (arguments.first().is_some_and(|first| first == NAME)).then_some(arguments)
}

/// Runs countersign's command line to its end.
pub(crate) fn main(arguments: Vec<OsString>) -> ExitCode {
    countersign::cli::main(arguments)
}
