//! The cluster that countersign is asked through.

use super::at::At;
use super::endpoint;
use super::examine::{Examination, is_loopback};
use super::service::plain_text;
use super::trap::Trap;

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/// Examines the cluster of this name, once.
pub(super) fn examine(name: &At<'_>, examination: &mut Examination<'_, '_>) {
    let cluster = name.text().unwrap_or_default();
    if let Some(found) = examination.estate.clusters.get(&cluster).cloned() {
        if examination.asked.insert(cluster) {
            known(&found, examination);
        }
        return;
    }
    if examination.estate.clusters_may_be_elsewhere {
        examination.partial = true;
        examination.report.add(
            Trap::UnseenCluster,
            name,
            format!("cluster `{cluster}` is discovered, and is not in this file"),
            "examine what runs: `countersign doctor http://127.0.0.1:9901/config_dump`",
        );
        return;
    }
    examination.report.add(
        Trap::UnknownCluster,
        name,
        format!("there is no cluster `{cluster}`: Envoy does not notice, and nobody can be asked"),
        "name a cluster of `static_resources.clusters`",
    );
}

fn known(cluster: &At<'_>, examination: &mut Examination<'_, '_>) {
    if !speaks_http2(cluster) {
        examination.report.add(
            Trap::ClusterNotHttp2,
            cluster,
            "the cluster speaks HTTP/1.1, over which gRPC does not work: no check is ever answered",
            "write `explicit_http_config: { http2_protocol_options: {} }` in its `HttpProtocolOptions`",
        );
    }
    transport(cluster, examination);
    health(cluster, examination);
}

fn speaks_http2(cluster: &At<'_>) -> bool {
    let options = cluster
        .get("typed_extension_protocol_options")
        .and_then(|options| options.message_in(OPTIONS, OPTIONS));
    let chosen = options.is_some_and(|options| {
        let explicit = options.get("explicit_http_config");
        explicit.is_some_and(|config| config.get("http2_protocol_options").is_some())
            || options.get("auto_config").is_some()
    });
    chosen || cluster.get("http2_protocol_options").is_some()
}

fn transport(cluster: &At<'_>, examination: &mut Examination<'_, '_>) {
    let socket = cluster.get("transport_socket");
    let tls = socket
        .as_ref()
        .and_then(|socket| socket.message_in("typed_config", TLS));
    let hidden = tls.is_none() && (cluster.mentions(TLS) || socket.as_ref().is_some_and(not_plain));
    if !hidden {
        endpoint::examine(cluster, tls.as_ref(), examination);
    }
    let Some(tls) = tls else {
        if !hidden && !is_local(cluster) {
            plain_text(cluster, examination);
        }
        return;
    };
    let common = tls.field("common_tls_context");
    let report = &mut examination.report;
    if !verifies(&common) {
        report.add(
            Trap::UnverifiedCountersign,
            &common.field("validation_context"),
            "the certificate of the other side is not verified: whoever answers at this address is believed",
            "write `validation_context: { trusted_ca: { filename: … }, match_typed_subject_alt_names: […] }`",
        );
    }
    let demanded = examination.needs.port.as_ref();
    if !shows_certificate(&tls) && !demanded.is_some_and(|port| port.mutual) {
        report.add(
            Trap::NoClientCertificate,
            &common.there("tls_certificates"),
            "Envoy shows no certificate, so countersign cannot tell it from anybody else who reaches its port",
            "write `tls_certificates` with a certificate that countersign's `grpc.tls` accepts",
        );
    }
}

/// Whether Envoy has a certificate to show.
pub(super) fn shows_certificate(tls: &At<'_>) -> bool {
    let common = tls.field("common_tls_context");
    let shown = [
        "tls_certificates",
        "tls_certificate_sds_secret_configs",
        "tls_certificate_provider_instance",
    ];
    shown.into_iter().any(|field| common.get(field).is_some())
}

/// Whether a transport socket is one that this knows nothing about.
fn not_plain(socket: &At<'_>) -> bool {
    let of = socket.get("typed_config").and_then(|any| any.message());
    of.is_some_and(|(of, _)| !of.ends_with(".RawBuffer"))
}

/// Whether certificates of the other side are checked against a root.
fn verifies(common: &At<'_>) -> bool {
    let elsewhere = [
        "validation_context_sds_secret_config",
        "combined_validation_context",
    ];
    let context = common.get("validation_context");
    let rooted = context.is_some_and(|context| {
        [
            "trusted_ca",
            "ca_certificate_provider_instance",
            "custom_validator_config",
            "system_root_certs",
        ]
        .into_iter()
        .any(|field| context.get(field).is_some())
    });
    rooted
        || elsewhere
            .into_iter()
            .any(|field| common.get(field).is_some())
}

/// The addresses of a cluster's endpoints that are in the file.
pub(super) fn addresses<'d>(cluster: &At<'d>) -> Vec<At<'d>> {
    let groups = cluster.field("load_assignment").list("endpoints");
    let endpoints = groups.iter().flat_map(|group| group.list("lb_endpoints"));
    let addresses = endpoints.map(|it| it.field("endpoint").field("address"));
    addresses.collect()
}

/// Whether every endpoint is on this machine. Endpoints that are discovered may be anywhere.
fn is_local(cluster: &At<'_>) -> bool {
    let addresses = addresses(cluster);
    !addresses.is_empty()
        && addresses.iter().all(|address| {
            let socket = address.get("socket_address");
            let host = socket.and_then(|socket| socket.text_of("address"));
            host.map_or_else(|| address.get("pipe").is_some(), |host| is_loopback(&host))
        })
}

fn health(cluster: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    if cluster.list("health_checks").is_empty() {
        report.add(
            Trap::NoHealthCheck,
            &cluster.there("health_checks"),
            "a countersign that is gone or draining is still asked, and every check that it gets fails",
            "add `health_checks` with `grpc_health_check: { service_name: envoy.service.auth.v3.Authorization }`",
        );
        return;
    }
    let threshold = cluster.find(&["common_lb_config", "healthy_panic_threshold"]);
    // Nothing is 50 %; a percentage that says nothing is 0.
    let off = threshold.is_some_and(|percent| percent.number("value").unwrap_or(0.0) == 0.0);
    if !off {
        let lb = cluster.field("common_lb_config");
        report.add(
            Trap::PanicThreshold,
            &lb.field("healthy_panic_threshold"),
            "when most replicas are unhealthy Envoy asks all of them again, also those that are draining",
            "write `common_lb_config: { healthy_panic_threshold: { value: 0 } }`",
        );
    }
}
