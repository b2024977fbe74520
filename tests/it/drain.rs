//! How a server ends, and how it says that it is well.

use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::authorization_server::SERVICE_NAME;
use tokio_stream::StreamExt as _;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{Ask, SOON, Setup, eventually, eventually_async};

/// A drain that takes long enough to be looked at.
fn slow_to_leave() -> Setup {
    Setup::new().replacing("delay: 50ms, grace: 5s", "delay: 700ms, grace: 5s")
}

async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.unwrap().into_inner().status()
}

/// What the watch says next; a server that says nothing is a failure and not a wait.
async fn next(watch: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    let said = tokio::time::timeout(SOON, watch.next()).await;
    said.expect("a change of health").unwrap().unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_keys_is_not_serving_until_they_appear() {
    let setup = Setup::new();
    std::fs::remove_file(setup.path("corp.jwks.json")).unwrap();
    let server = setup.start_unready();
    let channel = server.client().await.channel;
    let request = HealthCheckRequest {
        service: SERVICE_NAME.to_owned(),
    };
    let mut watch = HealthClient::new(channel.clone())
        .watch(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(next(&mut watch).await, ServingStatus::NotServing);
    assert_eq!(health(&channel, "").await, ServingStatus::NotServing);
    assert_eq!(server.get("/healthz").status, 200);
    let reply = server.get("/readyz");
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["reasons"][0]["code"], "keys_not_loaded");
    assert_eq!(reply.json()["reasons"][0]["provider"], "corp");
    // Nobody is let in meanwhile, and it is no fault of the caller.
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(crate::harness::PAYMENTS)
        .sign();
    let answer = server
        .client()
        .await
        .check(&Ask::payments("/v1/payments").bearer(&token))
        .await;
    assert_eq!(answer.outcome(), "fault 503 keys_unavailable");

    server.setup.write_keys();
    // Whoever watches from the first moment on may be told twice that it is not ready.
    while next(&mut watch).await != ServingStatus::Serving {}
    assert_eq!(health(&channel, SERVICE_NAME).await, ServingStatus::Serving);
    assert_eq!(server.get("/readyz").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_lists_the_service_that_envoy_calls() {
    let server = Setup::new().start();
    let mut client = ServerReflectionClient::new(server.client().await.channel);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    let answer = answers.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert!(names.iter().any(|name| name == SERVICE_NAME), "{names:?}");
}

/// What both signals do.
async fn drains(signal: &str) {
    let mut server = slow_to_leave().unix().start();
    let neighbour = Setup::new().start();
    let health_channel = server.client().await.channel;
    let client = server.client().await;
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let mut watch = HealthClient::new(health_channel)
        .watch(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(next(&mut watch).await, ServingStatus::Serving);
    let started = Instant::now();
    server.signal(signal);
    // It says so first …
    assert_eq!(next(&mut watch).await, ServingStatus::NotServing);
    assert!(started.elapsed() < Duration::from_millis(700));
    let reply = server.get("/readyz");
    assert_eq!(
        (reply.status, &reply.json()["reasons"][0]["code"]),
        (503, &"draining".into())
    );
    // … and still answers, on the connection that it has and on new ones.
    let health_check = Ask::new("GET", "api.example.com", "/healthz");
    assert_eq!(client.check(&health_check).await.outcome(), "allow");
    assert_eq!(
        server
            .unix_client()
            .await
            .check(&health_check)
            .await
            .outcome(),
        "allow"
    );
    let ended = server.wait(SOON);
    assert_eq!(ended.code(), Some(0), "{ended}");
    assert!(
        started.elapsed() >= Duration::from_millis(700),
        "it waits for `delay`"
    );
    assert!(
        started.elapsed() < Duration::from_millis(700) + Duration::from_secs(5),
        "and no longer than `grace`"
    );
    assert_eq!(server.records().len(), 2, "what was decided is recorded");
    assert!(!server.setup.path("grpc.sock").exists());
    let other = neighbour.client().await.check(&health_check).await;
    assert_eq!(other.outcome(), "allow", "the other server is unaffected");
    assert_eq!(neighbour.get("/readyz").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_drains_and_exits_with_zero() {
    drains("TERM").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigint_drains_and_exits_with_zero() {
    drains("INT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_fails_while_the_server_drains_under_load() {
    let mut server = slow_to_leave().start();
    let client = server.client().await;
    let ask = Ask::new("GET", "api.example.com", "/healthz");
    let flow = tokio::spawn(async move {
        let (mut answered, mut ended) = (0_usize, None);
        while ended.is_none() {
            match client.send(ask.request()).await {
                Ok(answer) => {
                    assert_eq!(answer.outcome(), "allow");
                    answered += 1;
                }
                Err(status) => ended = Some(status),
            }
        }
        (answered, ended.unwrap(), Instant::now())
    });
    eventually(SOON, "load", || (server.records().len() > 20).then_some(()));
    let asked = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(SOON).code(), Some(0));
    let (answered, status, ended) = flow.await.unwrap();
    // The flow ended because the port was closed at the end of `delay`, and not because a check was dropped before.
    assert!(
        ended.duration_since(asked) >= Duration::from_millis(650),
        "{status:?}"
    );
    assert_eq!(
        server.records().len(),
        answered,
        "each answer has its record: {status:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_port_says_so_and_leaves_the_first_alone() {
    let server = Setup::new().start();
    let taken = Setup::new();
    let folder = taken.folder().to_owned();
    let listen = format!("--grpc-listen={}", server.grpc);
    let ran = crate::harness::run(&folder, ["serve", "--config", "countersign.yaml", &listen]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(
        ran.stderr
            .contains(&format!("cannot listen on `{}`", server.grpc)),
        "{}",
        ran.stderr
    );
    let answer = server
        .client()
        .await
        .check(&Ask::new("GET", "api.example.com", "/healthz"))
        .await;
    assert_eq!(answer.outcome(), "allow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let taken = Setup::new().start();
    // The file's port is taken; were it used, the server would not start.
    let listen = format!("listen: {}", taken.grpc);
    let setup = Setup::new();
    let text = setup
        .read("countersign.yaml")
        .replacen("listen: 127.0.0.1:0", &listen, 1);
    setup.write("countersign.yaml", &text);
    let server = setup
        .environment("COUNTERSIGN_GRPC_LISTEN", "127.0.0.1:0")
        .environment("COUNTERSIGN_LOG", "error")
        .argument("--log=debug")
        .start();
    server
        .client()
        .await
        .check(&Ask::new("GET", "api.example.com", "/healthz"))
        .await;
    eventually_async(SOON, "a debug line", async || {
        server.log().contains("check answered").then_some(())
    })
    .await;
}
