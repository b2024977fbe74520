//! Approvals as signed tokens (`typ: authz-approval+jwt`): for whoever cannot reach the store that an approval is in.
//!
//! A token is not a bearer grant. It names the key of one call, and is good for the parties, the credential's key and the arguments
//! that made it, as long as today's rules are content with its approvers, and once. One of this server's own is good only while
//! the store has the approval that it was made for; one of another issuer that the operator accepts stands for itself. No byte
//! of a token is in a log, a record or an error.

mod accepted;
mod claims;
mod settings;
mod spec;
#[cfg(test)]
mod tests;
mod verify;

pub use settings::ApprovalTokens;
pub use spec::{AcceptedSpec, ApprovalTokenSpec};
pub use verify::{Presented, Untaken};

/// The request header that a token comes in. It holds a credential: it never goes upstream.
pub use crate::model::header::APPROVAL_TOKEN as TOKEN_HEADER;

/// The type of every token; no provider takes it for a credential.
const TYP: &str = "authz-approval+jwt";
