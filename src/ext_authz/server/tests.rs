use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::authorization_server::SERVICE_NAME;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::*;
use crate::ext_authz::spec::GrpcSpec;

/// A server without checks: everything around them.
struct Running {
    bound: Bound,
    ready: watch::Sender<bool>,
    shutdown: CancellationToken,
    served: JoinHandle<Result<Drained, EdgeError>>,
    _folder: tempfile::TempDir,
}

fn metrics() -> Metrics {
    Metrics::new("test", crate::model::time::Timestamp::from_seconds(0)).unwrap()
}

async fn running(delay: u64, grace: u64) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let spec = GrpcSpec {
        listen: "127.0.0.1:0".into(),
        unix: Some(folder.path().join("edge.sock")),
        drain: DrainSpec {
            delay: Duration::from_millis(delay),
            grace: Duration::from_millis(grace),
        },
        ..GrpcSpec::default()
    };
    let edge = Edge::bind(Grpc::try_from(spec).unwrap(), &metrics())
        .await
        .unwrap();
    let (ready, readiness) = watch::channel(false);
    let shutdown = CancellationToken::new();
    Running {
        bound: edge.bound().clone(),
        ready,
        served: tokio::spawn(edge.serve_with(|routes| routes, readiness, shutdown.clone())),
        shutdown,
        _folder: folder,
    }
}

impl Running {
    async fn tcp(&self) -> Channel {
        let address = format!("http://{}", self.bound.addr.unwrap());
        Endpoint::from_shared(address)
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    async fn unix(&self) -> Channel {
        let path = self.bound.unix.as_ref().unwrap().display();
        Endpoint::from_shared(format!("unix:{path}"))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }
}

fn asking(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(channel.clone());
    client
        .check(asking(service))
        .await
        .unwrap()
        .into_inner()
        .status()
}

#[tokio::test]
async fn health_follows_readiness_on_every_listener() {
    let running = running(0, 1000).await;
    let channels = [running.tcp().await, running.unix().await];
    let mut watch = HealthClient::new(channels[0].clone());
    let mut watch = watch
        .watch(asking(SERVICE_NAME))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.next().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    for channel in &channels {
        assert_eq!(health(channel, "").await, ServingStatus::NotServing);
        assert_eq!(
            health(channel, SERVICE_NAME).await,
            ServingStatus::NotServing
        );
    }
    running.ready.send(true).unwrap();
    assert_eq!(
        watch.next().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    for channel in &channels {
        assert_eq!(health(channel, "").await, ServingStatus::Serving);
        assert_eq!(health(channel, SERVICE_NAME).await, ServingStatus::Serving);
    }
    running.ready.send(false).unwrap();
    assert_eq!(
        watch.next().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
}

#[tokio::test]
async fn draining_says_so_first_and_serves_on_for_the_delay() {
    let running = running(300, 3000).await;
    running.ready.send(true).unwrap();
    let mut watch = HealthClient::new(running.tcp().await);
    let mut watch = watch.watch(asking("")).await.unwrap().into_inner();
    while watch.next().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    let started = Instant::now();
    running.shutdown.cancel();
    assert_eq!(
        watch.next().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    // A new connection is still answered.
    assert_eq!(
        health(&running.unix().await, "").await,
        ServingStatus::NotServing
    );
    // The watch ends by itself, and with it the last connection: the grace period is not used up.
    let ended = running.served.await.unwrap().unwrap();
    assert_eq!(ended, Drained::Complete);
    assert!(watch.next().await.is_none());
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(!running.bound.unix.unwrap().exists());
}

#[tokio::test]
async fn what_stays_open_is_cut_after_the_grace_period() {
    let running = running(0, 200).await;
    let (_keep_open, requests) = tokio::sync::mpsc::channel::<ServerReflectionRequest>(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut client = ServerReflectionClient::new(running.tcp().await);
    let _answers = client.server_reflection_info(requests).await.unwrap();
    running.shutdown.cancel();
    assert_eq!(running.served.await.unwrap().unwrap(), Drained::Cut);
}

#[tokio::test]
async fn reflection_describes_checks_and_health() {
    let running = running(0, 1000).await;
    let mut client = ServerReflectionClient::new(running.tcp().await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    let answer: ServerReflectionResponse = answers.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for expected in [
        SERVICE_NAME,
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let spec = GrpcSpec {
        listen: taken.local_addr().unwrap().to_string(),
        ..GrpcSpec::default()
    };
    let error = Edge::bind(Grpc::try_from(spec).unwrap(), &metrics())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot listen on `127.0.0.1:"),
        "{error}"
    );
}
