//! What countersign is told, against what it and its policies read: an absent header looks like one that nobody sent.

use std::collections::BTreeSet;

use super::at::At;
use super::examine::Examination;
use super::matcher;
use super::trap::Trap;

/// Examines what a filter sends of a request and of its metadata.
pub(super) fn examine(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    headers(config, examination);
    let needs = examination.needs;
    namespaces(
        config,
        "metadata_context_namespaces",
        &needs.metadata,
        examination,
    );
    let of_routes = "route_metadata_context_namespaces";
    namespaces(config, of_routes, &needs.route_metadata, examination);
}

fn headers(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let (allowed, disallowed) = (
        config.get("allowed_headers"),
        config.get("disallowed_headers"),
    );
    let needs = examination.needs;
    for (name, why) in &needs.headers {
        // What is disallowed is not sent even if it is allowed.
        let kept_back = disallowed.as_ref().filter(|list| matcher::any(list, name));
        let left_out = allowed.as_ref().filter(|list| !matcher::any(list, name));
        if let Some(at) = kept_back.or(left_out) {
            examination.report.add(
                Trap::HeadersNotSent,
                at,
                format!("`{name}` is not sent to countersign, and {why}"),
                if kept_back.is_some() {
                    format!("take `{name}` out of `disallowed_headers`")
                } else if let Some(prefix) = name.strip_suffix('*') {
                    format!("add `{{ prefix: {prefix} }}` to `allowed_headers`, or remove the list")
                } else {
                    format!("add `{{ exact: {name} }}` to `allowed_headers`, or remove the list")
                },
            );
        }
    }
    if let (Some(at), Some(why)) = (&allowed, &needs.any_header) {
        let message = format!("only some headers are sent to countersign, and {why}");
        examination.report.add(
            Trap::HeadersNotSent,
            at,
            message,
            "remove `allowed_headers`",
        );
    }
}

fn namespaces(
    config: &At<'_>,
    field: &str,
    read: &BTreeSet<String>,
    examination: &mut Examination<'_, '_>,
) {
    let sent = config.texts(field);
    for name in read.iter().filter(|name| !sent.contains(name)) {
        examination.report.add(
            Trap::MetadataNotSent,
            &config.field(field),
            format!("policies read the metadata of `{name}`, and it is not sent"),
            format!("add `{name}` to `{field}`"),
        );
    }
}
