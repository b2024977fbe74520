//! countersign's port, compared with the cluster that Envoy asks through: the way, the place and the certificate.

use std::path::Path;

use super::at::At;
use super::cluster;
use super::examine::Examination;
use super::needs::Port;
use super::report::Report;
use super::trap::Trap;

/// Compares both sides; nothing is said where countersign's own configuration was not given.
pub(super) fn examine(
    cluster: &At<'_>,
    tls: Option<&At<'_>>,
    examination: &mut Examination<'_, '_>,
) {
    let Some(port) = &examination.needs.port else {
        return;
    };
    let report = &mut examination.report;
    let addresses = cluster::addresses(cluster);
    for address in &addresses {
        if let Some(pipe) = address.get("pipe") {
            socket(&pipe, tls, port, report);
        } else if let Some(at) = address.get("socket_address") {
            number(&at, port, report);
        }
    }
    let is_socket = |address: &At<'_>| address.get("pipe").is_some();
    // Endpoints that are discovered are asked over TCP, as far as anybody knows.
    if addresses.is_empty() || !addresses.iter().all(is_socket) {
        transport(cluster, tls, port, report);
    }
}

/// A TCP listener has TLS exactly if its configuration says so.
fn transport(cluster: &At<'_>, tls: Option<&At<'_>>, port: &Port, report: &mut Report<'_>) {
    let (at, message, help) = match tls {
        _ if port.tcp.is_none() => return,
        None if port.tls => (
            cluster.there("transport_socket"),
            "countersign speaks TLS (`grpc.tls`) and this cluster plain text: no check is ever answered",
            "add a `transport_socket` with `UpstreamTlsContext`, and a certificate that `grpc.envoys` lists",
        ),
        Some(tls) if !port.tls => (
            tls.clone(),
            "this cluster speaks TLS and countersign plain text: no check is ever answered",
            "write `grpc.tls` in countersign's configuration, or remove the `transport_socket`",
        ),
        Some(tls) if port.mutual && !cluster::shows_certificate(tls) => (
            tls.field("common_tls_context").there("tls_certificates"),
            "countersign demands a certificate (`grpc.tls.client_ca`) and Envoy shows none: no check is ever answered",
            "write `tls_certificates` with a certificate that `grpc.envoys` lists",
        ),
        None | Some(_) => return,
    };
    report.add(Trap::TransportMismatch, &at, message, help);
}

/// A Unix socket speaks plain text.
fn socket(pipe: &At<'_>, tls: Option<&At<'_>>, port: &Port, report: &mut Report<'_>) {
    if let Some(tls) = tls {
        report.add(
            Trap::TransportMismatch,
            tls,
            "this cluster speaks TLS, and countersign speaks plain text on a Unix socket: no check is ever answered",
            "remove the `transport_socket`",
        );
    }
    let path = pipe.text_of("path").unwrap_or_default();
    let message = match &port.unix {
        Some(own) if is_same(own, Path::new(&path)) => return,
        Some(own) => format!(
            "Envoy asks at `{path}`, and countersign listens on `{}`",
            own.display()
        ),
        None => format!("Envoy asks at `{path}`, and countersign has no `grpc.unix`"),
    };
    let help = "write the same path on both sides";
    report.add(Trap::WrongEndpoint, &pipe.field("path"), message, help);
}

/// Both are seen from working directories that nobody knows here, so a relative path is compared by its name.
fn is_same(own: &Path, asked: &Path) -> bool {
    if own.is_absolute() && asked.is_absolute() {
        own == asked
    } else {
        own.file_name() == asked.file_name()
    }
}

fn number(socket: &At<'_>, port: &Port, report: &mut Report<'_>) {
    let asked = socket.text_of("port_value").unwrap_or_default();
    let message = match port.tcp {
        Some(0) => return,
        Some(own) if asked == own.to_string() => return,
        Some(own) => format!("Envoy asks at port {asked}, and countersign listens on port {own}"),
        None => {
            format!("Envoy asks at port {asked}, and countersign listens on a Unix socket only")
        }
    };
    report.add(
        Trap::WrongEndpoint,
        &socket.field("port_value"),
        message,
        "write the same port on both sides; where something between them translates it, `--allow wrong-endpoint` says that this is meant",
    );
}
