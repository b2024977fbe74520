//! A refusal in one line, for callers that speak gRPC. Envoy makes a status of it that has no body: `grpc-status` from the
//! HTTP status, `grpc-message` from the text.

use super::told::Told;

/// Title, reason and the decision's id.
pub(super) fn body(told: &Told<'_>) -> String {
    let Told {
        title,
        reason,
        decision,
        ..
    } = told;
    format!("{title} ({reason}, decision {decision})")
}
