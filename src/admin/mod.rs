//! The operator edge: two listeners.
//!
//! The metrics listener shows numbers and health, read only and to whoever reaches it. The admin listener shows the status,
//! and changes things for those who are listed. Both listen on loopback unless the operator says otherwise. They hold no
//! state of their own: the wiring hands them functions that say how things are and that change them. They stay up while
//! the server drains.
//!
//! On the admin listener a request has at most one credential, and one that is present and not valid is refused whatever
//! is asked. Nothing is changed without a record of who did it. No credential is ever in a log, a record or an answer.

mod access;
mod answers;
mod approvals;
mod caller;
mod change;
mod check;
mod conditions;
mod events;
mod gate;
mod guard;
mod hooks;
mod inbox;
mod json;
mod keys;
mod keys_end;
mod limiter;
mod metrics;
mod offboard;
mod openapi;
mod origin;
mod problem;
mod replicas;
mod revocations;
mod server;
mod settings;
pub mod spec;
mod status;

#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use crate::audit::Audit;
use crate::authorizer::{Live, Snapshot};
use crate::keys::RandomError;
use crate::model::decision::Decision;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::outbound::OutboundError;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::tls::TlsError;

pub use events::{EventsSpec, Streams};
pub use hooks::spec::{HookSpec, Hooks, HooksSpec};
pub use server::HttpServer;
pub use settings::{AdminSettings, MetricsSettings, Surroundings};
pub use spec::{AccessSpec, AdminSpec, MetricsSpec};
pub use status::{
    IntrospectionStatus, KeySetStatus, PolicyStatus, ReloadStatus, Reloaded, StateStatus, Status,
    StreamStatus,
};

/// Says how things are at this moment; called once a request, and never waits.
pub type StatusNow = Arc<dyn Fn() -> Status + Send + Sync>;

/// The JWK set in force, if tokens are minted; called once a request, and never waits.
pub type JwksNow = Arc<dyn Fn() -> Option<Arc<str>> + Send + Sync>;

/// The streams of security events that are received; called once an event, and never waits.
pub type StreamsNow = Arc<dyn Fn() -> Streams + Send + Sync>;

/// A reload that was asked for; none if nothing is reloaded any more. It begins when it is awaited.
pub type Reloading = Pin<Box<dyn Future<Output = Option<Reloaded>> + Send>>;

/// A decision that is being made.
pub type Deciding = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// Decides a request that came at the first moment, by the second: [`Authorizer::decide`](crate::authorizer::Authorizer::decide).
pub type Decide = Arc<dyn Fn(AccessRequest, Instant, Instant) -> Deciding + Send + Sync>;

/// What the metrics listener shows.
#[derive(Clone)]
pub struct MetricsState {
    /// What is counted.
    pub metrics: Metrics,
    /// How things are.
    pub status: StatusNow,
    /// The keys that minted tokens are verified with.
    pub jwks: JwksNow,
}

/// What the admin listener shows and changes.
#[derive(Clone)]
pub struct AdminState {
    /// What is counted.
    pub metrics: Metrics,
    /// How things are.
    pub status: StatusNow,
    /// Reads everything again.
    pub reload: Arc<dyn Fn() -> Reloading + Send + Sync>,
    /// The snapshot in force, whose providers and registry judge operators.
    pub snapshot: Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>,
    /// Whose security events are taken.
    pub streams: StreamsNow,
    /// Decides what is asked about approvals.
    pub decide: Decide,
    /// What this replica knows of approvals.
    pub live: Live,
    /// Where API keys and approvals are kept.
    pub store: Store,
    /// Where changes are recorded.
    pub audit: Audit,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

impl fmt::Debug for MetricsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsState")
    }
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminState")
    }
}

/// Why the operator edge cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// `metrics.listen` is no address.
    #[error(
        "`{0}` is not an address to listen on: write an IP address and a port, for example `127.0.0.1:9192`"
    )]
    Address(String),
    /// `metrics.listen` can be reached from other machines.
    #[error(
        "the metrics listener has no authentication and `{0}` can be reached from other machines: \
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
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Nobody can be called.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}
