//! Routes, and what each of them changes about the question: every level at which Envoy lets a filter be overridden.

use super::at::At;
use super::examine::Examination;
use super::http_filter::{EXT_AUTHZ, HttpFilter, MCP};
use super::trap::Trap;
use super::{body, forwarding, mcp, passed_on, service};
use crate::action::EXTENSION_KEY;

pub(super) const PER_ROUTE: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const MCP_OVERRIDE: &str = "envoy.extensions.filters.http.mcp.v3.McpOverride";
/// What any filter can be wrapped in.
const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";

/// Examines a route configuration that this chain of filters serves.
pub(super) fn examine<'d>(
    config: &At<'d>,
    filters: &[HttpFilter<'d>],
    examination: &mut Examination<'_, 'd>,
) {
    overrides(config, filters, examination);
    passed_on::examine(config, examination);
    forwarding::mirrored(config, examination);
    if config.get("vhds").is_some() {
        examination.partial = true;
        examination.report.add(
            Trap::UnseenRoutes,
            &config.field("vhds"),
            "virtual hosts are discovered on demand, and are not in this file",
            "list them in the route configuration",
        );
    }
    for host in config.list("virtual_hosts") {
        overrides(&host, filters, examination);
        passed_on::examine(&host, examination);
        forwarding::repeated(&host, examination);
        for route in routes_of(&host) {
            examination.routes += 1;
            overrides(&route, filters, examination);
            passed_on::examine(&route, examination);
            forwarding::examine(&route, examination);
            for cluster in weighted(&route) {
                overrides(&cluster, filters, examination);
                passed_on::examine(&cluster, examination);
                forwarding::target(&cluster, examination);
            }
        }
    }
    passed_on::removed(config, examination);
}

/// The routes of a virtual host: its list, or the actions of its matcher, which are found wherever they stand.
pub(super) fn routes_of<'d>(host: &At<'d>) -> Vec<At<'d>> {
    let mut routes = host.list("routes");
    if let Some(matcher) = host.get("matcher") {
        matched(&matcher, MAX_MATCHER_DEPTH, &mut routes);
    }
    routes
}

/// How deep matchers within matchers are followed.
const MAX_MATCHER_DEPTH: usize = 24;

fn matched<'d>(at: &At<'d>, depth: usize, routes: &mut Vec<At<'d>>) {
    let Some(below) = depth.checked_sub(1) else {
        return;
    };
    if let Some((of, route)) = at.message() {
        match of.as_str() {
            "envoy.config.route.v3.Route" => return routes.push(route),
            "envoy.config.route.v3.RouteList" => return routes.extend(route.list("routes")),
            _ => {}
        }
    }
    let entries = at.entries().into_iter().map(|(_, entry)| entry);
    for inner in entries.chain(at.items()) {
        matched(&inner, below, routes);
    }
}

pub(super) fn weighted<'d>(route: &At<'d>) -> Vec<At<'d>> {
    let clusters = route.find(&["route", "weighted_clusters"]);
    clusters
        .map(|clusters| clusters.list("clusters"))
        .unwrap_or_default()
}

/// What one level changes about the filters.
fn overrides<'d>(
    level: &At<'d>,
    filters: &[HttpFilter<'d>],
    examination: &mut Examination<'_, 'd>,
) {
    let Some(overrides) = level.get("typed_per_filter_config") else {
        return;
    };
    for (name, written) in overrides.entries() {
        let Some((of, config)) = written.message() else {
            continue;
        };
        let filter = filters.iter().find(|filter| filter.name == name);
        let known = filter.map(|filter| filter.of.as_str());
        let wrapped = of == FILTER_CONFIG;
        let inner = if wrapped {
            config.get("config").as_ref().and_then(At::message)
        } else {
            Some((of, config.clone()))
        };
        if wrapped && known == Some(EXT_AUTHZ) && config.is("disabled") {
            disabled(&config, examination);
        }
        let Some((of, settings)) = inner else {
            continue;
        };
        if [PER_ROUTE, MCP_OVERRIDE].contains(&of.as_str()) && filter.is_none() {
            examination.report.add(
                Trap::UnusedPerRoute,
                &written,
                format!(
                    "no filter of this connection manager is named `{name}`, so this has no effect"
                ),
                "use the `name` that the filter has in `http_filters`",
            );
        } else if of == PER_ROUTE {
            asked(&settings, examination);
        } else if of == MCP_OVERRIDE && known == Some(MCP) {
            mcp::examine_override(&settings, examination);
        }
    }
}

fn disabled(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    examination.report.add(
        Trap::RouteDisabled,
        &config.field("disabled"),
        "requests of this route are not decided: they have no action, no record and no limit",
        "remove it, and permit the action to everybody who may: `to: { kind: anonymous }` for health checks; `--allow route-disabled` says that it is meant",
    );
}

fn asked(settings: &At<'_>, examination: &mut Examination<'_, '_>) {
    if settings.is("disabled") {
        disabled(settings, examination);
    }
    let Some(check) = settings.get("check_settings") else {
        return;
    };
    if let Some(extensions) = check.get("context_extensions") {
        for (key, value) in extensions.entries() {
            examination.extensions.insert(key.to_owned());
            if key == EXTENSION_KEY {
                named(&value, examination);
            }
        }
    }
    if check.is("disable_request_body_buffering") {
        examination.report.add(
            Trap::BodyOff,
            &check.field("disable_request_body_buffering"),
            "bodies of this route are not sent, so no policy can decide about one",
            "remove it where a policy is to read the body; streaming uploads need it",
        );
    }
    if let Some(body) = check.get("with_request_body") {
        body::examine(&body, examination);
    }
    for field in ["grpc_service", "http_service"] {
        if let Some(service) = check.get(field) {
            examination.report.add(
                Trap::RouteService,
                &service,
                "requests of this route are decided by another service than all others",
                "remove it, unless that service is a countersign as well",
            );
        }
    }
    service::examine(&check, false, examination);
}

/// What `/config_dump` writes for values that may be secrets, context extensions among them (seen with 1.40).
const REDACTED: &str = "[redacted]";

/// A route of the policy that Envoy names.
fn named(value: &At<'_>, examination: &mut Examination<'_, '_>) {
    let id = value.text().unwrap_or_default();
    if id == REDACTED {
        // Any route may be the one that is named here.
        let all = examination.needs.named_routes.iter().cloned();
        examination.named.extend(all);
        return;
    }
    if examination.needs.loaded && !examination.needs.routes.contains(&id) {
        examination.report.add(
            Trap::UnknownRouteId,
            value,
            format!("no policy has a route `{id}`: its requests are denied as `unknown_route`"),
            "name a route of the policies, or leave the key out: then host and path decide",
        );
    }
    examination.named.insert(id);
}
