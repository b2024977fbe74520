//! The `countersign` binary: parse, call, exit code.

fn main() {}
