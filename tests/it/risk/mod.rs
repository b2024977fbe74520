//! The risk of a request, and what is said about what it was decided on: by `test`, by `explain`, in the record and in
//! Envoy's metadata.

mod record;
mod verbs;

use crate::harness::Setup;

/// The project's configuration with one more policy.
fn setup() -> Setup {
    let setup = Setup::new();
    setup.write("policies/exports.yaml", include_str!("exports.yaml"));
    setup
}
