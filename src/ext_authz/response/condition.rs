//! What a refusal is in JSON-RPC: the one table of error codes.
//!
//! Where the protocol defines a condition, its code is used. The others are ours, and positive: what lies between -32768 and
//! -32000 belongs to JSON-RPC and MCP (MCP 2026-07-28, "Error Codes").

#![deny(clippy::wildcard_enum_match_arm)]

use super::status::{Class, class};
use crate::model::reason::Reason;

/// What a refusal is to a client that speaks JSON-RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The body is not JSON (JSON-RPC 2.0, section 5.1).
    NoJson,
    /// The body is no request.
    NoRequest,
    /// Headers and body disagree (MCP 2026-07-28, "Header Validation").
    Disagreement,
    /// The revision is not understood.
    Version,
    /// There is no such tool, prompt, resource or method: its code depends on which of them.
    Unknown,
    /// The arguments do not fit.
    Arguments,
    /// The HTTP request is malformed or ambiguous.
    Malformed,
    /// The body did not come whole.
    Incomplete,
    /// A credential is needed, or a better one.
    Unauthenticated,
    /// It is not allowed.
    Forbidden,
    /// The token lacks scopes.
    Scope,
    /// The person has to authenticate again.
    StepUp,
    /// The caller has to prove that the token is its own.
    Proof,
    /// Somebody else has to approve the call.
    Approval,
    /// No decision could be made.
    Fault,
}

impl Condition {
    /// The condition of every reason.
    pub(super) const fn of(reason: Reason) -> Self {
        match (reason, class(reason)) {
            (Reason::BodyMalformed, _) => Self::NoJson,
            (
                Reason::BodyType
                | Reason::BodyTooComplex
                | Reason::BatchRefused
                | Reason::MessageMalformed,
                _,
            ) => Self::NoRequest,
            (Reason::MessageDisagrees, _) => Self::Disagreement,
            (Reason::ProtocolVersion, _) => Self::Version,
            (Reason::NoAction, _) => Self::Unknown,
            (
                Reason::ParameterInvalid | Reason::ArgumentInvalid | Reason::ArgumentUndeclared,
                _,
            ) => Self::Arguments,
            (Reason::InputIncomplete, _) => Self::Incomplete,
            (Reason::InsufficientScope, _) => Self::Scope,
            (Reason::StepUpRequired, _) => Self::StepUp,
            (Reason::ProofRequired, _) => Self::Proof,
            (Reason::ApprovalRequired, _) => Self::Approval,
            (_, Class::Malformed) => Self::Malformed,
            (_, Class::Unauthenticated) => Self::Unauthenticated,
            (_, Class::Forbidden | Class::Answered) => Self::Forbidden,
        }
    }

    /// Its code; none where it depends on the message.
    pub(super) const fn code(self) -> Option<i32> {
        Some(match self {
            Self::NoJson => -32_700,
            Self::NoRequest => -32_600,
            Self::Arguments => -32_602,
            Self::Disagreement => -32_020,
            Self::Version => -32_022,
            Self::Malformed => 40_001,
            Self::Incomplete => 40_002,
            Self::Unauthenticated => 40_101,
            Self::Forbidden => 40_301,
            Self::Scope => 40_302,
            Self::StepUp => 40_303,
            Self::Proof => 40_304,
            Self::Approval => 40_305,
            Self::Fault => 50_301,
            Self::Unknown => return None,
        })
    }

    /// Whether it is told in the HTTP status, however a route answers refused calls: it is not about what the call asks for,
    /// so it is the matter of whoever carries the message. A client begins to log in when it sees a 401, and tries again
    /// when it sees a 503.
    pub(super) const fn is_of_transport(self) -> bool {
        match self {
            Self::NoJson
            | Self::NoRequest
            | Self::Disagreement
            | Self::Version
            | Self::Malformed
            | Self::Incomplete
            | Self::Unauthenticated
            | Self::Fault => true,
            Self::Unknown
            | Self::Arguments
            | Self::Forbidden
            | Self::Scope
            | Self::StepUp
            | Self::Proof
            | Self::Approval => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_our_own_are_in_nobodys_range() {
        for reason in Reason::ALL {
            let Some(code) = Condition::of(*reason).code() else {
                assert_eq!(*reason, Reason::NoAction);
                continue;
            };
            let defined = [-32_700, -32_600, -32_602, -32_020, -32_022];
            assert!(defined.contains(&code) || code > 0, "{reason}: {code}");
            // The first digits are those of the HTTP status.
            let status = class(*reason).http() as i32;
            let ours = code > 0 && status != 200;
            let expected = if matches!(reason, Reason::StepUpRequired | Reason::ProofRequired) {
                403
            } else {
                status
            };
            assert!(!ours || code / 100 == expected, "{reason}: {code}");
        }
    }
}
