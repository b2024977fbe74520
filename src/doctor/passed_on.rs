//! Headers that Envoy itself adds and removes behind the decision.

use std::collections::BTreeSet;

use super::at::At;
use super::examine::Examination;
use super::route::routes_of;
use super::trap::Trap;

/// Headers in which a client names another method or path than the one that is decided; frameworks believe them.
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Examines what one level adds to requests.
pub(super) fn examine(level: &At<'_>, examination: &mut Examination<'_, '_>) {
    for added in level.list("request_headers_to_add") {
        header(&added.field("header"), examination);
    }
}

/// Examines one header that is written behind the decision.
pub(super) fn header(header: &At<'_>, examination: &mut Examination<'_, '_>) {
    let name = header.text_of("key").unwrap_or_default();
    let needs = examination.needs;
    // Many frameworks read both spellings as one.
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let mut changed = needs.set.iter().chain(&needs.stripped);
    if changed.any(|other| plain(other) == plain(&name)) {
        examination.report.add(
            Trap::HeaderAfterDecision,
            header,
            format!("`{name}` is written after the decision, and policies set or remove it: the upstream sees both, or this one"),
            "remove it: what the upstream is to know about the caller, the policy's `constrain` says",
        );
    }
}

/// Examines whether every route removes what overrides a method or path.
pub(super) fn removed(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let names = |level: &At<'_>| -> BTreeSet<String> {
        let names = level.texts("request_headers_to_remove").into_iter();
        names.map(|name| name.to_ascii_lowercase()).collect()
    };
    let everywhere = names(config);
    let mut missing = BTreeSet::new();
    for host in config.list("virtual_hosts") {
        let of_host = names(&host);
        for route in routes_of(&host) {
            let of_route = names(&route);
            let kept = |name: &&&str| {
                ![&everywhere, &of_host, &of_route]
                    .into_iter()
                    .any(|removed| removed.contains(**name))
            };
            if route.get("route").is_some() {
                missing.extend(OVERRIDES.iter().filter(kept));
            }
        }
    }
    if missing.is_empty() {
        return;
    }
    let list: Vec<&str> = missing.into_iter().copied().collect();
    examination.report.add(
        Trap::MethodOverride,
        &config.field("request_headers_to_remove"),
        "a client can name another method or path in a header after the decision, and frameworks believe it",
        format!("write `request_headers_to_remove: [{}]`", list.join(", ")),
    );
}
