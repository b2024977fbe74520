//! The one integration binary: the real program, real sockets, no mocks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    reason = "tests: the switches of clippy.toml cover test functions and not their helpers"
)]

mod admin;
mod api_keys;
mod approvals;
mod approvers;
mod bodies;
mod bypass;
mod cli;
mod cluster;
mod doctor;
mod drain;
mod envoy;
mod events;
mod grpc;
mod harness;
mod hostile;
mod import;
mod inbox;
mod introspection;
mod json;
mod keys;
mod layers;
mod lifecycle;
mod listed;
mod mcp;
mod mcp_port;
mod minted;
mod mutants;
mod output;
mod proof;
mod readme;
mod refusals;
mod reload;
mod revocation;
mod risk;
mod rulings;
mod state;
mod svid;
mod transport;
mod valkey;
