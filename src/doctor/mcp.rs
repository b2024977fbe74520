//! The MCP filter: what it lets pass unread, and whether countersign learns what it read.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

const MODES: [&str; 3] = ["PASS_THROUGH", "REJECT_NO_MCP", "NOOP"];
const SOURCES: [&str; 3] = ["BODY", "VERIFY", "HEADERS"];
const STORAGE: [&str; 4] = [
    "MODE_UNSPECIFIED",
    "DYNAMIC_METADATA",
    "FILTER_STATE",
    "DYNAMIC_METADATA_AND_FILTER_STATE",
];
pub(super) const NAMESPACE: &str = "envoy.filters.http.mcp";
/// The namespace of Envoy 1.37.
const OLD_NAMESPACE: &str = "mcp_proxy";
const OLD_SWITCH: &str = "envoy.reloadable_features.mcp_filter_use_new_metadata_namespace";

/// Examines the filter and, if there is one, the `ext_authz` filter that is told what it read.
pub(super) fn examine(
    config: &At<'_>,
    guard: Option<&At<'_>>,
    examination: &mut Examination<'_, '_>,
) {
    parsing(config, examination);
    let report = &mut examination.report;
    if config.is("early_terminate_when_routable") {
        report.add(
            Trap::McpEarlyEnd,
            &config.field("early_terminate_when_routable"),
            "the rest of a message is not read, and a key that occurs there again is what the server may act on",
            "remove it",
        );
    }
    if config.word("attribute_source", &SOURCES) == "HEADERS" {
        report.add(
            Trap::McpFromHeaders,
            &config.field("attribute_source"),
            "method and tool are what the client's headers say, which need not be what its body says",
            "write `attribute_source: VERIFY`, or leave it out",
        );
    }
    if let Some(guard) = guard {
        namespaces(config, guard, examination);
    }
}

/// Examines what a route or a virtual host says instead. It inherits the filter's bound on the body and nothing else: without a
/// word on them its mode is `PASS_THROUGH`, and a key may occur twice (seen with 1.40).
pub(super) fn examine_override(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    parsing(config, examination);
}

fn parsing(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    let mode = config.word("traffic_mode", &MODES);
    if mode == "PASS_THROUGH" {
        report.add(
            Trap::McpPassThrough,
            &config.field("traffic_mode"),
            "what is not quite MCP (another `accept`, a batch, a large body) passes without metadata, and a lenient server still carries it out",
            "write `traffic_mode: REJECT_NO_MCP`, and on routes without MCP `McpOverride: { traffic_mode: NOOP }`",
        );
    }
    // NOOP reads nothing, so nothing is to be believed either.
    if mode != "NOOP" && !config.is("reject_duplicate_keys") {
        report.add(
            Trap::McpDuplicateKeys,
            &config.field("reject_duplicate_keys"),
            "of a key that occurs twice Envoy takes the last and the server perhaps the first: another tool is decided than is called",
            "write `reject_duplicate_keys: true`, on each route that overrides the filter too",
        );
    }
    if config.number("max_request_body_size") == Some(0.0) {
        report.add(
            Trap::McpUnbounded,
            &config.field("max_request_body_size"),
            "0 is no limit: a message of any size is held in memory before anybody decides",
            "write `max_request_body_size: 65536`",
        );
    }
}

fn namespaces(config: &At<'_>, guard: &At<'_>, examination: &mut Examination<'_, '_>) {
    let switched = examination.estate.runtime.iter();
    let switched = switched.map(|layer| layer.there(OLD_SWITCH));
    let old = switched
        .clone()
        .find(|at| at.text().is_some_and(|value| value == "false"));
    if let Some(at) = old {
        examination.report.add(
            Trap::McpOldNamespace,
            &at,
            format!("the MCP filter writes to `{OLD_NAMESPACE}`, which goes away"),
            format!("remove the switch, and read `{NAMESPACE}`"),
        );
        return;
    }
    let sent = guard.texts("metadata_context_namespaces");
    let has = |name: &str| sent.iter().any(|sent| sent == name);
    let at = guard.field("metadata_context_namespaces");
    let stored = config.word("request_storage_mode", &STORAGE);
    if !has(NAMESPACE) && has(OLD_NAMESPACE) {
        examination.report.add(
            Trap::McpOldNamespace,
            &at,
            format!(
                "`{OLD_NAMESPACE}` is the namespace of Envoy 1.37; since 1.38 nothing is in it"
            ),
            format!("add `{NAMESPACE}`"),
        );
    } else if !has(NAMESPACE) {
        examination.report.add(
            Trap::McpNotSent,
            &at,
            "what the MCP filter reads is not sent to countersign",
            format!("add `{NAMESPACE}` to `metadata_context_namespaces`"),
        );
    } else if stored == "FILTER_STATE" {
        examination.report.add(
            Trap::McpNotSent,
            &config.field("request_storage_mode"),
            "what the MCP filter reads goes into the filter state, which is not sent to countersign",
            "write `request_storage_mode: DYNAMIC_METADATA`, or leave it out",
        );
    }
}
