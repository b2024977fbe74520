//! The allow-list of Envoys against the routes: what an Envoy is bound to has to exist.

use std::collections::BTreeSet;

use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::action::RouteTable;
use crate::ext_authz::Envoys;
use crate::model::finding::Finding;
use crate::model::request::Gateway;
use crate::model::route::Route;
use crate::model::suggest::suggest;

/// Reports every route and tenant under `grpc.envoys` that no policy file has.
pub(super) fn check(
    document: &Document,
    envoys: &Envoys,
    routes: &RouteTable,
    problems: &mut Problems,
) {
    let base = KeyPath::root().join("grpc").join("envoys");
    let routes: Vec<&Route> = routes.iter().collect();
    for (index, gateway) in envoys.gateways().enumerate() {
        let found = findings(gateway, &routes);
        problems.extend(
            found
                .into_iter()
                .map(|it| place(document, &base, it.under(index))),
        );
    }
}

fn findings(gateway: &Gateway, routes: &[&Route]) -> Vec<Finding> {
    let Gateway {
        id: _,
        tenant,
        routes: bound,
    } = gateway;
    let tenants: BTreeSet<&str> = routes
        .iter()
        .filter_map(|it| it.tenant.as_deref())
        .collect();
    let unknown = tenant.as_deref().filter(|it| !tenants.contains(it));
    let mut findings: Vec<Finding> = unknown
        .map(|tenant| unknown_tenant(tenant, &tenants))
        .into_iter()
        .collect();
    for (index, id) in bound.iter().flatten().enumerate() {
        let finding = match routes.iter().find(|route| route.id == *id) {
            None => unknown_route(id.as_str(), routes),
            Some(route) if tenant.is_some() && route.tenant != *tenant && unknown.is_none() => {
                let message = format!(
                    "`{id}` is no route of tenant `{}`",
                    tenant.as_deref().unwrap_or_default()
                );
                Finding::error("route-of-another-tenant", message)
                    .help("leave out `tenant` or the route: an Envoy may ask about what both allow")
            }
            Some(_) => continue,
        };
        findings.push(finding.under(index).under("routes"));
    }
    findings
}

fn unknown_tenant(tenant: &str, known: &BTreeSet<&str>) -> Finding {
    let finding = Finding::error(
        "unknown-tenant",
        format!("no route is of tenant `{tenant}`"),
    );
    let near = suggest(tenant, known.iter().copied());
    let finding = match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("routes say whose they are with `tenant:`"),
    };
    finding.under("tenant")
}

fn unknown_route(id: &str, routes: &[&Route]) -> Finding {
    let finding = Finding::error("unknown-route", format!("there is no route `{id}`"));
    match suggest(id, routes.iter().map(|route| route.id.as_str())) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    }
}
