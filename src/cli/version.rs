//! `countersign version`.

use serde_json::json;

use super::Exit;
use super::output::print;

pub(super) fn run(as_json: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        let name = json!({ "name": "countersign", "version": version });
        print(format_args!("{name}\n"));
    } else {
        print(format_args!("countersign {version}\n"));
    }
    Exit::Ok
}
