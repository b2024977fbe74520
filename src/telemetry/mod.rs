//! Prometheus metrics and structured logs.
//!
//! Every label is an enum, a provider's name or a version: never a subject, a path, a header or a rule, so that the
//! number of series is bounded by the build and the configuration, not by traffic. Handles are made once; the hot path
//! looks nothing up by text. Nothing global is touched except by [`logging::init`], which the binary calls once.

mod admin;
mod approvals;
mod cache;
mod check;
mod events;
mod fields;
mod lifecycle;
pub mod logging;
pub mod metrics;
mod notices;
mod outcomes;
mod scrape;
pub mod spec;
mod state;
mod tls;

pub use admin::AdminRefusal;
pub use approvals::ApprovalEvent;
pub use cache::{CacheSample, CacheTally};
pub use events::EventResult;
pub use logging::{Log, LoggingError};
pub use metrics::{InFlight, Metrics, MetricsError, Reload, ShadowEffect};
pub use notices::Notice;
pub use scrape::{IntrospectionSample, KeySetSample};
pub use spec::{LogFormat, LogSpec};
pub use tls::{Handshake, Listener, TlsMetrics};

#[cfg(test)]
mod tests;
