//! `countersign.yaml`: listeners, providers, and where policies live.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::admin::AdminSpec;
use crate::audit::AuditSpec;
use crate::ext_authz::GrpcSpec;
use crate::model::list::OneOrMany;
use crate::telemetry::LogSpec;

/// The server's settings. `providers` are read one by one beside this.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Always 1.
    pub version: u32,
    /// Where Envoy asks.
    #[serde(default)]
    pub grpc: GrpcSpec,
    /// Where operators look.
    #[serde(default)]
    pub admin: AdminSpec,
    /// What is logged, and how.
    #[serde(default)]
    pub log: LogSpec,
    /// Where decision records go.
    #[serde(default)]
    pub audit: AuditSpec,
    /// Policy files and folders, seen from this file.
    #[serde(default)]
    pub policies: OneOrMany<String>,
    /// The registry of non-human identities, seen from this file.
    pub identities: Option<String>,
    /// Values of the conditions that policies declare, seen from this file.
    pub conditions: Option<String>,
    /// Namespaces of Envoy's metadata that conditions may read.
    #[serde(default)]
    pub trusted_metadata: Vec<String>,
}

/// Settings from the command line and the environment; they win over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// gRPC listener.
    pub grpc_listen: Option<SocketAddr>,
    /// Admin listener.
    pub admin_listen: Option<SocketAddr>,
    /// Log level or filter.
    pub log_level: Option<String>,
}
