//! How countersign is asked: by gRPC, once, and with time enough to answer.

use std::time::Duration;

use super::at::At;
use super::cluster;
use super::examine::{Examination, is_loopback};
use super::trap::Trap;

/// Longer than anybody waits for a decision: a check that takes so long holds its request and its memory.
const LONGEST: Duration = Duration::from_secs(5);
const VERSIONS: [&str; 3] = ["AUTO", "V2", "V3"];

/// Examines the service of a filter, where there must be one, or of a route.
pub(super) fn examine(config: &At<'_>, required: bool, examination: &mut Examination<'_, '_>) {
    let help =
        "write `grpc_service: { envoy_grpc: { cluster_name: countersign }, timeout: 0.25s }`";
    if let Some(http) = config.get("http_service") {
        let message = "countersign is asked over HTTP, and speaks gRPC only";
        examination.report.add(Trap::NotGrpc, &http, message, help);
    } else if let Some(service) = config.get("grpc_service") {
        asked(&service, examination);
    } else if required {
        let at = config.there("grpc_service");
        examination
            .report
            .add(Trap::NotGrpc, &at, "there is nobody to ask", help);
    }
    if required && config.word("transport_api_version", &VERSIONS) != "V3" {
        examination.report.add(
            Trap::ApiVersion,
            &config.field("transport_api_version"),
            "countersign speaks version 3 of the protocol; Envoy 1.40 takes that one when nothing is said, others may not",
            "write `transport_api_version: V3`",
        );
    }
}

fn asked(service: &At<'_>, examination: &mut Examination<'_, '_>) {
    timeout(service, examination);
    let envoy = service.get("envoy_grpc");
    let retries = service
        .get("retry_policy")
        .or_else(|| envoy.as_ref()?.get("retry_policy"));
    if let Some(policy) = retries {
        examination.report.add(
            Trap::CheckRetried,
            &policy,
            "Envoy asks again when an answer is late: what a decision uses up once, an approval for example, is used up twice",
            "remove `retry_policy`",
        );
    }
    if let Some(envoy) = envoy {
        cluster::examine(&envoy.field("cluster_name"), examination);
    } else if let Some(google) = service.get("google_grpc") {
        google_grpc(&google, examination);
    }
}

fn timeout(service: &At<'_>, examination: &mut Examination<'_, '_>) {
    let margin = examination.needs.margin;
    let at = service.field("timeout");
    let report = &mut examination.report;
    let Some(timeout) = service.duration("timeout") else {
        return report.add(
            Trap::NoTimeout,
            &at,
            "Envoy cuts a check off after 200 ms without saying so, and answers 403",
            "write `timeout: 0.25s`, or what your service can wait",
        );
    };
    if timeout.is_zero() || timeout > LONGEST {
        report.add(
            Trap::TimeoutTooLong,
            &at,
            format!(
                "a check may hold its request for {}",
                if timeout.is_zero() {
                    "ever".to_owned()
                } else {
                    format!("{timeout:?}")
                }
            ),
            "write `timeout: 0.25s`, or what your service can wait",
        );
    } else if timeout <= margin {
        report.add(
            Trap::TimeoutTooShort,
            &at,
            format!("countersign answers {margin:?} (`grpc.deadline_margin`) before Envoy's timeout, so a check has no time at all"),
            "write `timeout: 0.25s`, or what your service can wait",
        );
    }
}

fn google_grpc(google: &At<'_>, examination: &mut Examination<'_, '_>) {
    let target = google.text_of("target_uri").unwrap_or_default();
    let secured = google
        .find(&["channel_credentials", "ssl_credentials"])
        .is_some()
        || google.get("credentials_factory_name").is_some();
    if !secured && !is_local(&target) {
        plain_text(&google.field("target_uri"), examination);
    }
    examination.report.add(
        Trap::GoogleGrpc,
        google,
        "this client is not Envoy's own: health checks, limits and statistics of clusters are not about it",
        "write `envoy_grpc: { cluster_name: countersign }`",
    );
}

fn is_local(target: &str) -> bool {
    if target.starts_with("unix:") {
        return true;
    }
    let address = target.rsplit('/').next().unwrap_or(target);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    is_loopback(host.trim_matches(['[', ']']))
}

/// Says that checks cross the network unprotected.
pub(super) fn plain_text(at: &At<'_>, examination: &mut Examination<'_, '_>) {
    examination.report.add(
        Trap::PlainText,
        at,
        "checks with their tokens, and the answers, cross the network in plain text: anybody on the way can say yes",
        "ask countersign on loopback or on a Unix socket (`address: { pipe: { path: … } }`), or with mutual TLS (`transport_socket`)",
    );
}
