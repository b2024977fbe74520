//! Checks over the real gRPC port: what Envoy gets for what it asks.

mod answers;
mod caps;
mod limits;
mod shapes;
mod tokens;

use crate::harness::{PAYMENTS, Server};

const CRM: &str = "https://crm.example.com";
const API: &str = "https://api.example.com";

/// A token of somebody who may list payments.
fn payer(server: &Server) -> String {
    let token = server.setup.corp.token("alice").audience(PAYMENTS);
    token.groups(&["payments"]).scope("payments:read").sign()
}

/// A token of a member of the CRM team.
fn seller(server: &Server) -> String {
    let token = server.setup.corp.token("alice").audience(CRM);
    token.groups(&["crm"]).scope("crm:read").sign()
}
