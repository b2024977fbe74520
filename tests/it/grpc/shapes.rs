//! One request in every shape and spelling, and what no shape can say for certain.

use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::{payer, seller};
use crate::harness::{Ask, PAYMENTS, Setup};

#[tokio::test]
async fn every_shape_and_every_listener_gives_the_same_decision() {
    let server = Setup::new().unix().start();
    let clients = [server.client().await, server.unix_client().await];
    let good = Ask::new("POST", "payments.example.com", "/v1/payments?x=1");
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(PAYMENTS)
        .groups(&["payments"])
        .scope("payments:write")
        .sign();
    let asks = [
        good.clone().bearer(&token).body(r#"{"amount":1}"#),
        good.clone().body(r#"{"amount":1}"#),
        good.clone().bearer(&token).bearer(&token),
        good.clone().bearer(&token).header("x-latin", b"caf\xe9"),
        good.clone()
            .bearer(&token)
            .header("X-Upper", "1")
            .header("content-length", "99")
            .body("{}"),
        Ask::payments("/v1/payments/%2e%2e").bearer(&token),
    ];
    for ask in asks {
        let mut seen = Vec::new();
        for client in &clients {
            for shape in [ask.clone(), ask.clone().merged()] {
                for shape in [shape.clone(), shape.text_body()] {
                    seen.push(client.check(&shape).await.essence());
                }
            }
        }
        assert_eq!(seen.len(), 8);
        assert!(
            seen.iter().all(|other| other == &seen[0]),
            "{ask:?}: {seen:#?}"
        );
    }
}

#[tokio::test]
async fn a_check_without_a_request_is_denied_as_no_http() {
    let server = Setup::new().start();
    let client = server.client().await;
    for request in [
        CheckRequest::default(),
        CheckRequest {
            attributes: Some(AttributeContext::default()),
        },
    ] {
        let answer = client.send(request).await.unwrap();
        assert_eq!(answer.outcome(), "deny 400 no_http");
        assert_eq!(answer.code(), 7);
    }
}

#[expect(clippy::too_many_lines, reason = "one table, one row an ambiguity")]
#[tokio::test]
async fn every_ambiguity_has_a_reason_of_its_own() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = payer(&server);
    let path = |path: &str| Ask::payments(path).bearer(&token);
    let host = |host: &str| Ask::new("GET", host, "/v1/payments").bearer(&token);
    let list = || path("/v1/payments");
    let cases = vec![
        (path("/v1/./payments"), "400 path_dot_segment"),
        (path("/v1/x/../payments"), "400 path_dot_segment"),
        (path("/v1/x/%2e%2E/payments"), "400 path_dot_segment"),
        (path("//v1/payments"), "400 path_empty_segment"),
        (path("/v1//payments"), "400 path_empty_segment"),
        (path("/v1%2fpayments"), "400 path_encoded_slash"),
        (path("/v1\\payments"), "400 path_backslash"),
        (path("/v1%5cpayments"), "400 path_backslash"),
        (path("/v1/payments%00"), "400 path_control_character"),
        (path("/v1/p%61yments"), "400 path_encoded_unreserved"),
        (path("/v1/payments/%2541"), "400 path_double_encoding"),
        (path("/v1/payments;v=1"), "400 path_parameter"),
        (path("/v1/payments%3Bv"), "400 path_parameter"),
        (path("/v1/payments#x"), "400 path_delimiter"),
        (path("/v1/payments%23x"), "400 path_delimiter"),
        (path("/v1/payments%3Fx"), "400 path_delimiter"),
        (path("/v1/payments/%ff"), "400 path_not_utf8"),
        (path("/v1/payments/%zz"), "400 path_malformed"),
        (path("v1/payments"), "400 path_malformed"),
        (path(""), "400 path_malformed"),
        (path("/v1/payments/"), "400 path_trailing_slash"),
        (path("/V1/payments"), "403 no_action"),
        (path("/v1/payments?x=%zz"), "400 query_malformed"),
        (path("/v1/payments?x=%ff"), "400 query_malformed"),
        (
            path("/v1/payments?access_token=t"),
            "400 credential_ambiguous",
        ),
        (host(""), "400 host_malformed"),
        (host("user@payments.example.com"), "400 host_malformed"),
        (host("payments.example.com:http"), "400 host_malformed"),
        (
            list().header("host", "other.example.com"),
            "400 host_malformed",
        ),
        (list().bearer(&token), "400 authorization_ambiguous"),
        (
            Ask::payments("/v1/payments").header("authorization", "Basic x, Bearer y"),
            "400 authorization_ambiguous",
        ),
        (
            list()
                .header("content-length", "1")
                .header("content-length", "2"),
            "400 header_repeated",
        ),
        (
            list()
                .header("content-type", "a/b")
                .header("content-type", "c/d"),
            "400 header_repeated",
        ),
        (
            list().header("x-http-method-override", "DELETE"),
            "400 method_override",
        ),
        (list().header("bad name", "x"), "400 request_malformed"),
        (
            list().header("x-split", "a\r\nx-user: root"),
            "400 request_malformed",
        ),
        (
            list().header("x-large", "x".repeat(100 * 1024)),
            "400 headers_too_large",
        ),
        (
            Ask::new("", "payments.example.com", "/v1/payments"),
            "400 request_malformed",
        ),
        (list().certificate("%zz"), "400 request_malformed"),
        (list().context("route", "nowhere"), "403 unknown_route"),
        (
            Ask::payments("/v1/payments").header("authorization", "Basic eDp5"),
            "401 credential_unsupported",
        ),
        (
            Ask::payments("/v1/payments").header("authorization", "Bearer x"),
            "401 token_malformed",
        ),
        (
            Ask::payments("/v1/payments").bearer(&"x.".repeat(5000)),
            "401 token_too_large",
        ),
    ];
    for (ask, outcome) in cases {
        for ask in [ask.clone().merged(), ask] {
            let answer = client.check(&ask).await;
            assert_eq!(answer.outcome(), format!("deny {outcome}"), "{ask:?}");
        }
    }
    let crm = Ask::new("GET", "crm.example.com", "/v1/customers?limit=1&limit=5000")
        .bearer(&seller(&server));
    assert_eq!(
        client.check(&crm).await.outcome(),
        "deny 400 query_repeated"
    );
    let crm =
        Ask::new("GET", "crm.example.com", "/v1/customers?limit=ten").bearer(&seller(&server));
    assert_eq!(
        client.check(&crm).await.outcome(),
        "deny 400 parameter_invalid"
    );
    let cut = r#"{"id":"#;
    let same = list().header("x-envoy-auth-partial-body", "true").body(cut);
    assert_eq!(
        client.check(&same).await.outcome(),
        "allow",
        "no rule reads the body"
    );
}

#[tokio::test]
async fn one_host_is_the_same_in_every_spelling() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = payer(&server);
    for host in [
        "payments.example.com",
        "PAYMENTS.Example.com",
        "payments.example.com:443",
        "payments.example.com.",
    ] {
        let answer = client
            .check(&Ask::new("GET", host, "/v1/payments").bearer(&token))
            .await;
        assert_eq!(answer.outcome(), "allow", "{host}");
    }
}
