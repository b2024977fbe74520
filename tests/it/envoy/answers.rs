//! What clients are told: allowed, denied, and how to get further.

use serde_json::json;

use super::client::{Answer, Request};
use super::stage::{SHIPPED, person};
use crate::harness::Token;

const PAYMENTS: &str = "payments.example.com";

/// A member of the team that pays.
fn alice(scope: &str) -> Token<'static> {
    let token = person("alice", PAYMENTS).groups(&["payments"]);
    token.scope(scope)
}

/// Asserts that countersign said no, in the words of RFC 9457, and that the upstream heard nothing of it.
fn denied(request: &Request, status: u16, reason: &str) -> Answer {
    let answer = SHIPPED.send(request);
    assert!(!answer.is_from_upstream(), "{request:?}");
    let said = (answer.status, answer.reason());
    assert_eq!(said, (status, reason.to_owned()), "{request:?}");
    let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(answer.json()["status"], status);
    assert_eq!(answer.json()["decision_id"], header("x-decision-id"));
    answer
}

#[test]
fn an_allowed_request_reaches_the_upstream_as_it_was_sent() {
    let target = "/v1/payments?from=2026-01-01&q=a%20b+c&empty=&flag";
    let token = alice("payments:read").sign();
    let request = Request::get(PAYMENTS, target)
        .bearer(&token)
        .header("x-note", "left alone");
    let answer = SHIPPED.send(&request);
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert!(answer.is_from_upstream());
    let seen = answer.json();
    assert_eq!(
        (&seen["method"], &seen["target"]),
        (&json!("GET"), &json!(target))
    );
    assert_eq!(answer.upstream("x-note"), ["left alone"]);
    assert_eq!(answer.upstream("host"), [PAYMENTS]);
    assert_eq!(
        answer.upstream("authorization"),
        [format!("Bearer {token}")]
    );
}

#[test]
fn nobody_is_told_to_authenticate() {
    let request = Request::get(PAYMENTS, "/v1/payments");
    let answer = denied(&request, 401, "authentication_required");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    // RFC 6750, section 3.1: without credentials there is no error code.
    assert!(!challenge.contains("error="), "{challenge}");
}

#[test]
fn a_bad_credential_is_not_an_anonymous_caller() {
    let expired = alice("payments:read")
        .claim("exp", json!(1_700_000_000))
        .sign();
    let other = person("alice", "crm.example.com")
        .groups(&["payments"])
        .sign();
    let mut forged = alice("payments:read").sign();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for (token, reason) in [
        (expired, "token_expired"),
        (other, "token_audience"),
        (forged, "token_signature"),
        ("nonsense".to_owned(), "token_malformed"),
    ] {
        let answer = denied(
            &Request::get(PAYMENTS, "/v1/payments").bearer(&token),
            401,
            reason,
        );
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
        // Also where anonymous callers are welcome.
        let open = Request::get("echo.example.com", "/open").bearer(&token);
        assert!(!SHIPPED.send(&open).is_from_upstream(), "{token}");
    }
}

#[test]
fn a_missing_scope_is_named() {
    let request = Request::post(PAYMENTS, "/v1/payments").bearer(&alice("payments:read").sign());
    let answer = denied(&request.body(b"{}"), 403, "insufficient_scope");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(r#"scope="payments:write""#),
        "{challenge}"
    );
}

#[test]
fn who_has_no_permit_gets_no_remedy() {
    let token = person("bob", PAYMENTS)
        .groups(&["sales"])
        .scope("payments:read");
    let request = Request::get(PAYMENTS, "/v1/payments").bearer(&token.sign());
    let answer = denied(&request, 403, "not_permitted");
    assert_eq!(answer.header("www-authenticate"), None);
}

#[test]
fn what_is_in_no_catalogue_is_denied() {
    let token = alice("payments:read").sign();
    denied(
        &Request::new("DELETE", PAYMENTS, "/v1/payments").bearer(&token),
        403,
        "no_action",
    );
    denied(&Request::get("unknown.example.com", "/"), 403, "no_route");
}

#[test]
fn an_agent_needs_a_permit_of_its_own_and_a_person_who_has_one() {
    const CRM: &str = "crm.example.com";
    let list = |person: &str, group: &str| {
        let token = super::stage::person(person, CRM)
            .groups(&[group])
            .scope("crm:read");
        Request::get(CRM, "/v1/customers").bearer(&token.actor("crm-bot").sign())
    };
    let answer = SHIPPED.send(&list("alice", "crm"));
    assert_eq!(answer.upstream("x-user"), ["alice"]);
    assert_eq!(answer.upstream("x-actor"), ["crm-bot"]);
    denied(&list("bob", "payments"), 403, "not_permitted");
}

#[test]
fn a_browsers_preflight_is_answered_before_anybody_asks_for_a_credential() {
    let preflight = Request::new("OPTIONS", PAYMENTS, "/v1/payments")
        .header("origin", "https://console.example.com")
        .header("access-control-request-method", "GET");
    let answer = SHIPPED.send(&preflight);
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-allow-methods").is_some());
    // Another site gets nothing.
    let preflight = Request::new("OPTIONS", PAYMENTS, "/v1/payments")
        .header("origin", "https://evil.example.com")
        .header("access-control-request-method", "GET");
    let answer = SHIPPED.send(&preflight);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert!(!answer.is_from_upstream());
}
