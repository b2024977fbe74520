//! Checks over the real gRPC port.

use crate::harness::{Ask, PAYMENTS, Setup};

#[tokio::test]
async fn a_good_token_is_allowed() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(PAYMENTS)
        .groups(&["payments"])
        .scope("payments:read")
        .sign();
    let answer = client
        .check(&Ask::payments("/v1/payments").bearer(&token))
        .await;
    assert_eq!(answer.outcome(), "allow");
    assert_eq!(answer.sets("x-user").as_deref(), Some("alice"));
    let answer = client.check(&Ask::payments("/v1/payments")).await;
    assert_eq!(answer.outcome(), "deny 401 authentication_required");
}
