//! Tool calls: with the official MCP SDK as client and as server, through a real Envoy; and what somebody sends who would like one
//! call to be decided and another one to be carried out.

mod approvals;
mod bypass;
mod differential;
mod fixture;
mod forged;
mod lengths;
mod peers;
mod raw;
mod sdk;
mod stage;

use crate::harness::Setup;

/// The host of every route here.
const HOST: &str = "mcp.example.com";

/// The routes.
const DESK: &str = include_str!("desk.yaml");

/// A person's token for a route of [`DESK`], in these groups.
fn token(setup: &Setup, route: &str, groups: &[&str]) -> String {
    let audience = format!("https://{HOST}/{route}");
    setup
        .corp
        .token("alice")
        .audience(&audience)
        .groups(groups)
        .sign()
}
