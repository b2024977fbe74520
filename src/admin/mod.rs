//! The operator edge: metrics, health and status.
//!
//! Read only, so it needs no authentication, and it listens on loopback unless the operator says otherwise. It holds
//! no state of its own: the wiring hands it a function that says how things are. It stays up while the server drains.

mod answers;
mod problem;
mod server;
pub mod spec;
mod status;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::telemetry::Metrics;

pub use server::AdminServer;
pub use spec::{AdminSettings, AdminSpec};
pub use status::{IntrospectionStatus, KeySetStatus, PolicyStatus, ReloadStatus, Status};

/// What the operator edge shows.
#[derive(Clone)]
pub struct AdminState {
    /// What is counted.
    pub metrics: Metrics,
    /// How things are at this moment; called once a request, and never waits.
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminState")
    }
}

/// Why the operator edge cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// `admin.listen` is no address.
    #[error(
        "`{0}` is not an address to listen on: write an IP address and a port, for example `127.0.0.1:9192`"
    )]
    Address(String),
    /// `admin.listen` can be reached from other machines.
    #[error(
        "the admin listener has no authentication and `{0}` can be reached from other machines: \
         listen on `127.0.0.1:9192`, or write `insecure: true` beside `listen` if the network keeps others out"
    )]
    Exposed(std::net::SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on `{address}`: {source}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}
