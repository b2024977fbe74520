//! What the program prints, and where.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use crate::harness::program;

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["test", "--json"],
        &["version"],
    ] {
        let mut child = program()
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
        assert_eq!(said, "", "{arguments:?}");
    }
}
