//! The `lifecycle` section, and what registry, routes and checks say about each other.

use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::action::RouteTable;
use crate::registry::{Lifecycle, LifecycleSpec, Registry};

/// Checks the section; mistakes and warnings go to `problems`.
pub(super) fn read(
    document: &Document,
    spec: LifecycleSpec,
    problems: &mut Problems,
) -> Option<Lifecycle> {
    let base = KeyPath::root().join("lifecycle");
    let (lifecycle, findings) = match Lifecycle::compile(spec) {
        Ok((lifecycle, warnings)) => (Some(lifecycle), warnings),
        Err(errors) => (None, errors),
    };
    let placed = findings
        .into_iter()
        .map(|finding| place(document, &base, finding));
    problems.extend(placed);
    lifecycle
}

/// Warns of checks that look as if they were made and never find anything.
pub(super) fn lint(
    document: &Document,
    registry: &Registry,
    routes: &RouteTable,
    lifecycle: &Lifecycle,
    problems: &mut Problems,
) {
    let identities = KeyPath::root().join("identities");
    let of_identities = registry
        .iter()
        .any(|(_, known)| known.environment.is_some());
    let of_routes = routes.iter().any(|route| route.environment.is_some());
    if lifecycle.compares_environments() && of_identities && !of_routes {
        let message = "identities say their `environment`, and no route does: nothing is compared";
        let problem = document.warning(&identities, "environment-not-compared", message);
        problems.push(problem.help("give the routes an `environment`, for example `production`"));
    }
    let unknown = registry
        .iter()
        .filter(|(_, known)| known.rotation.is_none());
    let unknown = unknown.count();
    if lifecycle.denies_overdue() && unknown > 0 {
        let message = format!(
            "`lifecycle.rotation` denies, and {unknown} of {} identities do not say when they were rotated",
            registry.len()
        );
        let problem = document.warning(&identities, "rotation-unknown", message);
        problems.push(
            problem.help("add `rotated: 2026-01-31` to them: without it they are never overdue"),
        );
    }
}
