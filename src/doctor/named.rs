//! What the policies count on and no part of the whole configuration gives. Where something was not seen, nothing is said.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

/// Compares the policies with everything that was examined.
pub(super) fn examine(root: &At<'_>, examination: &mut Examination<'_, '_>) {
    if examination.partial || examination.connection_managers == 0 {
        return;
    }
    let needs = examination.needs;
    for id in needs.named_routes.difference(&examination.named) {
        examination.report.add(
            Trap::RouteNeverNamed,
            root,
            format!("the policies' route `{id}` matches only what Envoy names, and Envoy names it nowhere"),
            format!("write `check_settings: {{ context_extensions: {{ route: {id} }} }}` in the `ExtAuthzPerRoute` of its route"),
        );
    }
    for key in needs.extensions.difference(&examination.extensions) {
        examination.report.add(
            Trap::ExtensionNotSet,
            root,
            format!("policies read `context.extensions.{key}`, and no route sets it"),
            format!("write `check_settings: {{ context_extensions: {{ {key}: … }} }}`"),
        );
    }
    if needs.forwarded_certificates && !examination.forwards {
        examination.report.add(
            Trap::ForwardedCertificateLost,
            root,
            "a provider with `trusted_hops` reads `x-forwarded-client-cert`, and Envoy removes it everywhere: whoever comes through a proxy has no workload",
            "write `forward_client_cert_details: APPEND_FORWARD` where your proxies come in, or remove `trusted_hops`",
        );
    }
    if needs.workload && !examination.certificates && !needs.forwarded_certificates {
        examination.report.add(
            Trap::NoWorkloads,
            root,
            "policies demand a workload, and no listener demands a client certificate: nobody can meet them",
            "add a listener with `require_client_certificate: true` and a `validation_context`",
        );
    }
}
