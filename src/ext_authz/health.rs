//! `grpc.health.v1`: Check and Watch, for the server as a whole and for the service that Envoy calls.

use envoy_types::pb::envoy::service::auth::v3::authorization_server::SERVICE_NAME;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, HealthService};

/// The services whose health is reported: the server itself, and the checks.
const SERVICES: [&str; 2] = ["", SERVICE_NAME];

/// Reports health; `NOT_SERVING` until told otherwise.
#[derive(Debug)]
pub(super) struct Reporter(HealthReporter);

impl Reporter {
    /// A reporter that says `NOT_SERVING`.
    pub(super) async fn new() -> Self {
        let reporter = Self(HealthReporter::new());
        reporter.set(false).await;
        reporter
    }

    /// The service that answers with what this reporter says.
    pub(super) fn service(&self) -> HealthServer<impl Health + use<>> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }

    /// Says what `ready` says until `stop` is cancelled, then `NOT_SERVING`.
    pub(super) async fn follow(&self, mut ready: watch::Receiver<bool>, stop: &CancellationToken) {
        let follow = async {
            loop {
                let serving = *ready.borrow_and_update();
                self.set(serving).await;
                if ready.changed().await.is_err() {
                    // Whoever knew is gone; what it said last stands.
                    std::future::pending::<()>().await;
                }
            }
        };
        let _stopped: Option<()> = stop.run_until_cancelled(follow).await;
        self.set(false).await;
    }

    /// Ends every Watch, which would otherwise keep its connection open for as long as its client likes.
    pub(super) async fn close(&mut self) {
        for service in SERVICES {
            self.0.clear_service_status(service).await;
        }
    }

    async fn set(&self, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for service in SERVICES {
            self.0.set_service_status(service, status).await;
        }
    }
}
