//! The `countersign` binary: parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::cli::main(std::env::args_os().collect())
}
