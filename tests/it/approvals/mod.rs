//! Calls that need an approval, through the gRPC port.

mod bound;
mod flow;
mod lost;
mod racing;
pub(crate) mod stage;

const PENDING: &str = "pending 403 approval_required";
