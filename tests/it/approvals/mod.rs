//! Calls that need an approval, through the gRPC port.

mod flow;
mod racing;
mod stage;

const PENDING: &str = "pending 403 approval_required";
