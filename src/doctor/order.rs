//! The order of filters: what countersign needs comes before the question, what acts on a request after it.

use super::examine::Examination;
use super::http_filter::{self, EXT_AUTHZ, HttpFilter, MCP, ROUTER};
use super::passed_on;
use super::trap::Trap;

/// What all configurations of HTTP filters are named below.
const HTTP: &str = "envoy.extensions.filters.http.";

/// Filters that say who calls, or write what countersign reads.
const BEFORE: [(&str, &str); 12] = [
    ("a2a.v3.A2a", "its metadata is not there yet"),
    ("api_key_auth.v3.ApiKeyAuth", "it says who calls"),
    ("basic_auth.v3.BasicAuth", "it says who calls"),
    (
        "cors.v3.Cors",
        "a browser's preflight carries no credential, and is denied",
    ),
    ("decompressor.v3.Decompressor", "bodies arrive compressed"),
    ("geoip.v3.Geoip", "its headers are not there yet"),
    (
        "header_to_metadata.v3.Config",
        "its metadata is not there yet",
    ),
    (
        "json_to_metadata.v3.JsonToMetadata",
        "its metadata is not there yet",
    ),
    (
        "jwt_authn.v3.JwtAuthentication",
        "it says who calls, and its metadata is not there yet",
    ),
    ("mcp.v3.Mcp", "its metadata is not there yet"),
    ("oauth2.v3.OAuth2", "it makes a token of a cookie"),
    ("set_metadata.v3.Config", "its metadata is not there yet"),
];

/// Filters that answer, sign or carry out a request.
const ACTS: [(&str, &str); 9] = [
    (
        "aws_lambda.v3.Config",
        "turns the request into a call of a function",
    ),
    (
        "aws_request_signing.v3.AwsRequestSigning",
        "signs the request with Envoy's own credential",
    ),
    ("cache.v3.CacheConfig", "answers from a cache whoever asks"),
    (
        "cache_v2.v3.CacheV2Config",
        "answers from a cache whoever asks",
    ),
    (
        "credential_injector.v3.CredentialInjector",
        "adds a credential that countersign takes for the client's",
    ),
    (
        "dynamic_forward_proxy.v3.FilterConfig",
        "looks up whatever host the client names",
    ),
    (
        "gcp_authn.v3.GcpAuthnFilterConfig",
        "adds a credential that countersign takes for the client's",
    ),
    (
        "mcp_json_rest_bridge.v3.McpJsonRestBridge",
        "turns a tool call into another request",
    ),
    ("mcp_router.v3.McpRouter", "calls the servers behind it"),
];

/// Filters that run somebody's code, call a service, change a request or hold it.
///
/// `buffer` is none of them: it holds what `ext_authz` would hold itself, and says how long it is.
const CHANGES: [(&str, &str); 10] = [
    (
        "connect_grpc_bridge.v3.FilterConfig",
        "changes headers and body",
    ),
    ("dynamic_modules.v3.DynamicModuleFilter", "runs code"),
    (
        "ext_proc.v3.ExternalProcessor",
        "hands undecided requests to another server",
    ),
    (
        "file_system_buffer.v3.FileSystemBufferFilterConfig",
        "holds the bodies of undecided requests",
    ),
    ("grpc_http1_bridge.v3.Config", "changes headers and body"),
    (
        "grpc_http1_reverse_bridge.v3.FilterConfig",
        "changes headers and body",
    ),
    (
        "grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "changes path and body",
    ),
    ("grpc_web.v3.GrpcWeb", "changes headers and body"),
    ("lua.v3.Lua", "runs code"),
    ("wasm.v3.Wasm", "runs code"),
];

const HEADER_MUTATION: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";

fn look_up(table: &[(&str, &'static str)], of: &str) -> Option<&'static str> {
    let name = of.strip_prefix(HTTP)?;
    let row = table.iter().find(|(known, _)| *known == name);
    row.map(|(_, why)| *why)
}

/// Examines the order of a chain. Without `ext_authz` there is nothing to be before or behind.
pub(super) fn examine<'d>(filters: &[HttpFilter<'d>], examination: &mut Examination<'_, 'd>) {
    let guard = filters.iter().position(|filter| filter.of == EXT_AUTHZ);
    let Some(guard) = guard else { return };
    for filter in filters.iter().take(guard) {
        before(filter, examination);
    }
    for filter in filters.iter().skip(guard + 1) {
        behind(filter, examination);
        if filter.of == ROUTER {
            let of_router = filter.config.list("upstream_http_filters");
            for filter in &http_filter::read(of_router, examination) {
                changes(filter, examination);
            }
        }
    }
}

fn shown(filter: &HttpFilter<'_>) -> String {
    format!("`{}`", filter.name)
}

fn before(filter: &HttpFilter<'_>, examination: &mut Examination<'_, '_>) {
    let name = shown(filter);
    let report = &mut examination.report;
    if filter.of == ROUTER {
        let message = format!("{name} forwards the request before ext_authz is asked");
        report.add(
            Trap::AfterRouter,
            &filter.entry,
            message,
            "put the router last",
        );
    }
    let help = "put it behind ext_authz";
    if let Some(why) = look_up(&ACTS, &filter.of) {
        let message =
            format!("{name} stands before ext_authz: it {why}, and nobody has decided yet");
        report.add(Trap::ActsBeforeDecision, &filter.entry, message, help);
    }
    if let Some(why) = look_up(&CHANGES, &filter.of) {
        let message =
            format!("{name} stands before ext_authz: it {why}, and nobody has decided yet");
        report.add(Trap::CodeBeforeDecision, &filter.entry, message, help);
    }
}

fn behind(filter: &HttpFilter<'_>, examination: &mut Examination<'_, '_>) {
    let name = shown(filter);
    if let Some(why) = look_up(&BEFORE, &filter.of) {
        let message = format!("{name} stands behind ext_authz: {why}");
        let help = if filter.of == MCP {
            "put it before ext_authz, and its namespace into `metadata_context_namespaces`"
        } else {
            "put it before ext_authz"
        };
        examination
            .report
            .add(Trap::FilterTooLate, &filter.entry, message, help);
    }
    changes(filter, examination);
}

/// What runs after the decision: in the chain, or between the router and the upstream.
fn changes(filter: &HttpFilter<'_>, examination: &mut Examination<'_, '_>) {
    let name = shown(filter);
    // What only holds a body changes nothing.
    let changes = look_up(&CHANGES, &filter.of).filter(|why| !why.starts_with("holds"));
    if changes.is_some() {
        examination.report.add(
            Trap::ChangedAfterDecision,
            &filter.entry,
            format!("{name} can change the request after it was decided"),
            "make sure that it leaves method, host, path and the headers alone that policies read or set",
        );
    }
    if filter.of == HEADER_MUTATION
        && let Some(mutations) = filter.config.get("mutations")
    {
        for mutation in mutations.list("request_mutations") {
            if let Some(header) = mutation.find(&["append", "header"]) {
                passed_on::header(&header, examination);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_apart() {
        let all: Vec<&str> = [&BEFORE[..], &ACTS[..], &CHANGES[..]]
            .concat()
            .iter()
            .map(|(name, _)| *name)
            .collect();
        let distinct: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len());
        for table in [&BEFORE[..], &ACTS[..], &CHANGES[..]] {
            assert!(table.is_sorted());
        }
    }
}
