//! One HTTP connection manager: its chains of filters, its routes, and how it reads a request.

use super::at::At;
use super::examine::Examination;
use super::http_filter::{self, EXT_AUTHZ, HttpFilter, MCP};
use super::trap::Trap;
use super::{caller, filter, mcp, normalisation, order, route, upgrade, wanted};

/// Examines one connection manager.
pub(super) fn examine<'d>(manager: &At<'d>, examination: &mut Examination<'_, 'd>) {
    examination.connection_managers += 1;
    normalisation::examine(manager, examination);
    caller::examine(manager, examination);
    upgrade::examine(manager, examination);
    replies(manager, examination);
    let filters = http_filter::read(manager.list("http_filters"), examination);
    chain(&manager.field("http_filters"), &filters, examination);
    for upgrade in manager.list("upgrade_configs") {
        // An upgrade without filters of its own takes those above.
        if upgrade.get("filters").is_some() {
            let own = http_filter::read(upgrade.list("filters"), examination);
            chain(&upgrade.field("filters"), &own, examination);
        }
    }
    routes(manager, &filters, examination);
}

/// Examines one chain of filters.
fn chain<'d>(at: &At<'d>, filters: &[HttpFilter<'d>], examination: &mut Examination<'_, 'd>) {
    let guards: Vec<&HttpFilter<'d>> = filters.iter().filter(|f| f.of == EXT_AUTHZ).collect();
    for hidden in filters.iter().filter(|filter| filter.conditional) {
        examination.report.add(
            Trap::ConditionalExtAuthz,
            &hidden.entry,
            "ext_authz stands within a matcher: requests that it does not match are not decided",
            "list `envoy.filters.http.ext_authz` itself in `http_filters`",
        );
    }
    let hidden = |filter: &HttpFilter<'_>| filter.conditional || filter.unseen;
    if guards.is_empty() && !filters.iter().any(hidden) {
        examination.report.add(
            Trap::NoExtAuthz,
            at,
            "there is no ext_authz filter here: nothing that passes is decided",
            "add `envoy.filters.http.ext_authz` before the router, with countersign's cluster in `grpc_service`",
        );
    }
    if let [_, second, ..] = guards.as_slice() {
        examination.report.add(
            Trap::TwoExtAuthz,
            &second.entry,
            "a second ext_authz filter asks about the same request, and may use up a second time what may be used once",
            "keep one; what another server decides belongs into its own filter only if it decides about something else",
        );
    }
    order::examine(filters, examination);
    for guard in &guards {
        if guard.disabled {
            examination.report.add(
                Trap::ExtAuthzDisabled,
                &guard.entry.field("disabled"),
                "the filter is listed and off: only routes that turn it on are decided",
                "remove `disabled: true`, and turn it off where that is meant",
            );
        }
        filter::examine(guard, examination);
    }
    for found in filters.iter().filter(|filter| filter.of == MCP) {
        mcp::examine(
            &found.config,
            guards.first().map(|guard| &guard.config),
            examination,
        );
    }
}

fn routes<'d>(manager: &At<'d>, filters: &[HttpFilter<'d>], examination: &mut Examination<'_, 'd>) {
    if let Some(config) = manager.get("route_config") {
        return known(&config, filters, examination);
    }
    let discovery = manager.get("rds").or_else(|| manager.get("scoped_routes"));
    let Some(discovery) = discovery else {
        return;
    };
    let name = discovery.text_of("route_config_name").unwrap_or_default();
    if let Some(config) = examination.estate.routes.get(&name).cloned() {
        return known(&config, filters, examination);
    }
    if name.is_empty() && !examination.estate.routes.is_empty() {
        // Scopes choose among all of them.
        let all: Vec<At<'d>> = examination.estate.routes.values().cloned().collect();
        for config in all {
            known(&config, filters, examination);
        }
        return;
    }
    examination.partial = true;
    let message = if name.is_empty() {
        "routes are discovered by scope, and are not in this file".to_owned()
    } else {
        format!("routes `{name}` are discovered, and are not in this file")
    };
    let help = "examine what runs: `countersign doctor http://127.0.0.1:9901/config_dump`";
    examination
        .report
        .add(Trap::UnseenRoutes, &discovery, message, help);
}

fn known<'d>(config: &At<'d>, filters: &[HttpFilter<'d>], examination: &mut Examination<'_, 'd>) {
    route::examine(config, filters, examination);
    wanted::examine(config, filters, examination);
}

/// Denials are local replies of Envoy, and are rewritten like all others.
fn replies(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    let Some(config) = manager.get("local_reply_config") else {
        return;
    };
    let rewrites = |at: &At<'_>| {
        ["status_code", "body", "body_format_override", "body_format"]
            .into_iter()
            .any(|field| at.get(field).is_some())
    };
    if rewrites(&config) || config.list("mappers").iter().any(rewrites) {
        examination.report.add(
            Trap::RewrittenReplies,
            &config,
            "Envoy rewrites its own answers, and countersign's denials are among them: status, reason and remedy may not reach the client",
            "remove `local_reply_config`, or give its mappers a filter that leaves out `response_flag: UAEX`",
        );
    }
}
