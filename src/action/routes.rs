//! The table of routes: the first thing that is decided about a request, before identity.

use std::collections::HashMap;
use std::sync::Arc;

use super::compile::CompiledRoute;
use crate::model::finding::Finding;
use crate::model::name::RouteId;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Route, RouteMatch};
use crate::model::verdict::Denial;

/// The key in Envoy's `context_extensions` that names a route.
pub const EXTENSION_KEY: &str = "route";

/// All routes of a snapshot.
#[derive(Debug)]
pub struct RouteTable {
    by_id: HashMap<RouteId, Arc<CompiledRoute>>,
    /// Prefixes of a host, longest first.
    by_host: HashMap<String, Vec<(String, Arc<CompiledRoute>)>>,
}

impl RouteTable {
    /// Puts the routes together; two that match the same host and prefix are an error, at the second one's id.
    pub fn build(routes: Vec<CompiledRoute>) -> Result<Self, Vec<Finding>> {
        let mut table = Self {
            by_id: HashMap::new(),
            by_host: HashMap::new(),
        };
        let mut findings = Vec::new();
        for route in routes.into_iter().map(Arc::new) {
            if let RouteMatch::Host { hosts, prefix } = &route.route.matches {
                for host in hosts {
                    let prefixes = table.by_host.entry(host.clone()).or_default();
                    if let Some((_, other)) = prefixes.iter().find(|(taken, _)| taken == prefix) {
                        findings.push(same_requests(&route.route, &other.route));
                    }
                    prefixes.push((prefix.clone(), Arc::clone(&route)));
                }
            }
            table.by_id.insert(route.route.id.clone(), route);
        }
        for prefixes in table.by_host.values_mut() {
            prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        if findings.is_empty() {
            Ok(table)
        } else {
            Err(findings)
        }
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
        let prefixes = self
            .by_host
            .get(&request.host)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found = prefixes
            .iter()
            .find(|(prefix, _)| is_below(&request.path, prefix));
        found
            .map(|(_, route)| route)
            .ok_or_else(|| Denial::new(Reason::NoRoute))
    }

    /// Every route.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.by_id.values().map(|compiled| &compiled.route)
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

/// Whether `path` is `prefix` or below it, by whole segments.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    prefix == "/"
        || path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
