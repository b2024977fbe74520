//! `countersign version`.

use serde_json::json;

use super::Exit;

pub(super) fn run(as_json: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        println!("{}", json!({ "name": "countersign", "version": version }));
    } else {
        println!("countersign {version}");
    }
    Exit::Ok
}
