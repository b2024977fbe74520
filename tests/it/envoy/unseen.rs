//! Requests over HTTP/2 that do not announce their body: nobody approves what nobody has seen.

use std::sync::LazyLock;

use h2::client::handshake;
use tokio::net::TcpStream;
use tonic::codegen::http;

use super::stage::{SHIPPED, Stage, setup};

const ECHO: &str = "echo.example.com";
const STATED: &str = "check_settings: { context_extensions: { body: sent } }";

/// No body is held or sent, and nobody says so.
static KEPT: LazyLock<Stage> = LazyLock::new(|| {
    let kept = "check_settings: { disable_request_body_buffering: true }
                envoy.filters.http.buffer:
                  \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
                  disabled: true";
    Stage::start(&[(STATED, kept.to_owned())], setup())
});

/// The reason for which a `DELETE` without a length is refused.
async fn refused(stage: &Stage, name: &str, body: &'static [u8]) -> String {
    let stream = TcpStream::connect(stage.envoy.plain).await.unwrap();
    let (sender, connection) = handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let token = stage.person("alice", ECHO).groups(&["echo"]).sign();
    let request = http::Request::delete(format!("http://{ECHO}/gone/{name}"))
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap();
    let mut sender = sender.ready().await.unwrap();
    let (response, mut into) = sender.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        into.send_data(body.into(), true).unwrap();
    }
    let mut answer = response.await.unwrap().into_body();
    let mut whole = Vec::new();
    while let Some(part) = answer.data().await {
        whole.extend_from_slice(&part.unwrap());
    }
    connection.abort();
    let problem: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    problem["reason"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_a_body_that_is_not_sent_cannot_be_approved() {
    for body in [&b""[..], b"{\"all\":true}"] {
        assert_eq!(refused(&KEPT, "a", body).await, "input_incomplete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_bodies_are_sent_what_has_none_waits_for_its_approval() {
    for body in [&b""[..], b"{\"all\":true}"] {
        assert_eq!(refused(&SHIPPED, "a", body).await, "approval_required");
    }
}
