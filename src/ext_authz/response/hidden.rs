//! What of a denial the caller may know, on a route that hides what there is from those who may not have it.
//!
//! There, whatever depends on the catalogue or on the rules looks like the absence of what was asked for; and to a caller
//! without a credential like the want of one, whether it exists or not. Only those whose parties all have permits learn
//! more: what they have to add. Record, metrics and Envoy's metadata have the true reason.

#![deny(clippy::wildcard_enum_match_arm)]

use std::borrow::Cow;

use crate::model::decision::Decision;
use crate::model::party::Kind;
use crate::model::reason::Reason;
use crate::model::route::Protocol;
use crate::model::verdict::{Denial, Remedy};

/// A denial as its caller may know it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) denial: Cow<'a, Denial>,
    /// Whether no reason is told.
    pub(super) hidden: bool,
}

/// What the caller may know of `denial`.
pub(super) fn shown<'a>(decision: &Decision, denial: &'a Denial) -> Shown<'a> {
    let hides = decision
        .route
        .as_ref()
        .is_some_and(|route| match &route.protocol {
            Protocol::Http => false,
            Protocol::Mcp(mcp) => mcp.hide_existence,
        });
    if !hides || !tells(denial.reason, decision.rpc.is_some()) {
        return Shown {
            denial: Cow::Borrowed(denial),
            hidden: false,
        };
    }
    let anonymous = decision
        .parties
        .as_ref()
        .is_some_and(|parties| parties.subject.kind == Kind::Anonymous);
    let denial = if anonymous {
        Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate)
    } else {
        Denial::new(Reason::NoAction)
    };
    Shown {
        denial: Cow::Owned(denial),
        hidden: !anonymous,
    }
}

/// Whether a reason tells something about what there is, or about the rules. What is found before the catalogue is looked
/// at tells nothing, and neither does what only a caller with permits is told.
#[expect(clippy::too_many_lines, reason = "one line a reason")]
const fn tells(reason: Reason, read: bool) -> bool {
    match reason {
        Reason::NoAction
        | Reason::PathTrailingSlash
        | Reason::QueryRepeated
        | Reason::ParameterInvalid
        | Reason::ArgumentInvalid
        | Reason::ArgumentUndeclared
        | Reason::ProofMissing
        | Reason::Forbidden
        | Reason::GuardUnmet
        | Reason::WorkloadRequired
        | Reason::NotPermitted
        | Reason::RequirementUnmet => true,
        // Where the names are known without the body, what is wrong with the body is of interest for some actions only.
        Reason::InputIncomplete
        | Reason::BodyType
        | Reason::BodyMalformed
        | Reason::BodyTooComplex => read,
        Reason::NoHttp
        | Reason::RequestMalformed
        | Reason::HeadersDisagree
        | Reason::HeadersTooLarge
        | Reason::HeaderRepeated
        | Reason::MethodOverride
        | Reason::HostMalformed
        | Reason::PathMalformed
        | Reason::PathDotSegment
        | Reason::PathEmptySegment
        | Reason::PathEncodedSlash
        | Reason::PathBackslash
        | Reason::PathControl
        | Reason::PathEncodedUnreserved
        | Reason::PathDoubleEncoding
        | Reason::PathParameter
        | Reason::PathDelimiter
        | Reason::PathNotUtf8
        | Reason::QueryMalformed
        | Reason::BatchRefused
        | Reason::MessageMalformed
        | Reason::MessageDisagrees
        | Reason::ProtocolVersion
        | Reason::CapNotNumeric
        | Reason::AuthorizationAmbiguous
        | Reason::CredentialAmbiguous
        | Reason::WorkloadAmbiguous
        | Reason::XfccMalformed
        | Reason::CredentialUnsupported
        | Reason::TokenMalformed
        | Reason::TokenTooLarge
        | Reason::TokenIssuer
        | Reason::TokenAlgorithm
        | Reason::TokenCritical
        | Reason::TokenType
        | Reason::TokenKeyUnknown
        | Reason::TokenSignature
        | Reason::TokenExpired
        | Reason::TokenInactive
        | Reason::TokenNotYetValid
        | Reason::TokenAudience
        | Reason::TokenClaims
        | Reason::TokenBound
        | Reason::TokenBinding
        | Reason::CertificateMismatch
        | Reason::DpopMissing
        | Reason::DpopMalformed
        | Reason::DpopAlgorithm
        | Reason::DpopKey
        | Reason::DpopSignature
        | Reason::DpopMethod
        | Reason::DpopUrl
        | Reason::DpopStale
        | Reason::DpopToken
        | Reason::DpopNonce
        | Reason::DpopKeyMismatch
        | Reason::DpopReplayed
        | Reason::ProofRequired
        | Reason::ApiKeyMalformed
        | Reason::ApiKeyUnknown
        | Reason::ApiKeyRevoked
        | Reason::ApiKeyExpired
        | Reason::DelegationTooDeep
        | Reason::DelegationCycle
        | Reason::DelegationMalformed
        | Reason::AuthenticationRequired
        | Reason::StepUpRequired
        | Reason::InsufficientScope
        | Reason::ApprovalRequired
        | Reason::ApprovalDenied
        | Reason::ApprovalLimit
        | Reason::ApprovalInvalid
        | Reason::ApprovalTooLarge
        | Reason::CredentialRevoked
        | Reason::IdentityRevoked
        | Reason::NoRoute
        | Reason::UnknownRoute
        | Reason::GatewayNotAllowed
        | Reason::CertificateInvalid
        | Reason::ActorUnregistered
        | Reason::KindMismatch
        | Reason::ApiKeyNetwork
        | Reason::IdentitySuspended
        | Reason::IdentityOffboarded
        | Reason::IdentityExpired
        | Reason::IdentityUnregistered
        | Reason::RotationOverdue
        | Reason::TokenLifetime
        | Reason::EnvironmentMismatch
        | Reason::IdentityWorkload
        | Reason::BrowserUse
        | Reason::Metadata => false,
    }
}
