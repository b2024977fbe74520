//! `countersign.yaml`: listeners, providers, and where policies live.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::admin::{AdminSpec, EventsSpec, HooksSpec, MetricsSpec};
use crate::approval::ApprovalsSpec;
use crate::audit::AuditSpec;
use crate::ext_authz::GrpcSpec;
use crate::identity::DpopSpec;
use crate::model::list::OneOrMany;
use crate::registry::LifecycleSpec;
use crate::store::StoreSpec;
use crate::telemetry::LogSpec;

/// The server's settings. `providers` and `token` are read beside this.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Always 1.
    pub version: u32,
    /// Where Envoy asks.
    #[serde(default)]
    pub grpc: GrpcSpec,
    /// Where metrics and health are read.
    #[serde(default)]
    pub metrics: MetricsSpec,
    /// Where operators look, and change what runs.
    #[serde(default)]
    pub admin: AdminSpec,
    /// Messages that other systems may send.
    #[serde(default)]
    pub hooks: HooksSpec,
    /// Security events that other systems push.
    #[serde(default)]
    pub events: EventsSpec,
    /// What is logged, and how.
    #[serde(default)]
    pub log: LogSpec,
    /// Where decision records go.
    #[serde(default)]
    pub audit: AuditSpec,
    /// Where durable state is kept.
    #[serde(default)]
    pub store: StoreSpec,
    /// Who may approve, and how approvals are asked for.
    #[serde(default)]
    pub approvals: ApprovalsSpec,
    /// How proofs of possession are judged.
    #[serde(default)]
    pub dpop: DpopSpec,
    /// What the checks of an identity's life do.
    #[serde(default)]
    pub lifecycle: LifecycleSpec,
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
    /// Metrics listener.
    pub metrics_listen: Option<SocketAddr>,
    /// Admin listener, or `none`.
    pub admin_listen: Option<String>,
    /// Log level or filter.
    pub log_level: Option<String>,
    /// File of durable state, seen from the working directory.
    pub store: Option<PathBuf>,
}

/// What is read by itself, so that a mistake in one section hides none in another.
const SECTIONS: [&str; 13] = [
    "providers",
    "grpc",
    "metrics",
    "admin",
    "hooks",
    "events",
    "log",
    "audit",
    "store",
    "approvals",
    "dpop",
    "lifecycle",
    "token",
];

impl ServerSpec {
    /// Reads all settings but `providers`. A section that cannot be read is a problem, and stands at its defaults.
    pub(super) fn read(document: &Document, problems: &mut Problems) -> Option<Self> {
        let rest = document.decode_without(&KeyPath::root(), &SECTIONS);
        let rest: Option<Self> = problems.keep(rest);
        let (grpc, metrics, admin) = (
            section(document, "grpc", problems),
            section(document, "metrics", problems),
            section(document, "admin", problems),
        );
        let hooks = section(document, "hooks", problems);
        let events = section(document, "events", problems);
        let (log, audit) = (
            section(document, "log", problems),
            section(document, "audit", problems),
        );
        let lifecycle = section(document, "lifecycle", problems);
        let store = section(document, "store", problems);
        let approvals = section(document, "approvals", problems);
        let dpop = section(document, "dpop", problems);
        Some(Self {
            grpc,
            metrics,
            admin,
            hooks,
            events,
            log,
            audit,
            store,
            approvals,
            dpop,
            lifecycle,
            ..rest?
        })
    }
}

fn section<T: DeserializeOwned + Default>(
    document: &Document,
    name: &str,
    problems: &mut Problems,
) -> T {
    let read = document.decode_optional(&KeyPath::root().join(name));
    problems.keep(read).flatten().unwrap_or_default()
}
