//! Whose word Envoy takes for who calls: addresses, forwarded certificates, and headers of its own.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

const FORWARDED: [&str; 5] = [
    "SANITIZE",
    "FORWARD_ONLY",
    "APPEND_FORWARD",
    "SANITIZE_SET",
    "ALWAYS_FORWARD_ONLY",
];

/// Examines what a connection manager believes.
pub(super) fn examine(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    addresses(manager, examination);
    let forwarded = manager.word("forward_client_cert_details", &FORWARDED);
    let sanitised = ["SANITIZE", "SANITIZE_SET"].contains(&forwarded);
    if !sanitised && !examination.needs.forwarded_certificates {
        examination.report.add(
            Trap::ForwardedCertificate,
            &manager.field("forward_client_cert_details"),
            format!("`{forwarded}` passes on the `x-forwarded-client-cert` that a client wrote: it can claim any certificate"),
            "write `forward_client_cert_details: SANITIZE_SET`; another value needs a proxy in front that writes the header, and a provider with `trusted_hops`",
        );
    }
    if !sanitised {
        forwarding(manager, examination);
    }
    if let Some(internal) = manager.get("internal_address_config")
        && internal.list("cidr_ranges").is_empty()
    {
        examination.report.add(
            Trap::InternalAddresses,
            &internal,
            "without `cidr_ranges` Envoy counts loopback and every private network as internal, and obeys the `x-envoy-*` headers of their clients",
            "remove `internal_address_config`, so that nobody is internal, or list the `cidr_ranges` of your proxies",
        );
    }
}

/// What a provider with `trusted_hops` reads of the header: which elements Envoy writes, and with what in them.
fn forwarding(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    examination.forwards = true;
    let appends = manager.word("forward_client_cert_details", &FORWARDED) == "APPEND_FORWARD";
    let details = manager.field("set_current_client_cert_details");
    if appends && examination.needs.forwarded_certificates && !details.is("uri") {
        let at = manager.get("set_current_client_cert_details");
        let at = at.unwrap_or_else(|| manager.field("forward_client_cert_details"));
        examination.report.add(
            Trap::ForwardedCertificateLost,
            &at,
            "Envoy adds its own peer to `x-forwarded-client-cert` without its URI, so countersign cannot tell whose element it is, and denies",
            "write `set_current_client_cert_details: { uri: true }`",
        );
    }
}

fn addresses(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    if let Some(custom) = manager.get("original_ip_detection_extensions") {
        report.add(
            Trap::AddressFromHeader,
            &custom,
            "the client's address is detected from what the request says: a client that is not behind your proxy chooses it",
            "remove it, and write `use_remote_address: true` with `xff_num_trusted_hops`",
        );
    } else if !manager.is("use_remote_address") {
        report.add(
            Trap::RemoteAddress,
            &manager.field("use_remote_address"),
            "the client's address is taken from `x-forwarded-for`, which clients write, and headers such as `x-envoy-original-path` and `x-envoy-retry-on` of clients are kept",
            "write `use_remote_address: true`; behind a proxy of yours also `xff_num_trusted_hops`",
        );
    }
    let hops = manager.number("xff_num_trusted_hops").unwrap_or(0.0);
    if hops > 0.0 {
        report.add(
            Trap::TrustedHops,
            &manager.field("xff_num_trusted_hops"),
            format!("the last {hops} of `x-forwarded-for` are believed: a client that reaches Envoy with fewer proxies between chooses its address"),
            "make sure that nobody reaches this listener but through so many proxies of yours",
        );
    }
}
