//! Why nothing is known about a token. Each is a fault, none a refusal of the token.

use std::sync::Arc;

use super::answer::AnswerError;
use crate::identity::refusal::Refusal;
use crate::keys::secret::SecretError;
use crate::model::reason::FaultCode;
use crate::model::verdict::Fault;
use crate::outbound::{OutboundError, describe};

/// Why nothing is known about a token. The messages contain neither the token nor anything of an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::identity) enum Failure {
    /// No answer, or none that can be read.
    #[error("the introspection endpoint: {0}")]
    Http(Arc<OutboundError>),
    /// An answer that makes no sense.
    #[error("the introspection endpoint: {0}")]
    Answer(AnswerError),
    /// The client's own secret cannot be had.
    #[error("the introspection client: {0}")]
    Secret(Arc<SecretError>),
    /// The client's own secret is no text.
    #[error("the introspection client: the secret is not UTF-8")]
    SecretIsBinary,
    /// Too many requests are under way.
    #[error("too many introspection requests are in flight")]
    Busy,
    /// The endpoint failed a moment ago.
    #[error("the introspection endpoint failed several times in a row and is given a pause")]
    Paused,
    /// The check's own deadline came first.
    #[error("the introspection endpoint has not answered before the check's deadline")]
    Late,
    /// The request ended without an answer: the server is shutting down, or there is a defect.
    #[error("the introspection request was given up")]
    GivenUp,
}

impl Failure {
    /// All that is known, in one line for operators.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Http(error) => format!("the introspection endpoint: {}", describe(&**error)),
            Self::Answer(_)
            | Self::Secret(_)
            | Self::SecretIsBinary
            | Self::Busy
            | Self::Paused
            | Self::Late
            | Self::GivenUp => self.to_string(),
        }
    }

    /// Whether the endpoint itself is in trouble, so that asking about another token would end the same. An answer that
    /// is odd for one token must not keep the others from being asked for.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Http(error) => match &**error {
                OutboundError::Setup(_)
                | OutboundError::Roots(_)
                | OutboundError::Identity(_)
                | OutboundError::Connect(_)
                | OutboundError::Timeout { .. }
                | OutboundError::Body(_)
                | OutboundError::Redirect { .. } => true,
                OutboundError::Status { status } => {
                    matches!(status, 401 | 403 | 404 | 429 | 500..)
                }
                OutboundError::NotJson | OutboundError::TooLarge { .. } => false,
            },
            Self::Secret(_) | Self::SecretIsBinary => true,
            Self::Answer(_) | Self::Busy | Self::Paused | Self::Late | Self::GivenUp => false,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let fault = Fault::new(FaultCode::IntrospectionUnavailable, failure.to_string());
        Self::Fault(fault)
    }
}
