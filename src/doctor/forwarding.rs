//! Where a request goes once it is allowed: one decision, one request, to the place that was decided about.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;
use super::upgrade;

/// What changes the path or the host that the upstream sees.
const REWRITES: [&str; 8] = [
    "prefix_rewrite",
    "regex_rewrite",
    "path_rewrite",
    "path_rewrite_policy",
    "host_rewrite",
    "host_rewrite_literal",
    "host_rewrite_path_regex",
    "auto_host_rewrite",
];

/// Examines one route.
pub(super) fn examine(route: &At<'_>, examination: &mut Examination<'_, '_>) {
    if let Some(connect) = route.find(&["match", "connect_matcher"]) {
        examination.report.add(
            Trap::Tunnel,
            &connect,
            "this route takes `CONNECT`: one decision, and nothing that goes through the tunnel is decided",
            "remove it",
        );
    }
    let Some(action) = route.get("route") else {
        return;
    };
    repeated(&action, examination);
    target(&action, examination);
    for upgrade in action.list("upgrade_configs") {
        upgrade::one(&upgrade, examination);
    }
}

/// Where a route or a weighted cluster leads.
pub(super) fn target(action: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    if let Some(header) = action.get("cluster_header") {
        report.add(
            Trap::ClusterFromHeader,
            &header,
            "the cluster is the one that a header names: a client that sends it chooses where the request goes",
            "write `cluster: …`",
        );
    }
    if let Some(header) = action.get("host_rewrite_header") {
        report.add(
            Trap::HostFromHeader,
            &header,
            "the upstream sees the host that a header names: a client that sends it chooses another one than was decided",
            "write `host_rewrite_literal: …`",
        );
    }
    for field in REWRITES {
        let on = action.get(field).is_some() && action.flag(field) != Some(false);
        if on {
            report.add(
                Trap::Rewrite,
                &action.field(field),
                "countersign decides about the request as the client sent it, and the upstream gets another host or path",
                "write policies about what clients send",
            );
        }
    }
}

/// What makes several requests of one; on routes and virtual hosts.
pub(super) fn repeated(level: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    let policy = level.get("retry_policy");
    let retried =
        policy.filter(|policy| policy.text_of("retry_on").is_some_and(|on| !on.is_empty()));
    if let Some(policy) = retried.or_else(|| level.get("retry_policy_typed_config")) {
        report.add(
            Trap::Retries,
            &policy,
            "one decision forwards the request again when it fails: what was approved once happens twice",
            "remove `retry_policy`, or keep it for routes whose actions can be repeated",
        );
    }
    if let Some(policy) = level.get("hedge_policy") {
        report.add(
            Trap::Hedging,
            &policy,
            "one decision forwards several requests at once: what was approved once happens twice",
            "remove `hedge_policy`",
        );
    }
    mirrored(level, examination);
}

/// Copies, which route configurations can ask for as well.
pub(super) fn mirrored(level: &At<'_>, examination: &mut Examination<'_, '_>) {
    for policy in level.list("request_mirror_policies") {
        examination.report.add(
            Trap::Mirroring,
            &policy,
            "a copy of every request goes to a second place, with its credential and after a decision about one request",
            "remove `request_mirror_policies`",
        );
    }
}
