//! Reason codes: one stable word for every way a decision can end, used alike in answers, records, metrics and docs.

macro_rules! codes {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $title:literal;)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every code, for metrics and documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What the client reads; it names no rule, no claim and no secret.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

codes! {
    /// Why a request is denied.
    Reason {
        /// The check carries no HTTP request.
        NoHttp = "no_http", "The check carries no HTTP request";
        /// A required pseudo header is missing, or a field that must be empty is not.
        RequestMalformed = "request_malformed", "The request is malformed";
        /// `headers` and `header_map` are both present and disagree.
        HeadersDisagree = "headers_disagree", "The request's headers contradict each other";
        /// More or larger headers than the stated bound.
        HeadersTooLarge = "headers_too_large", "The request's headers are too large";
        /// A header that may occur once occurs twice.
        HeaderRepeated = "header_repeated", "A header that may occur once occurs more than once";
        /// A header that overrides the method.
        MethodOverride = "method_override", "A header overrides the request's method";
        /// The host is missing or no host.
        HostMalformed = "host_malformed", "The request's host is missing or malformed";
        /// The path is empty, not absolute, has raw control or non-ASCII bytes, or a broken percent sequence.
        PathMalformed = "path_malformed", "The request's path is malformed";
        /// `.` or `..`, also encoded.
        PathDotSegment = "path_dot_segment", "The request's path has dot segments";
        /// `//`.
        PathEmptySegment = "path_empty_segment", "The request's path has empty segments";
        /// `%2f`.
        PathEncodedSlash = "path_encoded_slash", "The request's path has an encoded slash";
        /// `\` or `%5c`.
        PathBackslash = "path_backslash", "The request's path has a backslash";
        /// `%00`, or another encoded control character.
        PathControl = "path_control_character", "The request's path has a control character";
        /// A letter, digit, `-`, `.`, `_` or `~` in percent encoding (RFC 3986, section 2.3).
        PathEncodedUnreserved = "path_encoded_unreserved", "The request's path encodes characters that need no encoding";
        /// `%25` before two hexadecimal digits: it means something else when it is decoded twice.
        PathDoubleEncoding = "path_double_encoding", "The request's path is encoded twice";
        /// `;`, also encoded.
        PathParameter = "path_parameter", "The request's path has path parameters";
        /// `#`, `%23` or `%3f`.
        PathDelimiter = "path_delimiter", "The request's path has a delimiter that does not belong there";
        /// Percent encoding that is not UTF-8.
        PathNotUtf8 = "path_not_utf8", "The request's path is not UTF-8";
        /// The path ends with a slash and no pattern has it.
        PathTrailingSlash = "path_trailing_slash", "The request's path has a trailing slash";
        /// The query has a broken percent sequence, a control character or is not UTF-8.
        QueryMalformed = "query_malformed", "The request's query is malformed";
        /// A query parameter that is read occurs more than once.
        QueryRepeated = "query_repeated", "A query parameter occurs more than once";
        /// A path or query parameter is missing or has the wrong type.
        ParameterInvalid = "parameter_invalid", "A parameter is missing or has the wrong type";
        /// A body that the decision needs was not sent whole and unchanged.
        InputIncomplete = "input_incomplete", "The request's body cannot be decided on";
        /// The body's media type is not JSON in UTF-8.
        BodyType = "body_type", "The request's body is not declared as JSON";
        /// The body is not JSON, or JSON that readers could read differently.
        BodyMalformed = "body_malformed", "The request's body is not unambiguous JSON";
        /// The body is nested too deeply, or has too many or too long parts.
        BodyTooComplex = "body_too_complex", "The request's body is too complex";
        /// Several messages in one body.
        BatchRefused = "batch_refused", "Batches of messages are not accepted";
        /// The body is no message of the protocol.
        MessageMalformed = "message_malformed", "The message is malformed";
        /// Headers, Envoy's metadata and the body name different methods, tools, arguments or versions.
        MessageDisagrees = "message_disagrees", "The request's headers and its body contradict each other";
        /// The revision of the protocol is not known.
        ProtocolVersion = "protocol_version", "The revision of the protocol is not supported";
        /// An argument is missing or has the wrong type.
        ArgumentInvalid = "argument_invalid", "An argument is missing or has the wrong type";
        /// An argument that the action does not declare.
        ArgumentUndeclared = "argument_undeclared", "An argument is not known";
        /// `authorization` has a comma: two credentials, or one that hides another.
        AuthorizationAmbiguous = "authorization_ambiguous", "The authorization header is ambiguous";
        /// Two credentials in one request.
        CredentialAmbiguous = "credential_ambiguous", "The request carries more than one credential";
        /// What is said about the caller's certificate contradicts itself: principal and certificate, or what proxies forward.
        WorkloadAmbiguous = "workload_ambiguous", "The request names more than one workload";
        /// `x-forwarded-client-cert` is believed and not in Envoy's form.
        XfccMalformed = "xfcc_malformed", "The forwarded client certificate is malformed";
        /// No route matches.
        NoRoute = "no_route", "There is nothing here";
        /// `context_extensions` name a route that does not exist.
        UnknownRoute = "unknown_route", "There is nothing here";
        /// The Envoy that asks may not ask about this route.
        GatewayNotAllowed = "gateway_not_allowed", "There is nothing here";
        /// The route's catalogue has no such action.
        NoAction = "no_action", "There is nothing here";
        /// The credential's scheme is none that the route's providers read.
        CredentialUnsupported = "credential_unsupported", "The credential's scheme is not supported";
        /// The token is not a JWS in compact form with a JSON payload, or its claims have the wrong types.
        TokenMalformed = "token_malformed", "The access token is malformed";
        /// The token is longer than the bound.
        TokenTooLarge = "token_too_large", "The access token is too large";
        /// No provider of the route knows the token's issuer.
        TokenIssuer = "token_issuer", "The access token's issuer is not accepted here";
        /// The algorithm is not allowed for the issuer.
        TokenAlgorithm = "token_algorithm", "The access token's algorithm is not accepted";
        /// A critical header extension that is not understood (RFC 7515, section 4.1.11).
        TokenCritical = "token_critical", "The access token has a critical extension";
        /// The `typ` is not an access token's.
        TokenType = "token_type", "The token is not an access token";
        /// The key is not in the issuer's set.
        TokenKeyUnknown = "token_key_unknown", "The access token's key is not known";
        /// The signature does not verify.
        TokenSignature = "token_signature", "The access token's signature is not valid";
        /// The token has expired.
        TokenExpired = "token_expired", "The access token has expired";
        /// The token's issuer says that it is not good: revoked, expired, or never issued (RFC 7662, section 2.2).
        TokenInactive = "token_inactive", "The access token is not active";
        /// The token is not valid yet, or issued in the future.
        TokenNotYetValid = "token_not_yet_valid", "The access token is not valid yet";
        /// The token is meant for somebody else.
        TokenAudience = "token_audience", "The access token is not meant for this resource";
        /// A claim is missing or has the wrong type, or the mapping of the claims failed.
        TokenClaims = "token_claims", "The access token's claims are not accepted";
        /// The token is bound to a key and comes as a bearer token (RFC 9449, section 7.2).
        TokenBound = "token_bound", "The access token is bound to a key and needs a proof";
        /// The token's `cnf` is not understood, or a token without key comes with the scheme `DPoP`.
        TokenBinding = "token_binding", "The access token's binding to a key is not accepted";
        /// The token is bound to another client certificate than the connection's (RFC 8705, section 3).
        CertificateMismatch = "certificate_mismatch", "The access token is bound to another client certificate";
        /// The scheme is `DPoP` and there is no `DPoP` header.
        DpopMissing = "dpop_missing", "The DPoP proof is missing";
        /// The `DPoP` header is no proof: not a JWS, another type, a claim that is missing or has the wrong type.
        DpopMalformed = "dpop_malformed", "The DPoP proof is malformed";
        /// The proof's algorithm is not accepted.
        DpopAlgorithm = "dpop_algorithm", "The DPoP proof's algorithm is not accepted";
        /// The proof shows no sound public key for its algorithm.
        DpopKey = "dpop_key", "The DPoP proof's key is not accepted";
        /// The proof's signature does not verify.
        DpopSignature = "dpop_signature", "The DPoP proof's signature is not valid";
        /// The proof is for another method (`htm`).
        DpopMethod = "dpop_method", "The DPoP proof is for another method";
        /// The proof is for another URL (`htu`).
        DpopUrl = "dpop_url", "The DPoP proof is for another URL";
        /// The proof is too old, or from the future (`iat`).
        DpopStale = "dpop_stale", "The DPoP proof is too old or not valid yet";
        /// The proof is for another token (`ath`).
        DpopToken = "dpop_token", "The DPoP proof is for another access token";
        /// The proof has no nonce of this server's, or an old one (RFC 9449, section 9).
        DpopNonce = "dpop_nonce_required", "The DPoP proof needs a nonce of this server";
        /// The token is bound to another key than the proof's.
        DpopKeyMismatch = "dpop_key_mismatch", "The access token is bound to another key";
        /// The proof was used before.
        DpopReplayed = "dpop_replayed", "The DPoP proof was used before";
        /// What stands where API keys come in is none.
        ApiKeyMalformed = "api_key_malformed", "The API key is malformed";
        /// There is no such API key: its id is unknown, its secret is wrong, or it is not a key of the route's providers.
        ApiKeyUnknown = "api_key_unknown", "The API key is not known";
        /// The API key was revoked.
        ApiKeyRevoked = "api_key_revoked", "The API key was revoked";
        /// The API key has expired.
        ApiKeyExpired = "api_key_expired", "The API key has expired";
        /// The API key is bound to other networks.
        ApiKeyNetwork = "api_key_network", "The API key cannot be used from here";
        /// The `act` chain is deeper than the provider allows.
        DelegationTooDeep = "delegation_too_deep", "The delegation chain is too long";
        /// The same identity occurs twice in the chain.
        DelegationCycle = "delegation_cycle", "The delegation chain has a cycle";
        /// An `act` entry is malformed or names an issuer that no provider of the route knows.
        DelegationMalformed = "delegation_malformed", "The delegation chain is malformed";
        /// The caller's certificate is not valid now, or no X509-SVID although it names a SPIFFE ID.
        CertificateInvalid = "certificate_invalid", "The client certificate is not accepted";
        /// The registry does not know the actor and the provider says that it must.
        ActorUnregistered = "actor_unregistered", "The client is not registered";
        /// The token states another kind than the registry.
        KindMismatch = "kind_mismatch", "The identity is registered as another kind";
        /// An identity of the call is suspended.
        IdentitySuspended = "identity_suspended", "An identity of this call is suspended";
        /// An identity of the call was off-boarded.
        IdentityOffboarded = "identity_offboarded", "An identity of this call was off-boarded";
        /// An identity of the call has expired.
        IdentityExpired = "identity_expired", "An identity of this call has expired";
        /// The registry does not know an identity of the call that is not human.
        IdentityUnregistered = "identity_unregistered", "An identity of this call is not registered";
        /// The secret of an identity of the call should have been rotated.
        RotationOverdue = "rotation_overdue", "An identity of this call has a credential that is too old";
        /// The credential lives longer than allowed.
        TokenLifetime = "token_lifetime", "The credential is valid for longer than is accepted here";
        /// An identity of the call belongs to another environment than the route.
        EnvironmentMismatch = "environment_mismatch", "An identity of this call belongs to another environment";
        /// The credential was revoked; a new one may be good.
        CredentialRevoked = "credential_revoked", "The credential was revoked";
        /// An identity of the call, or its workload, was revoked.
        IdentityRevoked = "identity_revoked", "An identity of this call was revoked";
        /// The identity is used from a workload that is not in its list.
        IdentityWorkload = "identity_workload", "An identity of this call is bound to other workloads";
        /// A browser uses an identity that is not human.
        BrowserUse = "browser_use", "An identity of this call is not for use in a browser";
        /// Nothing proves that the credential is the caller's own, and the tier of the action demands it.
        ProofMissing = "proof_missing", "This action needs proof that the credential is the caller's own";
        /// A forbid matches.
        Forbidden = "forbidden", "This is forbidden";
        /// A guard's `must` does not hold.
        GuardUnmet = "guard_unmet", "A condition of this action is not met";
        /// The call does not come from an accepted workload.
        WorkloadRequired = "workload_required", "This action is bound to other workloads";
        /// A credential is needed.
        AuthenticationRequired = "authentication_required", "Authentication is required";
        /// No permit matches a party.
        NotPermitted = "not_permitted", "This is not permitted";
        /// The token lacks scopes.
        InsufficientScope = "insufficient_scope", "The access token lacks a scope";
        /// The subject must authenticate again, or better (RFC 9470).
        StepUpRequired = "insufficient_user_authentication", "A stronger or fresher authentication is required";
        /// The caller must prove that the token is its own.
        ProofRequired = "proof_required", "A proof of possession is required";
        /// Somebody else has to approve first.
        ApprovalRequired = "approval_required", "This needs an approval";
        /// An approver has said no.
        ApprovalDenied = "approval_denied", "The approval was refused";
        /// Whoever asks waits for too many approvals, or has taken too many back.
        ApprovalLimit = "approval_limit", "Too many approvals are waited for";
        /// The approval that the request presents is not one for it.
        ApprovalInvalid = "approval_invalid", "The approval is not valid for this request";
        /// What would be approved is more than an approver is shown.
        ApprovalTooLarge = "approval_too_large", "This is too large to be approved";
        /// Something is required that this caller cannot add.
        RequirementUnmet = "requirement_unmet", "This action requires what this caller cannot provide";
        /// A parameter with a cap is not a number.
        CapNotNumeric = "cap_not_numeric", "A limited query parameter is not a number";
        /// The request asks for the route's metadata (RFC 9728), and has its answer: it goes no further.
        Metadata = "metadata", "The metadata of this resource";
    }
}

codes! {
    /// Why a request could not be decided.
    FaultCode {
        /// More checks in flight than allowed.
        Overloaded = "overloaded", "Too many requests at once";
        /// The deadline came before the answer.
        DeadlineExceeded = "deadline_exceeded", "The decision took too long";
        /// The issuer's keys, or the API keys, were never loaded or are older than allowed.
        KeysUnavailable = "keys_unavailable", "Credentials cannot be verified at the moment";
        /// Nothing could be learned about a token from its issuer.
        IntrospectionUnavailable = "introspection_unavailable", "Credentials cannot be verified at the moment";
        /// The memory of used proofs is full of those that are still good.
        ReplayMemoryFull = "replay_memory_full", "Too many requests at once";
        /// What must be remembered cannot be.
        StoreUnavailable = "store_unavailable", "Credentials cannot be verified at the moment";
        /// What is known of revocations, approvals and conditions is older than this action allows.
        StateStale = "state_stale", "The decision needs newer knowledge than there is at the moment";
        /// An approval could not be opened or used up.
        ApprovalUnavailable = "approval_unavailable", "Approvals cannot be used at the moment";
        /// Two guards set one header to different values.
        ConstraintConflict = "constraint_conflict", "The decision could not be carried out";
        /// A value that a guard sets could not be computed.
        ConstraintFailed = "constraint_failed", "The decision could not be carried out";
        /// The queue of decision records is full, or what it holds cannot be written and the call can do much harm.
        AuditFull = "audit_full", "The decision could not be recorded";
        /// A defect: the check ended in a panic.
        Internal = "internal", "Something went wrong here";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_words() {
        let mut seen = std::collections::HashSet::new();
        let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
        for code in reasons.chain(FaultCode::ALL.iter().map(|fault| fault.as_str())) {
            assert!(seen.insert(code), "{code}");
            assert!(
                code.bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()),
                "{code}"
            );
        }
    }
}
