//! What countersign is told, against what it and its policies read: an absent header looks like one that nobody sent.

use std::collections::BTreeSet;

use super::at::At;
use super::examine::Examination;
use super::headers::{HeaderName, Need};
use super::matcher::{self, Judged};
use super::normalisation::Underscores;
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
    let lists = Lists {
        allowed: config.get("allowed_headers"),
        disallowed: config.get("disallowed_headers"),
    };
    let needs = examination.needs;
    for (name, readers) in needs.headers.iter() {
        // A connection manager that lets no underscore through lets none of these through.
        if matches!(name, HeaderName::Spellings(_)) && examination.underscores == Underscores::Stop
        {
            continue;
        }
        lists.examine(name, readers, examination);
    }
    if let (Some(at), Some(need)) = (&lists.allowed, needs.headers.computed().first()) {
        let message = format!(
            "only some headers are sent to countersign, and {}",
            need.why
        );
        let help = "remove `allowed_headers`";
        examination
            .report
            .add(Trap::HeadersNotSent, at, message, help);
    }
}

/// What is sent: of what is allowed, or of everything without that list, what is not disallowed.
struct Lists<'d> {
    allowed: Option<At<'d>>,
    disallowed: Option<At<'d>>,
}

impl Lists<'_> {
    fn examine(
        &self,
        name: &HeaderName,
        readers: &BTreeSet<Need>,
        examination: &mut Examination<'_, '_>,
    ) {
        let judge = |list: &Option<At<'_>>, of: fn(&At<'_>, &HeaderName) -> Judged| {
            list.as_ref().map(|list| of(list, name))
        };
        let kept_back = judge(&self.disallowed, matcher::touches);
        let listed = judge(&self.allowed, matcher::covers);
        let unknown = Some(Judged::Unknown);
        match (&self.disallowed, &self.allowed) {
            (Some(at), _) if kept_back == Some(Judged::Yes) => {
                let help = format!("take what matches `{name}` out of `disallowed_headers`");
                missing(name, readers, at, help, examination);
            }
            (_, Some(at)) if listed == Some(Judged::No) => {
                missing(name, readers, at, to_add(name), examination);
            }
            (Some(at), _) if kept_back == unknown => unjudged(at, examination),
            (_, Some(at)) if listed == unknown => unjudged(at, examination),
            _ => {}
        }
    }
}

fn to_add(name: &HeaderName) -> String {
    format!(
        "add `{}` to `allowed_headers`, or remove the list\n`countersign check --envoy-headers` prints a whole one",
        name.written_pattern()
    )
}

fn missing(
    name: &HeaderName,
    readers: &BTreeSet<Need>,
    at: &At<'_>,
    help: String,
    examination: &mut Examination<'_, '_>,
) {
    let trap = if readers.iter().any(|need| need.decides) {
        Trap::HeadersNotSent
    } else {
        Trap::RequestIdNotSent
    };
    let why = readers.first().map_or("it is read", |need| &*need.why);
    let what = match name {
        HeaderName::Exact(_) => "is not sent",
        HeaderName::Prefix(_) | HeaderName::Spellings(_) => "is not sent in every form",
    };
    let others = match readers.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let message = format!("`{name}` {what} to countersign, and {why}{others}");
    examination.report.add(trap, at, message, help);
}

fn unjudged(at: &At<'_>, examination: &mut Examination<'_, '_>) {
    examination.report.add(
        Trap::HeadersUnjudged,
        at,
        "a pattern here cannot be read, so nobody knows whether countersign is sent what it needs",
        "write `exact`, `prefix`, `suffix`, `contains` or a plain `safe_regex`",
    );
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
