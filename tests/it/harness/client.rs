//! A client that asks like Envoy, over TCP or a Unix socket.

use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{Answer, Ask};

/// An open connection to a server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) channel: Channel,
    checks: AuthorizationClient<Channel>,
}

impl Client {
    /// Connects to `http://address` or `unix:path`.
    pub(crate) async fn connect(target: &str) -> Self {
        let endpoint = Endpoint::from_shared(target.to_owned()).unwrap();
        let channel = endpoint
            .connect()
            .await
            .unwrap_or_else(|error| panic!("`{target}`: {error}"));
        Self::over(channel)
    }

    /// A client on a connection that somebody else has made.
    pub(crate) fn over(channel: Channel) -> Self {
        Self {
            checks: AuthorizationClient::new(channel.clone()),
            channel,
        }
    }

    /// Asks, and expects an answer: a gRPC error would be Envoy's to judge, so none is ever acceptable.
    pub(crate) async fn check(&self, ask: &Ask) -> Answer {
        self.send(ask.request())
            .await
            .unwrap_or_else(|status| panic!("{ask:?}: {status:?}"))
    }

    /// Sends any message.
    pub(crate) async fn send(&self, request: CheckRequest) -> Result<Answer, Status> {
        let mut request = Request::new(request);
        request
            .metadata_mut()
            .insert("grpc-timeout", "5S".parse().unwrap());
        let answered =
            tokio::time::timeout(Duration::from_secs(20), self.checks.clone().check(request)).await;
        Ok(Answer(answered.expect("an answer in time")?.into_inner()))
    }
}
