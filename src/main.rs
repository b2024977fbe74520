//! The `countersign` binary: parse, call, exit code.

use std::process::ExitCode;

/// A check takes some ninety pieces of memory, and many are in flight at once: more than the system's allocator keeps at hand.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    countersign::cli::main(std::env::args_os().collect())
}
