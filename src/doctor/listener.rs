//! Listeners and their chains of network filters: where requests come in, and who is known to have sent them.

use super::at::At;
use super::connection_manager;
use super::examine::Examination;
use super::trap::Trap;

const HTTP: &str =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const EXT_AUTHZ: &str = "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz";
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// Examines one listener with all of its chains.
pub(super) fn examine<'d>(listener: &At<'d>, examination: &mut Examination<'_, 'd>) {
    let chains = listener.list("filter_chains").into_iter();
    let chains = chains.chain(listener.get("default_filter_chain"));
    for chain in chains {
        let socket = chain.get("transport_socket");
        if let Some(tls) = socket.and_then(|socket| socket.message_in("typed_config", TLS)) {
            client_certificates(&tls, examination);
        }
        for filter in chain.list("filters") {
            network_filter(&filter, examination);
        }
    }
    // The API listener of Envoy Mobile.
    if let Some(manager) = listener
        .get("api_listener")
        .and_then(|api| api.message_in("api_listener", HTTP))
    {
        connection_manager::examine(&manager, examination);
    }
}

fn network_filter<'d>(filter: &At<'d>, examination: &mut Examination<'_, 'd>) {
    let config = match filter.get("config_discovery") {
        Some(_) => {
            let name = filter.text_of("name").unwrap_or_default();
            examination.estate.filters.get(&name).cloned()
        }
        None => filter.get("typed_config"),
    };
    let Some((of, config)) = config.as_ref().and_then(At::message) else {
        examination.partial = true;
        let message = "a network filter's configuration is not in this file";
        let help = "examine what runs: `countersign doctor http://127.0.0.1:9901/config_dump`";
        return examination
            .report
            .add(Trap::UnseenFilter, filter, message, help);
    };
    match of.as_str() {
        HTTP => connection_manager::examine(&config, examination),
        TCP => examination.report.add(
            Trap::TcpForwarded,
            filter,
            "what this listener takes is forwarded as TCP, and nobody decides about it",
            "use an HTTP connection manager with ext_authz; if it is not HTTP, `--allow tcp-forwarded` says that this is meant",
        ),
        EXT_AUTHZ => examination.report.add(
            Trap::NetworkExtAuthz,
            filter,
            "the network filter asks about a connection and sends no HTTP request, so countersign denies every one",
            "use `envoy.filters.http.ext_authz` in the HTTP connection manager",
        ),
        _ => {}
    }
}

/// Only a certificate that Envoy has verified makes a workload.
fn client_certificates(tls: &At<'_>, examination: &mut Examination<'_, '_>) {
    let Some(common) = tls.get("common_tls_context") else {
        return;
    };
    let discovered = common.get("validation_context_sds_secret_config");
    let combined = common.get("combined_validation_context");
    let provided = common.get("validation_context_certificate_provider_instance");
    let context = common.get("validation_context").or_else(|| {
        combined
            .as_ref()
            .and_then(|both| both.get("default_validation_context"))
    });
    let untrusted = context.as_ref().is_some_and(|context| {
        let words = ["VERIFY_TRUST_CHAIN", "ACCEPT_UNTRUSTED"];
        context.word("trust_chain_verification", &words) == "ACCEPT_UNTRUSTED"
    });
    let has_root = |context: &At<'_>| {
        [
            "trusted_ca",
            "ca_certificate_provider_instance",
            "custom_validator_config",
            "system_root_certs",
        ]
        .into_iter()
        .any(|field| context.get(field).is_some())
    };
    let verified = !untrusted
        && (discovered.is_some()
            || combined.is_some()
            || provided.is_some()
            || context.as_ref().is_some_and(has_root));
    let demanded = tls.is("require_client_certificate");
    examination.certificates |= demanded && verified;
    if !verified && (demanded || untrusted) {
        let at = context.unwrap_or_else(|| common.there("validation_context"));
        examination.report.add(
            Trap::UnverifiedClients,
            &at,
            "client certificates are taken without being verified, and countersign believes the names in them",
            "write `validation_context: { trusted_ca: { filename: … } }`, and no `trust_chain_verification: ACCEPT_UNTRUSTED`",
        );
    }
}
