//! What countersign reads of a request and changes about it: the other side of what Envoy is told to send and to take.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::headers::RequestHeaders;
use crate::config::Bundle;
use crate::ext_authz::{Grpc, MAX_MESSAGE};
use crate::model::header::{AUTHORIZATION, CLIENT_CERTIFICATE, DPOP};
use crate::model::route::{Action, McpOperation, Operation, Protocol, Route, RouteMatch};
use crate::policy::Policy;

/// What countersign keeps back of Envoy's timeout unless it is configured.
const DEFAULT_MARGIN: Duration = Duration::from_millis(10);

/// What countersign's own configuration reads and sets.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Request headers that are read, and by whom.
    pub(super) headers: RequestHeaders,
    /// Namespaces of metadata that policies read.
    pub(super) metadata: BTreeSet<String>,
    /// Namespaces of route metadata that policies read.
    pub(super) route_metadata: BTreeSet<String>,
    /// Keys of context extensions that policies read.
    pub(super) extensions: BTreeSet<String>,
    /// Every route; empty if nothing was loaded.
    pub(super) routes: BTreeSet<String>,
    /// Those that only Envoy can name.
    pub(super) named_routes: BTreeSet<String>,
    /// Bodies that decisions read.
    pub(super) bodies: Vec<Wanted>,
    /// Request headers that policies set: a client's own are removed.
    pub(super) set: BTreeSet<String>,
    /// Request headers that policies remove.
    pub(super) stripped: BTreeSet<String>,
    /// Whether policies ask for a workload.
    pub(super) workload: bool,
    /// Whether providers read `x-forwarded-client-cert`.
    pub(super) forwarded_certificates: bool,
    /// What is kept back of Envoy's timeout.
    pub(super) margin: Duration,
    /// The largest check in bytes.
    pub(super) max_message: usize,
    /// Who needs the client's certificate itself, and cannot do with its name.
    pub(super) certificate: Option<String>,
    /// Where countersign is asked; none if nothing was loaded.
    pub(super) port: Option<Port>,
    /// Whether a configuration was loaded.
    pub(super) loaded: bool,
}

/// Requests whose bodies are read.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The policy's route.
    pub(super) route: String,
    /// Its hosts; none if only Envoy can name it.
    pub(super) hosts: Vec<String>,
    /// How their paths start.
    pub(super) path: String,
    /// What reads them.
    pub(super) why: String,
    /// Whether method and name are enough, which somebody else may have read.
    pub(super) names_only: bool,
}

/// Where countersign listens, and what it demands of those who ask there.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// The port of the TCP listener, if there is one; 0 is any.
    pub(super) tcp: Option<u16>,
    /// Whether that listener speaks TLS.
    pub(super) tls: bool,
    /// Whether it demands a certificate.
    pub(super) mutual: bool,
    /// The Unix socket.
    pub(super) unix: Option<PathBuf>,
}

impl Default for Needs {
    /// What holds for every configuration.
    fn default() -> Self {
        Self {
            headers: RequestHeaders::default(),
            metadata: BTreeSet::new(),
            route_metadata: BTreeSet::new(),
            extensions: BTreeSet::new(),
            routes: BTreeSet::new(),
            named_routes: BTreeSet::new(),
            bodies: Vec::new(),
            set: BTreeSet::new(),
            stripped: BTreeSet::new(),
            workload: false,
            forwarded_certificates: false,
            margin: DEFAULT_MARGIN,
            max_message: MAX_MESSAGE,
            certificate: None,
            port: None,
            loaded: false,
        }
    }
}

impl Needs {
    /// What this configuration reads and sets.
    pub fn of(bundle: &Bundle) -> Self {
        let mut needs = Self {
            headers: RequestHeaders::of(bundle),
            margin: bundle.grpc.margin(),
            port: Some(Port::of(&bundle.grpc)),
            loaded: true,
            ..Self::default()
        };
        needs.read_routes(bundle);
        needs.read_providers(bundle);
        needs.read_policy(&bundle.policy);
        needs.read_tokens(bundle);
        needs
    }

    fn read_providers(&mut self, bundle: &Bundle) {
        let mut read = bundle.providers.headers().map(|(_, name)| name);
        self.forwarded_certificates = read.any(|name| name == CLIENT_CERTIFICATE);
        if let Some(provider) = bundle.providers.of_certificates().next() {
            self.certificate = Some(format!(
                "provider `{provider}` sees nothing of a certificate but the first of its names"
            ));
        }
    }

    fn read_routes(&mut self, bundle: &Bundle) {
        // No Envoy stands before countersign itself.
        for route in bundle.routes.declared() {
            let id = route.id.to_string();
            if matches!(route.matches, RouteMatch::Extension) {
                self.named_routes.insert(id.clone());
            }
            self.bodies.extend(wanted(route, &bundle.policy));
            self.routes.insert(id);
        }
    }

    fn read_policy(&mut self, policy: &Policy) {
        self.workload |= policy.demands_workload();
        if policy.demands_certificate() {
            let why = "a policy demands `proof: mtls`, which nobody can show";
            self.certificate.get_or_insert_with(|| why.to_owned());
        }
        let set = policy.settable_headers().iter();
        self.set = set.map(ToString::to_string).collect();
        let stripped = policy.stripped_headers().into_iter();
        self.stripped = stripped.map(ToString::to_string).collect();
        for (path, _) in policy.reads() {
            let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
            match names.as_slice() {
                ["context", "metadata", name, ..] => {
                    self.metadata.insert((*name).to_owned());
                }
                ["context", "route_metadata", name, ..] => {
                    self.route_metadata.insert((*name).to_owned());
                }
                ["context", "extensions", name, ..] => {
                    self.extensions.insert((*name).to_owned());
                }
                _ => {}
            }
        }
    }

    /// Minted tokens are set, and replace what the caller came with.
    fn read_tokens(&mut self, bundle: &Bundle) {
        let set = bundle.set_headers();
        self.set.extend(set.iter().map(ToString::to_string));
        if bundle.policy.demands_tokens() {
            let own = bundle.providers.headers();
            let own = own.map(|(_, name)| name.to_owned());
            let known = [AUTHORIZATION, DPOP].map(str::to_owned);
            let all = own.filter(|name| name != CLIENT_CERTIFICATE).chain(known);
            self.stripped.extend(all);
        }
    }
}

impl Port {
    fn of(grpc: &Grpc) -> Self {
        Self {
            tcp: grpc.tcp().map(|address| address.port()),
            tls: grpc.tls().is_some(),
            mutual: grpc.authenticates(),
            unix: grpc.unix().map(ToOwned::to_owned),
        }
    }
}

/// The bodies that are read on a route: each message of an MCP route, else those of actions with arguments.
fn wanted(route: &Route, policy: &Policy) -> Vec<Wanted> {
    let (hosts, prefix) = match &route.matches {
        RouteMatch::Host { hosts, prefix } => (hosts.clone(), prefix.clone()),
        RouteMatch::Extension => (Vec::new(), String::from("/")),
    };
    let one = |path: String, why: String, names_only| Wanted {
        route: route.id.to_string(),
        hosts: hosts.clone(),
        path,
        why,
        names_only,
    };
    if matches!(route.protocol, Protocol::Mcp(_)) {
        let why = format!(
            "on the MCP route `{}` the body says what is asked",
            route.id
        );
        let blind = |action: &Action| {
            !reads_arguments(action)
                && !policy.demands_token(action)
                && !policy.binds_content(action)
        };
        let names_only = route.actions.iter().all(|action| blind(action.as_ref()));
        return vec![one(prefix, why, names_only)];
    }
    let with_arguments = route
        .actions
        .iter()
        .filter(|action| !action.args.is_empty() || policy.binds_content(action));
    with_arguments
        .flat_map(|action| {
            let why = if action.args.is_empty() {
                format!("an approval of action `{}` is bound to the body", action.id)
            } else {
                format!("action `{}` has arguments in the body", action.id)
            };
            action.operations.iter().map(move |operation| {
                let path = match operation {
                    Operation::Http { pattern, .. } => {
                        pattern.split('{').next().unwrap_or_default()
                    }
                    Operation::Grpc { .. } | Operation::Mcp(_) => "/",
                };
                (path.to_owned(), why.clone())
            })
        })
        .map(|(path, why)| one(path, why, false))
        .collect()
}

/// Whether a decision about this action of an MCP route is about more than its name.
fn reads_arguments(action: &Action) -> bool {
    let takes_arguments = |operation: &Operation| {
        matches!(
            operation,
            Operation::Mcp(McpOperation::Tool(_) | McpOperation::Prompt(_))
        )
    };
    !action.args.is_empty() || !action.extra && action.operations.iter().any(takes_arguments)
}
