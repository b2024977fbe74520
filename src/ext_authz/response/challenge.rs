//! `WWW-Authenticate`: how a caller can come back with a better credential (RFC 6750, section 3; RFC 9470, section 3;
//! RFC 9449, section 7.1), and where it learns who issues one (RFC 9728, section 5.1).

use std::sync::Arc;

use crate::model::decision::{DpopFacts, RouteFacts, Schemes};
use crate::model::identity::Proof;
use crate::model::reason::Reason;
use crate::model::resource::metadata_url;
use crate::model::verdict::{Denial, Remedy, StepUp};

use super::status::{Class, class};

/// The scheme of API keys. A 401 has to name one (RFC 9110, section 15.5.2) and none is registered for keys; this is what
/// others call it.
const API_KEY: &str = "ApiKey";

/// Longest list of scopes or classes in bytes; a list that is longer is left out.
const MAX_LIST: usize = 2048;

/// What a challenge is about.
#[derive(Clone, Copy)]
struct Realm<'a> {
    /// The route's URL.
    url: &'a str,
    /// Whether the route has metadata: it takes tokens.
    described: bool,
}

/// The challenge of a denial, with the schemes of what the route takes: a caller that has no credential is told of API
/// keys too, and where nothing else is taken, nobody is told of tokens.
pub(super) fn of_route(
    denial: &Denial,
    route: Option<&RouteFacts>,
    dpop: Option<&DpopFacts>,
) -> Option<String> {
    let realm = route.map(|route| Realm {
        url: &route.url,
        described: route.schemes.tokens,
    });
    let text = challenge(denial, realm, dpop)?;
    let Some(RouteFacts {
        schemes: Schemes {
            tokens,
            api_keys: true,
        },
        ..
    }) = route
    else {
        return Some(text);
    };
    match (tokens, denial.reason) {
        (true, Reason::AuthenticationRequired) => Some(format!("{text}, {}", for_key(realm))),
        (true, _) => Some(text),
        (false, Reason::InsufficientScope) => Some(with_scheme(API_KEY, denial, realm).text),
        (false, _) => Some(for_key(realm)),
    }
}

/// The challenge of a denial: on every 401, on a 403 that more scope would turn, and on a 400 that is about the
/// credential itself. `dpop` is what can be told about proofs there.
///
/// Two schemes are two challenges in one value (RFC 9110, section 11.6.1); so the header is set once.
fn challenge(
    denial: &Denial,
    realm: Option<Realm<'_>>,
    dpop: Option<&DpopFacts>,
) -> Option<String> {
    if let Some(challenge) = api_key(denial.reason, realm) {
        return Some(challenge);
    }
    if !is_challenged(denial.reason) {
        return None;
    }
    let mut challenges = Vec::new();
    if asks_for_bearer(denial, dpop) {
        challenges.push(with_scheme("Bearer", denial, realm));
    }
    if let Some(facts) = dpop.filter(|_| asks_for_dpop(denial, dpop)) {
        let mut challenge = with_scheme("DPoP", denial, realm);
        // RFC 9449, section 7.1.
        challenge.push("algs", &facts.algorithms);
        challenges.push(challenge);
    }
    let texts: Vec<_> = challenges.into_iter().map(|it| it.text).collect();
    Some(texts.join(", "))
}

/// Whether a denial's challenge has the scheme `DPoP`.
pub(super) fn asks_for_dpop(denial: &Denial, dpop: Option<&DpopFacts>) -> bool {
    let Some(facts) = dpop else { return false };
    let proven = match &denial.remedy {
        Some(Remedy::Proof(kinds)) => kinds.contains(&Proof::Dpop),
        Some(Remedy::Authenticate | Remedy::Scope { .. } | Remedy::StepUp(_)) | None => false,
    };
    is_challenged(denial.reason)
        && (facts.presented
            || proven
            || matches!(
                denial.reason,
                Reason::AuthenticationRequired | Reason::TokenBound
            ))
}

/// A caller that has no credential is told of every scheme; the others of the one that would help them.
fn asks_for_bearer(denial: &Denial, dpop: Option<&DpopFacts>) -> bool {
    denial.reason == Reason::AuthenticationRequired || !asks_for_dpop(denial, dpop)
}

const fn is_challenged(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AuthorizationAmbiguous | Reason::CredentialAmbiguous | Reason::InsufficientScope
    ) || matches!(class(reason), Class::Unauthenticated)
}

/// The error code of a reason, where it has one.
const fn error(reason: Reason) -> Option<&'static str> {
    match (reason, class(reason)) {
        // RFC 6750, section 3.1: no error code for a request without a credential.
        (Reason::AuthenticationRequired, _) => None,
        (Reason::AuthorizationAmbiguous | Reason::CredentialAmbiguous, _) => {
            Some("invalid_request")
        }
        (Reason::InsufficientScope, _) => Some("insufficient_scope"),
        (Reason::StepUpRequired, _) => Some("insufficient_user_authentication"),
        // RFC 9449, sections 7.1 and 9.
        (Reason::DpopNonce, _) => Some("use_dpop_nonce"),
        (
            Reason::DpopMissing
            | Reason::DpopMalformed
            | Reason::DpopAlgorithm
            | Reason::DpopKey
            | Reason::DpopSignature
            | Reason::DpopMethod
            | Reason::DpopUrl
            | Reason::DpopStale
            | Reason::DpopToken
            | Reason::DpopReplayed,
            _,
        ) => Some("invalid_dpop_proof"),
        (_, Class::Unauthenticated) => Some("invalid_token"),
        (_, Class::Malformed | Class::Forbidden | Class::Answered) => None,
    }
}

fn with_scheme(scheme: &str, denial: &Denial, realm: Option<Realm<'_>>) -> Challenge {
    let mut challenge = Challenge {
        text: String::from(scheme),
        empty: true,
    };
    if let Some(Realm { url, described }) = realm {
        challenge.push("realm", url);
        // Metadata is about tokens: nobody gets an API key from an authorization server.
        if described && scheme != API_KEY {
            challenge.push("resource_metadata", &metadata_url(url));
        }
    }
    if let Some(error) = error(denial.reason) {
        challenge.push("error", error);
        challenge.push("error_description", denial.reason.title());
    }
    match &denial.remedy {
        // What the token has is needed too (RFC 6750, section 3): a client may ask for exactly what stands here.
        Some(Remedy::Scope { needed, .. }) => challenge.push_list("scope", needed),
        Some(Remedy::StepUp(StepUp { acr, max_age })) => {
            challenge.push_list("acr_values", acr);
            if let Some(seconds) = max_age {
                challenge.push("max_age", &seconds.to_string());
            }
        }
        Some(Remedy::Authenticate | Remedy::Proof(_)) | None => {}
    }
    challenge
}

/// The challenge of a refused API key. It is not `Bearer`, because no bearer token was looked at.
fn api_key(reason: Reason, realm: Option<Realm<'_>>) -> Option<String> {
    let refused = matches!(
        reason,
        Reason::ApiKeyMalformed
            | Reason::ApiKeyUnknown
            | Reason::ApiKeyRevoked
            | Reason::ApiKeyExpired
    );
    refused.then(|| for_key(realm))
}

fn for_key(realm: Option<Realm<'_>>) -> String {
    let mut challenge = Challenge {
        text: String::from(API_KEY),
        empty: true,
    };
    if let Some(Realm { url, .. }) = realm {
        challenge.push("realm", url);
    }
    challenge.text
}

struct Challenge {
    text: String,
    empty: bool,
}

impl Challenge {
    /// Writes `name="value"`; the value is a quoted string (RFC 9110, section 5.6.4) of visible ASCII and spaces.
    fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(if self.empty { " " } else { ", " });
        self.empty = false;
        self.text.push_str(name);
        self.text.push_str("=\"");
        for c in value.chars() {
            match c {
                '"' | '\\' => self.text.extend(['\\', c]),
                ' '..='~' => self.text.push(c),
                _ => self.text.push('?'),
            }
        }
        self.text.push('"');
    }

    /// Writes a list of tokens, separated by spaces; nothing if none of them can be written (RFC 6749, section 3.3).
    fn push_list(&mut self, name: &str, items: &[Arc<str>]) {
        let writable = |item: &&str| {
            let token = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
            !item.is_empty() && item.bytes().all(token)
        };
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).filter(writable).collect();
        let list = items.join(" ");
        if (1..=MAX_LIST).contains(&list.len()) {
            self.push(name, &list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: Option<Realm<'_>> = Some(of_keys("https://api.example.com"));

    const fn of_keys(url: &str) -> Realm<'_> {
        Realm {
            url,
            described: false,
        }
    }

    fn of(reason: Reason) -> Option<String> {
        challenge(&Denial::new(reason), URL, None)
    }

    #[test]
    fn no_credential_has_no_error() {
        let denial = Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate);
        assert_eq!(
            challenge(&denial, URL, None).as_deref(),
            Some(r#"Bearer realm="https://api.example.com""#)
        );
        assert_eq!(challenge(&denial, None, None).as_deref(), Some("Bearer"));
    }

    #[test]
    fn a_refused_token_is_invalid() {
        assert_eq!(
            of(Reason::TokenExpired).as_deref(),
            Some(
                r#"Bearer realm="https://api.example.com", error="invalid_token", error_description="The access token has expired""#
            )
        );
    }

    #[test]
    fn a_missing_scope_is_named_whole() {
        let missing = vec![Arc::from("crm:read"), Arc::from("crm:export")];
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
            needed: missing.clone(),
            missing,
        });
        let text = challenge(&denial, None, None).unwrap();
        assert!(
            text.starts_with(r#"Bearer error="insufficient_scope","#),
            "{text}"
        );
        assert!(text.ends_with(r#"scope="crm:read crm:export""#), "{text}");
    }

    #[test]
    fn a_step_up_names_classes_and_age() {
        let step_up = StepUp {
            acr: vec![Arc::from("phr"), Arc::from("phrh")],
            max_age: Some(300),
        };
        let denial = Denial::new(Reason::StepUpRequired).with(Remedy::StepUp(step_up));
        let text = challenge(&denial, None, None).unwrap();
        assert!(
            text.contains(r#"error="insufficient_user_authentication""#),
            "{text}"
        );
        assert!(
            text.ends_with(r#"acr_values="phr phrh", max_age="300""#),
            "{text}"
        );
    }

    #[test]
    fn a_refused_api_key_is_no_refused_token() {
        assert_eq!(
            of(Reason::ApiKeyUnknown).as_deref(),
            Some(r#"ApiKey realm="https://api.example.com""#)
        );
        assert_eq!(of(Reason::ApiKeyNetwork), None);
    }

    #[test]
    fn a_route_asks_for_what_it_takes() {
        let of = |reason, tokens, api_keys, remedy: Option<Remedy>| {
            let mut denial = Denial::new(reason);
            denial.remedy = remedy;
            let route = RouteFacts {
                protocol: crate::model::route::Protocol::Http,
                id: crate::model::name::RouteId::new("r").unwrap(),
                url: Arc::from("https://a"),
                schemes: Schemes { tokens, api_keys },
            };
            let facts = facts(false);
            of_route(&denial, Some(&route), Some(&facts).filter(|_| tokens))
        };
        let both = of(Reason::AuthenticationRequired, true, true, None).unwrap();
        assert!(
            both.starts_with(concat!(
                r#"Bearer realm="https://a", "#,
                r#"resource_metadata="https://a/.well-known/oauth-protected-resource", DPoP "#
            )),
            "{both}"
        );
        // Of both schemes for tokens, and of no other.
        assert_eq!(both.matches("resource_metadata=").count(), 2, "{both}");
        assert!(both.ends_with(r#", ApiKey realm="https://a""#), "{both}");
        let key = Some(r#"ApiKey realm="https://a""#.to_owned());
        for reason in [
            Reason::AuthenticationRequired,
            Reason::CredentialUnsupported,
            Reason::CredentialAmbiguous,
            Reason::ApiKeyUnknown,
        ] {
            assert_eq!(of(reason, false, true, None), key, "{reason}");
        }
        let missing = vec![Arc::from("a:read")];
        let scope = of(
            Reason::InsufficientScope,
            false,
            true,
            Some(Remedy::Scope {
                needed: missing.clone(),
                missing,
            }),
        );
        let scope = scope.unwrap();
        assert!(scope.starts_with(r#"ApiKey realm="https://a", error="insufficient_scope""#));
        assert!(scope.ends_with(r#"scope="a:read""#), "{scope}");
        assert!(!scope.contains("resource_metadata"), "{scope}");
        for (reason, api_keys) in [(Reason::TokenExpired, true), (Reason::TokenExpired, false)] {
            let text = of(reason, true, api_keys, None).unwrap();
            assert!(
                text.starts_with("Bearer ") && !text.contains("ApiKey"),
                "{text}"
            );
        }
        assert_eq!(of(Reason::NotPermitted, false, true, None), None);
    }

    #[test]
    fn two_credentials_are_an_invalid_request() {
        for reason in [Reason::AuthorizationAmbiguous, Reason::CredentialAmbiguous] {
            assert!(of(reason).unwrap().contains(r#"error="invalid_request""#));
        }
    }

    #[test]
    fn what_no_credential_can_change_has_no_challenge() {
        for reason in [
            Reason::Forbidden,
            Reason::NotPermitted,
            Reason::PathMalformed,
        ] {
            assert_eq!(of(reason), None);
        }
    }

    fn facts(presented: bool) -> DpopFacts {
        DpopFacts {
            presented,
            algorithms: Arc::from("ES256 EdDSA"),
            nonce: None,
        }
    }

    #[test]
    fn a_caller_without_a_credential_is_told_of_every_scheme() {
        let denial = Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate);
        assert_eq!(
            challenge(&denial, URL, Some(&facts(false))).as_deref(),
            Some(concat!(
                r#"Bearer realm="https://api.example.com", "#,
                r#"DPoP realm="https://api.example.com", algs="ES256 EdDSA""#
            ))
        );
    }

    #[test]
    fn a_proof_that_is_refused_is_told_apart_from_its_token() {
        for (reason, presented, expected) in [
            (Reason::DpopNonce, true, r#"DPoP error="use_dpop_nonce""#),
            (Reason::DpopUrl, true, r#"DPoP error="invalid_dpop_proof""#),
            (
                Reason::DpopReplayed,
                true,
                r#"DPoP error="invalid_dpop_proof""#,
            ),
            (
                Reason::DpopKeyMismatch,
                true,
                r#"DPoP error="invalid_token""#,
            ),
            (Reason::TokenBound, false, r#"DPoP error="invalid_token""#),
            (Reason::TokenExpired, true, r#"DPoP error="invalid_token""#),
            (
                Reason::TokenExpired,
                false,
                r#"Bearer error="invalid_token""#,
            ),
            (
                Reason::CertificateMismatch,
                false,
                r#"Bearer error="invalid_token""#,
            ),
            (
                Reason::InsufficientScope,
                true,
                r#"DPoP error="insufficient_scope""#,
            ),
            (
                Reason::StepUpRequired,
                true,
                r#"DPoP error="insufficient_user_authentication""#,
            ),
            (
                Reason::CredentialAmbiguous,
                true,
                r#"DPoP error="invalid_request""#,
            ),
        ] {
            let text = challenge(&Denial::new(reason), None, Some(&facts(presented))).unwrap();
            assert!(text.starts_with(expected), "{reason}: {text}");
            assert_eq!(
                text.ends_with(r#"algs="ES256 EdDSA""#),
                text.starts_with("DPoP"),
                "{text}"
            );
            assert_eq!(text.matches("error=").count(), 1, "{text}");
        }
        for reason in [Reason::NotPermitted, Reason::HeaderRepeated] {
            assert_eq!(
                challenge(&Denial::new(reason), None, Some(&facts(true))),
                None
            );
        }
    }

    #[test]
    fn a_proof_that_is_required_is_asked_for_where_a_header_can_bring_it() {
        for (kinds, expected) in [
            (vec![Proof::Dpop], r#"DPoP error="invalid_token""#),
            (
                vec![Proof::Mtls, Proof::Dpop],
                r#"DPoP error="invalid_token""#,
            ),
            (vec![Proof::Mtls], r#"Bearer error="invalid_token""#),
        ] {
            let denial = Denial::new(Reason::ProofRequired).with(Remedy::Proof(kinds));
            let text = challenge(&denial, None, Some(&facts(false))).unwrap();
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn nothing_ends_a_quoted_string_early() {
        let missing = vec![
            Arc::from("a\"b"),
            Arc::from("c d"),
            Arc::from("e\r\nf"),
            Arc::from("ok"),
        ];
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
            needed: missing.clone(),
            missing,
        });
        let text = challenge(&denial, Some(of_keys("https://a/\"\\\r\nx: é")), None).unwrap();
        assert!(text.contains(r#"realm="https://a/\"\\??x: ?""#), "{text}");
        assert!(text.ends_with(r#"scope="ok""#), "{text}");
        let missing = vec![Arc::from("s".repeat(MAX_LIST + 1))];
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
            needed: missing.clone(),
            missing,
        });
        assert!(!challenge(&denial, None, None).unwrap().contains(" scope="));
    }
}
