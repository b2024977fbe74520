//! Bodies that decisions read, against what each of Envoy's routes sends of them: what is not sent whole and unchanged is denied.

use super::at::At;
use super::examine::Examination;
use super::http_filter::{EXT_AUTHZ, HttpFilter, MCP};
use super::mcp::NAMESPACE;
use super::needs::Wanted;
use super::route::{self, PER_ROUTE};
use super::trap::Trap;
use crate::action::EXTENSION_KEY;

/// What one level of Envoy's configuration says about bodies, and where.
#[derive(Clone, Debug)]
struct Sent<'d> {
    at: At<'d>,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Whole,
    AsText,
    Not,
}

/// What is known of a route from the levels above it; of each the most specific counts.
#[derive(Clone, Debug)]
struct Level<'d> {
    sent: Sent<'d>,
    /// The policy's route that Envoy names.
    named: Option<String>,
    /// Whether somebody else reads methods and names, and countersign is told.
    told_names: bool,
}

/// Examines a route configuration that this chain of filters serves.
pub(super) fn examine<'d>(
    config: &At<'d>,
    filters: &[HttpFilter<'d>],
    examination: &mut Examination<'_, 'd>,
) {
    let Some(guard) = filters.iter().find(|filter| filter.of == EXT_AUTHZ) else {
        return;
    };
    if examination.needs.bodies.is_empty() {
        return;
    }
    let sent = guard.config.get("with_request_body");
    let sent = sent.map(|settings| Sent::of(&settings));
    let namespaces = guard.config.texts("metadata_context_namespaces");
    let filter = Level {
        sent: sent.unwrap_or_else(|| Sent {
            at: guard.config.there("with_request_body"),
            how: How::Not,
        }),
        named: None,
        told_names: filters.iter().any(|filter| filter.of == MCP)
            && namespaces.iter().any(|name| name == NAMESPACE),
    };
    let whole = filter.within(config, &guard.name);
    for host in config.list("virtual_hosts") {
        let domains = host.texts("domains");
        let of_host = whole.within(&host, &guard.name);
        for route in route::routes_of(&host) {
            one(
                &of_host.within(&route, &guard.name),
                &domains,
                &route,
                examination,
            );
        }
    }
}

fn one(
    level: &Level<'_>,
    domains: &[String],
    route: &At<'_>,
    examination: &mut Examination<'_, '_>,
) {
    let how = match level.sent.how {
        How::Whole => return,
        How::AsText => {
            "it is sent as text: where a `!` may stand for another byte the request is denied"
        }
        How::Not => "it is not sent: such requests are denied",
    };
    let needs = examination.needs;
    let concerned = needs.bodies.iter().find(|wanted| {
        let here = match &level.named {
            Some(named) => wanted.route == *named,
            None => serves(domains, &wanted.hosts) && reaches(route, &wanted.path),
        };
        here && !(wanted.names_only && level.told_names)
    });
    if let Some(Wanted { why, .. }) = concerned {
        examination.report.add(
            Trap::BodyNeeded,
            &level.sent.at,
            format!("{why}, and {how} as `input_incomplete`"),
            "write `with_request_body: { max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: true }`",
        );
    }
}

impl<'d> Sent<'d> {
    /// What a `BufferSettings` says.
    fn of(settings: &At<'d>) -> Self {
        Self {
            at: settings.field("pack_as_bytes"),
            how: if settings.is("pack_as_bytes") {
                How::Whole
            } else {
                How::AsText
            },
        }
    }
}

impl<'d> Level<'d> {
    /// What holds one level below.
    fn within(&self, level: &At<'d>, filter: &str) -> Self {
        let mut below = self.clone();
        let settings = level
            .get("typed_per_filter_config")
            .and_then(|overrides| {
                overrides
                    .entries()
                    .into_iter()
                    .find(|(name, _)| *name == filter)
            })
            .and_then(|(_, written)| written.message())
            .filter(|(of, _)| of == PER_ROUTE)
            .and_then(|(_, settings)| settings.get("check_settings"));
        let Some(settings) = settings else {
            return below;
        };
        if settings.is("disable_request_body_buffering") {
            below.sent = Sent {
                at: settings.field("disable_request_body_buffering"),
                how: How::Not,
            };
        }
        if let Some(body) = settings.get("with_request_body") {
            below.sent = Sent::of(&body);
        }
        let named = settings.find(&["context_extensions", EXTENSION_KEY]);
        below.named = named.and_then(|at| at.text()).or(below.named);
        below
    }
}

/// Whether a virtual host with these domains gets requests of one of the hosts.
fn serves(domains: &[String], hosts: &[String]) -> bool {
    let matches = |domain: &str, host: &str| match domain.split_once('*') {
        Some((start, end)) => host.starts_with(start) && host.ends_with(end),
        None => domain.eq_ignore_ascii_case(host),
    };
    let mut pairs = domains
        .iter()
        .flat_map(|domain| hosts.iter().map(move |host| (domain, host)));
    pairs.any(|(domain, host)| matches(domain, host))
}

/// Whether one of Envoy's routes may get requests whose path starts like this; where it matches by anything else than the start
/// of a path, nothing is said.
fn reaches(route: &At<'_>, start: &str) -> bool {
    let Some(matched) = route.get("match") else {
        return false;
    };
    let prefix = matched
        .text_of("prefix")
        .or_else(|| matched.text_of("path_separated_prefix"));
    match (prefix, matched.text_of("path")) {
        (Some(prefix), _) => prefix.starts_with(start) || start.starts_with(&prefix),
        (None, Some(path)) => path.starts_with(start),
        (None, None) => false,
    }
}
