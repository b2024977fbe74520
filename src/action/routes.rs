//! The table of routes: the first thing that is decided about a request, before identity.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::compile::CompiledRoute;
use crate::model::finding::Finding;
use crate::model::name::RouteId;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::resource::{WELL_KNOWN, metadata_path};
use crate::model::route::{COUNTERSIGN, Route, RouteMatch};
use crate::model::verdict::Denial;

/// The key in Envoy's `context_extensions` that names a route.
pub const EXTENSION_KEY: &str = "route";

/// All routes of a snapshot.
#[derive(Debug)]
pub struct RouteTable {
    by_id: HashMap<RouteId, Arc<CompiledRoute>>,
    by_host: HashMap<String, Prefixes>,
    /// By host, then by the path of their metadata.
    described: HashMap<String, HashMap<String, Arc<CompiledRoute>>>,
}

/// The routes of one host.
#[derive(Debug, Default)]
struct Prefixes {
    routes: HashMap<String, Arc<CompiledRoute>>,
    /// Length of the longest prefix: a path of thousands of segments is not looked up thousands of times.
    longest: usize,
}

impl RouteTable {
    /// Puts the routes together; two that match the same host and prefix are an error, at the second one's id. So are two
    /// on one host that would have their metadata (RFC 9728) at one path: `has_metadata` says which have any.
    pub fn build(
        routes: Vec<CompiledRoute>,
        has_metadata: impl Fn(&Route) -> bool,
    ) -> Result<Self, Vec<Finding>> {
        let mut table = Self {
            by_id: HashMap::new(),
            by_host: HashMap::new(),
            described: HashMap::new(),
        };
        let mut findings = Vec::new();
        for route in routes.into_iter().map(Arc::new) {
            if let RouteMatch::Host { hosts, prefix } = &route.route.matches {
                for host in hosts {
                    let prefixes = table.by_host.entry(host.clone()).or_default();
                    prefixes.longest = prefixes.longest.max(prefix.len());
                    let taken = prefixes.routes.insert(prefix.clone(), Arc::clone(&route));
                    if let Some(other) = taken {
                        findings.push(same_requests(&route.route, &other.route));
                    }
                }
                if has_metadata(&route.route) {
                    findings.extend(table.describe(&route, hosts));
                }
            }
            table.by_id.insert(route.route.id.clone(), route);
        }
        if findings.is_empty() {
            Ok(table)
        } else {
            Err(findings)
        }
    }

    /// Makes the route's metadata found on its hosts.
    fn describe(&mut self, route: &Arc<CompiledRoute>, hosts: &[String]) -> Option<Finding> {
        let mut conflict = None;
        for host in hosts {
            let of_host = self.described.entry(host.clone()).or_default();
            let path = metadata_path(&route.route.url);
            if let Some(other) = of_host.insert(path, Arc::clone(route)) {
                conflict = conflict.or_else(|| Some(same_metadata(&route.route, &other.route)));
            }
        }
        conflict
    }

    /// The route whose metadata (RFC 9728) `request` asks for: one of the request's host that has exactly this path for it,
    /// or the one that the context extensions name.
    pub fn described(&self, request: &AccessRequest) -> Option<&Arc<CompiledRoute>> {
        let path = request.raw_path.as_str();
        if !path.starts_with(WELL_KNOWN) {
            return None;
        }
        let Some(named) = request.context_extensions.get(EXTENSION_KEY) else {
            return self.described.get(&request.host)?.get(path);
        };
        let route = self.by_id.get(&RouteId::new(named).ok()?)?;
        (metadata_path(&route.route.url) == path).then_some(route)
    }

    /// The route of `request`: the id in its context extensions alone, else the exact host and the longest prefix
    /// of whole segments.
    pub fn find(&self, request: &AccessRequest) -> Result<&Arc<CompiledRoute>, Denial> {
        if let Some(named) = request.context_extensions.get(EXTENSION_KEY) {
            let id = RouteId::new(named).ok();
            return id.and_then(|id| self.by_id.get(&id)).ok_or_else(|| {
                Denial::new(Reason::UnknownRoute)
                    .because("`context_extensions` name a route that does not exist")
            });
        }
        let prefixes = self.by_host.get(&request.host);
        let found = prefixes.and_then(|prefixes| prefixes.find(&request.path));
        found.ok_or_else(|| Denial::new(Reason::NoRoute))
    }

    /// The routes that policies declare: every one but countersign's own.
    pub fn declared(&self) -> impl Iterator<Item = &Route> {
        self.iter().filter(|route| route.id.as_str() != COUNTERSIGN)
    }

    /// Every route.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.by_id.values().map(|compiled| &compiled.route)
    }
}

impl Prefixes {
    fn find(&self, path: &str) -> Option<&Arc<CompiledRoute>> {
        let mut candidates = prefixes_of(path).filter(|prefix| prefix.len() <= self.longest);
        candidates.find_map(|prefix| self.routes.get(prefix))
    }
}

fn same_requests(route: &Route, other: &Route) -> Finding {
    let message = format!(
        "routes `{}` and `{}` match the same host and path",
        other.id, route.id
    );
    Finding::error("route-conflict", message)
        .under("match")
        .under(route.id.as_str())
}

fn same_metadata(route: &Route, other: &Route) -> Finding {
    let message = format!(
        "routes `{}` and `{}` are on one host and have one path of `url`, so their metadata would have one address",
        other.id, route.id
    );
    Finding::error("metadata-conflict", message)
        .help("write each route's own `url`, for example with the path that it matches")
        .under("url")
        .under(route.id.as_str())
}

/// Every prefix of whole segments that `path` is below, the longest first; `/` is the last. Looking each up costs the
/// same however many routes a host has.
fn prefixes_of(path: &str) -> impl Iterator<Item = &str> {
    let segments = std::iter::successors(Some(path), |prefix| {
        let (parent, _) = prefix.rsplit_once('/')?;
        Some(parent)
    });
    segments
        .filter(|prefix| !prefix.is_empty())
        .chain(std::iter::once("/"))
}

/// Whether `path` is `prefix` or below it, by whole segments.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    prefix == "/"
        || path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
