//! The `authorization` header: one scheme, one space, one token, or nothing.

use super::{MINTED, is_forwarded_for, payments, setup};
use crate::harness::Ask;

#[tokio::test]
async fn the_header_has_one_form_and_the_scheme_any_case() {
    let server = setup().start();
    let client = server.client().await;
    let token = MINTED.token("es256");
    let malformed = "deny 401 token_malformed";
    let unsupported = "deny 401 credential_unsupported";
    let ambiguous = "deny 400 authorization_ambiguous";
    let rows: &[(&str, String, &str)] = &[
        ("as it should be", format!("Bearer {token}"), "allow"),
        ("lower case", format!("bearer {token}"), "allow"),
        ("upper case", format!("BEARER {token}"), "allow"),
        ("two spaces", format!("Bearer  {token}"), malformed),
        ("a space behind it", format!("Bearer {token} "), malformed),
        ("a second word", format!("Bearer {token} b"), malformed),
        (
            "a second token",
            format!("Bearer {token} Bearer {token}"),
            malformed,
        ),
        ("quotes", format!("Bearer \"{token}\""), malformed),
        ("no token", "Bearer".to_owned(), malformed),
        ("an empty token", "Bearer ".to_owned(), malformed),
        (
            "letters that are not ASCII",
            "Bearer ä.b.c".to_owned(),
            malformed,
        ),
        ("a tab", format!("Bearer\t{token}"), unsupported),
        ("a space in front", format!(" Bearer {token}"), unsupported),
        ("a colon", format!("Bearer: {token}"), unsupported),
        ("no scheme", token.to_owned(), unsupported),
        ("an empty value", String::new(), unsupported),
        (
            "another scheme",
            "Basic YWxpY2U6c2VjcmV0".to_owned(),
            unsupported,
        ),
        (
            "a scheme for tokens that are bound",
            format!("DPoP {token}"),
            "deny 401 token_binding",
        ),
        (
            "a scheme that starts like ours",
            format!("Bearers {token}"),
            unsupported,
        ),
        (
            "two, with a comma",
            format!("Bearer {token}, Bearer {token}"),
            ambiguous,
        ),
        (
            "two, without a space",
            format!("Bearer {token},Basic YTpi"),
            ambiguous,
        ),
        ("a comma at the end", format!("Bearer {token},"), ambiguous),
        (
            "parameters",
            "Bearer realm=\"a\", b=\"c\"".to_owned(),
            ambiguous,
        ),
        (
            "a nul",
            format!("Bearer {token}\0"),
            "deny 400 request_malformed",
        ),
        (
            "a line break",
            format!("Bearer {token}\r\nx-user: root"),
            "deny 400 request_malformed",
        ),
        (
            "100 KiB",
            format!("Bearer {}", "a".repeat(100 * 1024)),
            "deny 400 headers_too_large",
        ),
    ];
    let mut wrong = Vec::new();
    for (name, value, expect) in rows {
        let plain = Ask::payments("/v1/payments").header("authorization", value);
        for (shape, ask) in [("header_map", plain.clone()), ("headers", plain.merged())] {
            let outcome = client.check(&ask).await.outcome();
            if outcome != *expect {
                wrong.push(format!("{name} ({shape}): {outcome}, expected {expect}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_second_credential_is_never_weighed_against_the_first() {
    let server = setup().start();
    let client = server.client().await;
    let token = MINTED.token("es256");
    let in_query = Ask::payments(&format!("/v1/payments?access_token={token}"));
    for (name, ask, expect) in [
        (
            "twice the same",
            payments().bearer(token),
            "deny 400 authorization_ambiguous",
        ),
        (
            "another case of the name",
            payments().header("Authorization", "Basic YTpi"),
            "deny 400 authorization_ambiguous",
        ),
        (
            "in the query as well",
            in_query.clone().bearer(token),
            "deny 400 credential_ambiguous",
        ),
        (
            "in the query alone",
            in_query,
            "deny 401 authentication_required",
        ),
    ] {
        assert_eq!(client.check(&ask).await.outcome(), expect, "{name}");
    }
}

#[tokio::test]
async fn names_that_the_client_sends_are_replaced() {
    let server = setup().start();
    let client = server.client().await;
    let ask = payments().header("x-user", "root").header("X-User", "root");
    assert!(is_forwarded_for(&client.check(&ask).await, "alice"));
}
