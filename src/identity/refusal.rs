//! How a credential can fail.

use crate::keys::JwsError;
use crate::model::reason::{FaultCode, Reason};
use crate::model::verdict::{Denial, Fault};

/// Why there is no identity although there is a credential. No cause holds a byte of a token or a value of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The credential is not accepted.
    Deny(Denial),
    /// The credential cannot be judged now.
    Fault(Fault),
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl From<JwsError> for Refusal {
    fn from(error: JwsError) -> Self {
        let reason = match error {
            JwsError::TooLarge => Reason::TokenTooLarge,
            JwsError::Malformed | JwsError::TooDeep | JwsError::DuplicateMember => {
                Reason::TokenMalformed
            }
            JwsError::CriticalHeader | JwsError::UnencodedPayload => Reason::TokenCritical,
            JwsError::AlgorithmNotAllowed | JwsError::UnfitKey => Reason::TokenAlgorithm,
            JwsError::UnknownKey | JwsError::AmbiguousKey => Reason::TokenKeyUnknown,
            JwsError::BadSignature => Reason::TokenSignature,
            JwsError::KeysNotLoaded | JwsError::KeysStale => {
                return Self::Fault(Fault::new(FaultCode::KeysUnavailable, error.to_string()));
            }
        };
        Self::Deny(Denial::new(reason).because(error.to_string()))
    }
}

/// A denial for a claim that is missing, has the wrong type or is out of bounds. `cause` names the claim, never its value.
pub(super) fn claims(cause: impl Into<String>) -> Denial {
    Denial::new(Reason::TokenClaims).because(cause)
}

/// The denial of a token that nobody here can judge.
pub(super) fn unknown_issuer() -> Denial {
    Denial::new(Reason::TokenIssuer).because("no provider of the route has the token's `iss`")
}
