//! The gRPC port as strangers and Envoys find it: who comes in, what about, and how much of it.

mod bindings;
mod bounds;
mod checks;
mod leaving;
mod strangers;

use serde_json::Value;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{
    Ask, Authority, Client, Dialer, PAYMENTS, Pair, SOON, Server, Setup, eventually,
};

/// An Envoy that is on the list.
const EDGE: &str = "spiffe://example.org/envoy/edge";

/// A server behind mutual TLS, and who signs for both sides.
struct Port {
    server: Server,
    servers: Authority,
    clients: Authority,
}

impl Port {
    /// Lets these Envoys (YAML) ask.
    fn open(envoys: &str) -> Self {
        Self::with(Setup::new(), envoys)
    }

    fn with(setup: Setup, envoys: &str) -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let setup = setup.mtls(&servers.server(), &clients.pem(), envoys);
        Self {
            server: setup.start(),
            servers,
            clients,
        }
    }

    fn dialer(&self, identity: Option<&Pair>) -> Dialer {
        Dialer::new(self.server.grpc, &self.servers.pem(), identity)
    }

    /// A connection of the Envoy with this SPIFFE ID.
    async fn envoy(&self, id: &str) -> Client {
        let pair = self.clients.client(&[id], &[]);
        self.dialer(Some(&pair)).client().await.unwrap()
    }

    /// What somebody gets who shows this certificate: how the check ends, or nothing, not even health.
    async fn gets(&self, identity: Option<&Pair>) -> Result<String, String> {
        let client = self.dialer(identity).client().await;
        let client = client.map_err(|error| error.to_string())?;
        self.asks(&client).await
    }

    /// Asks for health and for a decision; both or neither are answered.
    async fn asks(&self, client: &Client) -> Result<String, String> {
        let mut health = HealthClient::new(client.channel.clone());
        let health = health.check(HealthCheckRequest::default()).await;
        let answer = client.send(self.list().request()).await;
        assert_eq!(health.is_ok(), answer.is_ok(), "{health:?} {answer:?}");
        let answer = answer.map_err(|status| status.to_string())?;
        Ok(answer.outcome())
    }

    /// Payments, with the token of somebody who may list them.
    fn list(&self) -> Ask {
        let token = self.server.setup.corp.token("alice").audience(PAYMENTS);
        let token = token.groups(&["payments"]).scope("payments:read");
        Ask::payments("/v1/payments").bearer(&token.sign())
    }

    /// The first records, once there are so many: they are written behind the answers.
    fn records(&self, count: usize) -> Vec<Value> {
        eventually(SOON, "the records", || {
            let records = self.server.records();
            (records.len() >= count).then_some(records)
        })
    }

    fn handshakes(&self, result: &str) -> u64 {
        let labels = format!(r#"{{listener="grpc",result="{result}"}}"#);
        self.server
            .count(&format!("countersign_tls_handshakes_total{labels}"))
    }
}
