//! Client, Envoy, countersign, upstream: all real, all on loopback, one set for every configuration that is tried.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::Value;

use super::certs::CERTS;
use super::client::{Answer, Request, send};
use super::process::{Change, Envoy, Guard};
use super::upstream::Upstream;
use crate::harness::{SOON, Server, Setup, Token, eventually};

/// A route of the tests' own, beside the sample policies.
const ECHO: &str = include_str!("echo.yaml");

/// What Envoy gives countersign to answer is meant for an optimised build on a machine of its own; these tests run a debug
/// build beside many others on few cores, and none of them is about a slow answer unless it says so.
const PATIENT: [(&str, &str); 3] = [
    (
        "                timeout: 0.25s",
        "                timeout: 4s",
    ),
    ("    - timeout: 0.5s", "    - timeout: 3s"),
    ("    connect_timeout: 0.1s", "    connect_timeout: 2s"),
];

/// Everything that one configuration needs, ready.
pub(crate) struct Stage {
    pub(crate) envoy: Envoy,
    pub(crate) server: Server,
    pub(crate) upstream: Upstream,
    _guard: Guard,
}

/// The shipped configuration as it is.
pub(crate) static SHIPPED: LazyLock<Stage> = LazyLock::new(|| Stage::start(&[], setup()));

/// The sample configuration, and the tests' own route.
pub(crate) fn setup() -> Setup {
    let setup = Setup::new();
    setup.write("policies/echo.yaml", ECHO);
    setup
}

impl Stage {
    /// Brings everything up with these changes to `envoy.yaml`.
    pub(crate) fn start(envoy: &[Change], setup: Setup) -> Self {
        Self::with(envoy, setup.start(), 1)
    }

    /// The same for a server that runs already, of which `healthy` replicas (0 or 1) will be.
    pub(crate) fn with(envoy: &[Change], server: Server, healthy: usize) -> Self {
        let moved = [("port_value: 9191", port(server.grpc))];
        Self::led(&[envoy, &moved].concat(), server, healthy)
    }

    /// The same for changes that lead Envoy to countersign themselves.
    pub(crate) fn led(envoy: &[Change], server: Server, healthy: usize) -> Self {
        let upstream = Upstream::start();
        let patient = PATIENT.map(|(from, to)| (from, to.to_owned()));
        let moved = [("port_value: 10090", port(upstream.address))];
        let changes = [&patient, envoy, &moved].concat();
        let envoy = Envoy::start(CERTS.folder(), &changes, healthy);
        Self {
            envoy,
            upstream,
            _guard: Guard::over(server.pid()),
            server,
        }
    }

    /// Sends a request to the plain listener, on a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Answer {
        send(self.envoy.plain, request)
    }

    /// The start of a person's token for a host.
    pub(crate) fn person(&self, id: &str, host: &str) -> Token<'_> {
        self.server
            .setup
            .corp
            .token(id)
            .audience(&format!("https://{host}"))
    }

    /// The record of a decision.
    pub(crate) fn record(&self, decision: &str) -> Value {
        eventually(SOON, "a decision's record", || {
            let mut records = self.server.records().into_iter();
            records.find(|record| record["decision_id"] == decision && record["type"] == "decision")
        })
    }
}

/// The start of a person's token for a host, good at [`SHIPPED`].
pub(crate) fn person(id: &str, host: &str) -> Token<'static> {
    SHIPPED.person(id, host)
}

/// The start of a service account's token for a host, good at [`SHIPPED`].
pub(crate) fn ci(id: &str, host: &str) -> Token<'static> {
    let token = SHIPPED.server.setup.ci.token(id);
    token.audience(&format!("https://{host}"))
}

/// The time that `envoy.yaml` gives countersign, for tests about it.
pub(crate) fn hasty() -> Change {
    let [(shipped, patient), ..] = PATIENT;
    (patient, shipped.to_owned())
}

/// Where a cluster's endpoint listens, as `envoy.yaml` says it.
pub(crate) fn port(address: SocketAddr) -> String {
    format!("port_value: {}", address.port())
}
