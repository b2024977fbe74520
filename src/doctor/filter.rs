//! The settings of the `ext_authz` filter itself.

use super::at::At;
use super::examine::Examination;
use super::http_filter::HttpFilter;
use super::trap::Trap;
use super::{body, mutation, sent, service};

/// Envoy's number for `ServiceUnavailable`.
const UNAVAILABLE: &str = "503";
/// A denial with its remedy is shorter; countersign keeps to it.
const DENIED_BODY: f64 = 4096.0;

/// What should be true, and is false unless it is written.
const SWITCHES: [(Trap, &str, &str); 5] = [
    (
        Trap::HeadersNotRaw,
        "encode_raw_headers",
        "Envoy joins repeated headers and replaces bytes that are not UTF-8, and countersign decides about the result",
    ),
    (
        Trap::NoTlsSession,
        "include_tls_session",
        "countersign does not see the TLS server name, and cannot compare it with the host",
    ),
    (
        Trap::MutationsUnchecked,
        "validate_mutations",
        "an answer with a malformed change is carried out in part, where it should be a 500",
    ),
    (
        Trap::HeaderLimitsOff,
        "enforce_response_header_limits",
        "headers that countersign adds do not count against Envoy's limits",
    ),
    (
        Trap::NoFilterStats,
        "emit_filter_state_stats",
        "the access log cannot say how long countersign took",
    ),
];

/// Examines one filter.
pub(super) fn examine<'d>(filter: &HttpFilter<'d>, examination: &mut Examination<'_, 'd>) {
    let config = &filter.config;
    openings(config, examination);
    enabled(config, examination);
    for (trap, field, why) in SWITCHES {
        if !config.is(field) {
            let help = format!("write `{field}: true`");
            examination
                .report
                .add(trap, &config.field(field), why, help);
        }
    }
    certificate(config, examination);
    answers(config, examination);
    service::examine(config, true, examination);
    match config.get("with_request_body") {
        Some(settings) => body::examine(&settings, examination),
        None => examination.report.add(
            Trap::NoRequestBody,
            &config.there("with_request_body"),
            "bodies are not sent, so no policy can decide about one",
            "write `with_request_body: { max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: true }`",
        ),
    }
    sent::examine(config, examination);
    mutation::examine(config, examination);
}

/// What lets requests through that nobody has allowed.
fn openings(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    if config.is("failure_mode_allow") {
        report.add(
            Trap::FailureModeAllow,
            &config.field("failure_mode_allow"),
            "no answer is taken for a yes: whoever can slow countersign down or cut it off is let in",
            "write `failure_mode_allow: false`",
        );
    }
    if config.is("failure_mode_allow_header_add") {
        report.add(
            Trap::FailureModeHeader,
            &config.field("failure_mode_allow_header_add"),
            "an upstream that acts on `x-envoy-auth-failure-mode-allowed` expects undecided requests, and a client can send the header itself",
            "remove it, with `failure_mode_allow: false`",
        );
    }
    if config.is("shadow_mode") {
        report.add(
            Trap::ShadowMode,
            &config.field("shadow_mode"),
            "denials are noted down and not carried out, while the changes of an allow are",
            "remove it; rules are tried with `mode: shadow` in the policy",
        );
    }
    if config.is("clear_route_cache") {
        report.add(
            Trap::ClearRouteCache,
            &config.field("clear_route_cache"),
            "Envoy chooses the route again after the decision, which was about the first one",
            "write `clear_route_cache: false`",
        );
    }
    let cleared = config.field("clear_route_cache_headers");
    if !cleared.items().is_empty() || !cleared.list("patterns").is_empty() {
        report.add(
            Trap::ClearRouteCache,
            &cleared,
            "Envoy chooses the route again when these headers change, after the decision about the first one",
            "remove it",
        );
    }
}

/// Whether all requests are asked about. What is switched off is denied where `deny_at_disable` says so.
fn enabled(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let fails_closed = config
        .get("deny_at_disable")
        .is_some_and(|flag| flag.is("default_value"));
    if fails_closed {
        return;
    }
    let report = &mut examination.report;
    if let Some(fraction) = config.get("filter_enabled") {
        let value = fraction.field("default_value");
        if fraction.get("default_value").is_some() && percent(&value) < 100.0 {
            report.add(
                Trap::FilterEnabled,
                &value,
                format!(
                    "only {} % of the requests are decided, and the others pass",
                    percent(&value)
                ),
                "remove `filter_enabled`",
            );
        }
        if let Some(key) = fraction.get("runtime_key") {
            report.add(
                Trap::FilterEnabledRuntime,
                &key,
                "who can change Envoy's runtime can switch the decisions off",
                "remove `filter_enabled`, or add `deny_at_disable: { runtime_key: …, default_value: true }`",
            );
        }
    }
    if let Some(matcher) = config.get("filter_enabled_metadata") {
        report.add(
            Trap::FilterEnabledMetadata,
            &matcher,
            "requests without this metadata are not decided, and pass",
            "remove it, or add `deny_at_disable: { runtime_key: …, default_value: true }`",
        );
    }
}

fn percent(value: &At<'_>) -> f64 {
    let of = match value.word("denominator", &["HUNDRED", "TEN_THOUSAND", "MILLION"]) {
        "TEN_THOUSAND" => 10_000.0,
        "MILLION" => 1_000_000.0,
        _ => 100.0,
    };
    value.number("numerator").unwrap_or(0.0) / of * 100.0
}

/// A name alone does not say how many names a certificate has, when it ends and what is bound to it.
fn certificate(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let field = "include_peer_certificate";
    if config.is(field) {
        return;
    }
    let (trap, message) = match &examination.needs.certificate {
        Some(why) => (
            Trap::CertificateNotSent,
            format!("the client's certificate is not sent to countersign, and {why}"),
        ),
        None => (
            Trap::NoPeerCertificate,
            "countersign does not see the client's certificate, so tokens that are bound to one are refused".to_owned(),
        ),
    };
    let help = "write `include_peer_certificate: true`";
    examination
        .report
        .add(trap, &config.field(field), message, help);
}

/// What the client and Envoy make of an answer.
fn answers(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    let status = config.get("status_on_error");
    let code = status.and_then(|status| status.text_of("code"));
    if !code.is_some_and(|code| code == UNAVAILABLE || code == "ServiceUnavailable") {
        report.add(
            Trap::StatusOnError,
            &config.field("status_on_error"),
            "where countersign is gone clients read 403, \"you may not\", and do not try again",
            "write `status_on_error: { code: ServiceUnavailable }`",
        );
    }
    let limit = config.number("max_denied_response_body_bytes");
    if limit.is_some_and(|limit| limit > 0.0 && limit < DENIED_BODY) {
        report.add(
            Trap::DeniedBodyCut,
            &config.field("max_denied_response_body_bytes"),
            "the body of a denial is cut: what is left is no JSON, and the remedy is gone",
            "remove it, or write 4096 or more",
        );
    }
    if config.flag("enable_dynamic_metadata_ingestion") == Some(false) {
        report.add(
            Trap::MetadataDropped,
            &config.field("enable_dynamic_metadata_ingestion"),
            "the decision's id, reason and parties reach neither the access log nor later filters",
            "remove it",
        );
    }
    if config.flag("charge_cluster_response_stats") == Some(false) {
        report.add(
            Trap::NoClusterStats,
            &config.field("charge_cluster_response_stats"),
            "denials do not show in the statistics of the upstream's cluster",
            "remove it",
        );
    }
    if config
        .text_of("stat_prefix")
        .is_none_or(|prefix| prefix.is_empty())
    {
        report.add(
            Trap::NoStatPrefix,
            &config.field("stat_prefix"),
            "the decisions are not counted under a name of their own",
            "write `stat_prefix: countersign`",
        );
    }
}
