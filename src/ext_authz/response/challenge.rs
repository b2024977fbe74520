//! `WWW-Authenticate`: how a caller can come back with a better credential (RFC 6750, section 3; RFC 9470, section 3).

use std::sync::Arc;

use crate::model::reason::Reason;
use crate::model::verdict::{Denial, Remedy, StepUp};

use super::status::{Class, class};

/// Longest list of scopes or classes in bytes; a list that is longer is left out.
const MAX_LIST: usize = 2048;

/// The challenge of a denial: on every 401, on a 403 that more scope would turn, and on a 400 that is about the
/// credential itself. `realm` is the route's URL.
pub(super) fn challenge(denial: &Denial, realm: Option<&str>) -> Option<String> {
    if let Some(challenge) = api_key(denial.reason, realm) {
        return Some(challenge);
    }
    let error = match (denial.reason, class(denial.reason)) {
        // RFC 6750, section 3.1: no error code for a request without a credential.
        (Reason::AuthenticationRequired, _) => None,
        (Reason::AuthorizationAmbiguous | Reason::CredentialAmbiguous, _) => {
            Some("invalid_request")
        }
        (Reason::InsufficientScope, _) => Some("insufficient_scope"),
        (Reason::StepUpRequired, _) => Some("insufficient_user_authentication"),
        (_, Class::Unauthenticated) => Some("invalid_token"),
        (_, Class::Malformed | Class::Forbidden) => return None,
    };
    let mut challenge = Challenge {
        text: String::from("Bearer"),
        empty: true,
    };
    if let Some(url) = realm {
        challenge.push("realm", url);
    }
    if let Some(error) = error {
        challenge.push("error", error);
        challenge.push("error_description", denial.reason.title());
    }
    match &denial.remedy {
        Some(Remedy::Scope { missing }) => challenge.push_list("scope", missing),
        Some(Remedy::StepUp(StepUp { acr, max_age })) => {
            challenge.push_list("acr_values", acr);
            if let Some(seconds) = max_age {
                challenge.push("max_age", &seconds.to_string());
            }
        }
        Some(Remedy::Authenticate) | None => {}
    }
    Some(challenge.text)
}

/// The challenge of a refused API key. A 401 has to name a scheme (RFC 9110, section 15.5.2) and none is registered for
/// keys; `ApiKey` is what others call it. It is not `Bearer`, because no bearer token was looked at.
fn api_key(reason: Reason, realm: Option<&str>) -> Option<String> {
    let refused = matches!(
        reason,
        Reason::ApiKeyMalformed
            | Reason::ApiKeyUnknown
            | Reason::ApiKeyRevoked
            | Reason::ApiKeyExpired
    );
    if !refused {
        return None;
    }
    let mut challenge = Challenge {
        text: String::from("ApiKey"),
        empty: true,
    };
    if let Some(url) = realm {
        challenge.push("realm", url);
    }
    Some(challenge.text)
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

    const URL: Option<&str> = Some("https://api.example.com");

    fn of(reason: Reason) -> Option<String> {
        challenge(&Denial::new(reason), URL)
    }

    #[test]
    fn no_credential_has_no_error() {
        let denial = Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate);
        assert_eq!(
            challenge(&denial, URL).as_deref(),
            Some(r#"Bearer realm="https://api.example.com""#)
        );
        assert_eq!(challenge(&denial, None).as_deref(), Some("Bearer"));
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
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope { missing });
        let text = challenge(&denial, None).unwrap();
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
        let text = challenge(&denial, None).unwrap();
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

    #[test]
    fn nothing_ends_a_quoted_string_early() {
        let missing = vec![
            Arc::from("a\"b"),
            Arc::from("c d"),
            Arc::from("e\r\nf"),
            Arc::from("ok"),
        ];
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope { missing });
        let text = challenge(&denial, Some("https://a/\"\\\r\nx: é")).unwrap();
        assert!(text.contains(r#"realm="https://a/\"\\??x: ?""#), "{text}");
        assert!(text.ends_with(r#"scope="ok""#), "{text}");
        let missing = vec![Arc::from("s".repeat(MAX_LIST + 1))];
        let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope { missing });
        assert!(!challenge(&denial, None).unwrap().contains(" scope="));
    }
}
