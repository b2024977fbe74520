//! A refusal in one line, for callers that speak gRPC. Envoy makes a status of it that has no body: `grpc-status` from the
//! HTTP status, `grpc-message` from the text.

use super::approval::ApprovalDocument;
use super::told::Told;

/// Title, reason and the decision's id; and the approval that is waited for, with its URL.
pub(super) fn body(told: &Told<'_>) -> String {
    let Told {
        title,
        reason,
        decision,
        ..
    } = told;
    let Some(ApprovalDocument { id, url, .. }) = ApprovalDocument::of(told) else {
        return format!("{title} ({reason}, decision {decision})");
    };
    let place = url.map_or_else(String::new, |url| format!(": {url}"));
    format!("{title} ({reason}, decision {decision}, approval {id}){place}")
}
