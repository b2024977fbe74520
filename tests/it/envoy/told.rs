//! How refusals arrive at clients that read no problem document: gRPC, and whoever looks for an authorization server.

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tonic::transport::Endpoint;
use tonic::{Code, Request as Call, Status};

use super::client::Request;
use super::failing::gullible;
use super::stage::{SHIPPED, Stage, setup};

/// Calls any gRPC method through Envoy, on the host of a route.
async fn call(stage: &Stage, host: &str, headers: &[(&'static str, &str)]) -> Status {
    let origin = format!("http://{host}").parse().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", stage.envoy.plain)).unwrap();
    let channel = endpoint.origin(origin).connect().await.unwrap();
    let mut call = Call::new(CheckRequest::default());
    for (name, value) in headers {
        call.metadata_mut().insert(*name, value.parse().unwrap());
    }
    let answered = AuthorizationClient::new(channel).check(call).await;
    answered.expect_err("a refusal")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_client_reads_a_status_and_a_short_message() {
    const PAYMENTS: &str = "payments.example.com";
    let stage = tokio::task::spawn_blocking(|| &*SHIPPED).await.unwrap();
    for (headers, code, title, reason) in [
        (
            vec![],
            Code::PermissionDenied,
            "There is nothing here",
            "no_action",
        ),
        (
            vec![("authorization", "Bearer nonsense")],
            Code::Unauthenticated,
            "The access token is malformed",
            "token_malformed",
        ),
        // What is 400 elsewhere would read like a defect of the server's.
        (
            vec![("authorization", "Bearer a,Bearer b")],
            Code::PermissionDenied,
            "The authorization header is ambiguous",
            "authorization_ambiguous",
        ),
    ] {
        let status = call(stage, PAYMENTS, &headers).await;
        assert_eq!(status.code(), code, "{status:?}");
        let start = format!("{title} ({reason}, decision ");
        assert!(status.message().starts_with(&start), "{status:?}");
        let headers = status.metadata();
        let id = headers.get("x-decision-id").unwrap().to_str().unwrap();
        assert_eq!(status.message(), format!("{start}{id})"));
        assert_eq!(
            headers.get("www-authenticate").is_some(),
            reason != "no_action",
            "{status:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_client_reads_a_fault_as_unavailable() {
    let start = || {
        let setup = setup();
        // Nobody listens on port 1.
        let keys = ("file: corp.jwks.json ", "url: http://127.0.0.1:1/keys ");
        setup.edit("countersign.yaml", keys.0, keys.1);
        Stage::with(&gullible(), setup.start_unready(), 1)
    };
    let stage = tokio::task::spawn_blocking(start).await.unwrap();
    let token = stage.person("alice", "payments.example.com").sign();
    let bearer = format!("Bearer {token}");
    let status = call(
        &stage,
        "payments.example.com",
        &[("authorization", &bearer)],
    )
    .await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        status.message().contains("(keys_unavailable, "),
        "{status:?}"
    );
    assert!(status.metadata().contains_key("retry-after"));
    tokio::task::spawn_blocking(|| drop(stage)).await.unwrap();
}

#[test]
fn metadata_is_read_by_whoever_has_no_token() {
    const HOST: &str = "payments.example.com";
    const PATH: &str = "/.well-known/oauth-protected-resource";
    // Where the challenge says.
    let refused = SHIPPED.send(&Request::get(HOST, "/v1/payments"));
    let challenge = refused.header("www-authenticate").unwrap();
    let url = format!(r#"resource_metadata="https://{HOST}{PATH}""#);
    assert!(challenge.contains(&url), "{challenge}");
    let answer =
        SHIPPED.send(&Request::get(HOST, PATH).header("origin", "https://page.example.net"));
    assert_eq!(answer.status, 200);
    assert!(!answer.is_from_upstream());
    assert_eq!(answer.json()["resource"], format!("https://{HOST}"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "public, max-age=300"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}
