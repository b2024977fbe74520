//! Which status every reason has: the one table of HTTP and gRPC codes.

#![deny(clippy::wildcard_enum_match_arm)]

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use crate::model::reason::Reason;

/// Codes of `google.rpc.Status`; only a grant's answer has [`Code::Ok`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// `OK`: Envoy forwards the request, whatever else the answer says.
    Ok = 0,
    /// `PERMISSION_DENIED`
    PermissionDenied = 7,
    /// `UNAVAILABLE`
    Unavailable = 14,
    /// `UNAUTHENTICATED`
    Unauthenticated = 16,
}

/// How a denial is answered in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// 400: the request is malformed or ambiguous, or a parameter does not fit.
    Malformed,
    /// 401: another credential, or a stronger one, could help.
    Unauthenticated,
    /// 403: it could not.
    Forbidden,
    /// 200: the answer is what was asked for, and the request goes no further.
    Answered,
}

impl Class {
    /// The HTTP status.
    pub(super) const fn http(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BadRequest,
            Self::Unauthenticated => StatusCode::Unauthorized,
            Self::Forbidden => StatusCode::Forbidden,
            Self::Answered => StatusCode::Ok,
        }
    }

    /// The gRPC code.
    pub(super) const fn grpc(self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Malformed | Self::Forbidden | Self::Answered => Code::PermissionDenied,
        }
    }
}

/// The class of every reason.
#[expect(clippy::too_many_lines, reason = "one line a reason")]
pub(super) const fn class(reason: Reason) -> Class {
    match reason {
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
        | Reason::PathTrailingSlash
        | Reason::QueryMalformed
        | Reason::QueryRepeated
        | Reason::ParameterInvalid
        | Reason::InputIncomplete
        | Reason::BodyType
        | Reason::BodyMalformed
        | Reason::BodyTooComplex
        | Reason::BatchRefused
        | Reason::MessageMalformed
        | Reason::MessageDisagrees
        | Reason::ProtocolVersion
        | Reason::ArgumentInvalid
        | Reason::ArgumentUndeclared
        | Reason::CapNotNumeric
        | Reason::AuthorizationAmbiguous
        | Reason::CredentialAmbiguous
        | Reason::WorkloadAmbiguous
        | Reason::XfccMalformed => Class::Malformed,
        Reason::CredentialUnsupported
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
        | Reason::CredentialRevoked
        | Reason::StepUpRequired => Class::Unauthenticated,
        Reason::NoRoute
        | Reason::UnknownRoute
        | Reason::GatewayNotAllowed
        | Reason::NoAction
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
        | Reason::ProofMissing
        | Reason::Forbidden
        | Reason::GuardUnmet
        | Reason::WorkloadRequired
        | Reason::NotPermitted
        | Reason::InsufficientScope
        | Reason::RequirementUnmet
        | Reason::IdentityRevoked
        | Reason::ApprovalRequired
        | Reason::ApprovalDenied
        | Reason::ApprovalLimit
        | Reason::ApprovalInvalid
        | Reason::ApprovalTooLarge => Class::Forbidden,
        Reason::Metadata => Class::Answered,
    }
}
