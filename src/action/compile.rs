//! From what the user wrote to a route that requests can be matched with. Every mistake is reported.

use std::sync::Arc;

use super::catalogue::{Catalogue, Entry};
use super::compile_action::compile_action;
use super::spec::{ActionSpec, RouteSpec};
use crate::model::finding::Finding;
use crate::model::name::RouteId;
use crate::model::request::AccessRequest;
use crate::model::route::{Action, Asked, Route, RouteMatch};
use crate::model::verdict::Denial;

/// A route that requests can be matched with.
#[derive(Debug)]
pub struct CompiledRoute {
    /// What it is.
    pub route: Route,
    catalogue: Catalogue,
}

impl CompiledRoute {
    /// Finds the action that `request` asks for, with typed parameters; a denial if there is none.
    pub fn find(&self, request: &AccessRequest) -> Result<Asked, Denial> {
        self.catalogue.find(request)
    }
}

/// Compiles one route and its actions. Paths of the findings are relative to the route.
pub fn compile_route(
    id: &RouteId,
    spec: &RouteSpec,
    actions: &[(String, ActionSpec)],
) -> Result<CompiledRoute, Vec<Finding>> {
    let RouteSpec {
        matches,
        url,
        audience,
        providers,
    } = spec;
    let mut findings = Vec::new();
    let matches = compile_match(id, matches)
        .map_err(|wrong| {
            findings.extend(wrong.into_iter().map(|finding| finding.under("match")));
        })
        .ok();
    findings.extend(check_url(url).err());
    findings.extend(audience.as_deref().and_then(bad_audience));
    let anonymous_only = providers.is_empty();
    let providers = compile_providers(providers, &mut findings);
    let entries = compile_actions(id, actions, matches.as_ref(), &mut findings);
    if anonymous_only {
        findings.extend(entries.iter().filter_map(scope_without_provider));
    }
    let catalogue = Catalogue::build(entries).map_err(|conflicts| {
        findings.extend(conflicts.into_iter().map(|conflict| {
            let message = format!(
                "`{}` and `{}` are equally specific",
                conflict.first.id, conflict.second.id
            );
            let finding = Finding::error("action-conflict", message)
                .help(format!("both stand for `{}`", conflict.operation));
            finding.under(conflict.second.id.as_str()).under("actions")
        }));
    });
    match (matches, catalogue) {
        (Some(matches), Ok(catalogue)) if findings.is_empty() => {
            let url: Arc<str> = Arc::from(url.as_str());
            let audience = audience
                .as_deref()
                .map_or_else(|| Arc::clone(&url), Arc::from);
            let actions = catalogue.actions();
            let route = Route {
                id: id.clone(),
                matches,
                url,
                audience,
                providers,
                actions,
            };
            Ok(CompiledRoute { route, catalogue })
        }
        _ => Err(findings),
    }
}

/// Paths of the findings are relative to `match`.
fn compile_match(id: &RouteId, spec: &MatchSpec) -> Result<RouteMatch, Vec<Finding>> {
    let MatchSpec { host, path, route } = spec;
    match (host, route) {
        (Some(hosts), None) => compile_hosts(hosts, path.as_deref().unwrap_or("/")),
        (None, Some(named)) if path.is_none() => {
            if named == id.as_str() {
                return Ok(RouteMatch::Extension);
            }
            let finding = Finding::error("route-id", format!("`{named}` is not this route's id"));
            Err(vec![
                finding.help(format!("write `route: {id}`")).under("route"),
            ])
        }
        _ => {
            let message = "a route matches by `host` (and `path`), or by `route`";
            let help = "write `match: { host: api.example.com }` or `match: { route: … }`";
            Err(vec![Finding::error("invalid-match", message).help(help)])
        }
    }
}

fn compile_hosts(hosts: &OneOrMany<String>, prefix: &str) -> Result<RouteMatch, Vec<Finding>> {
    let mut findings = Vec::new();
    if hosts.items().is_empty() {
        let finding = Finding::error("empty-list", "an empty list matches no request");
        findings.push(finding.under("host"));
    }
    for (index, host) in hosts.items().iter().enumerate() {
        if let Some(finding) = bad_host(host) {
            findings.push(hosts.place(index, finding).under("host"));
        }
    }
    if let Err(message) = check_prefix(prefix) {
        let finding = Finding::error("invalid-path", message);
        findings.push(
            finding
                .help("write whole segments, for example `/crm`")
                .under("path"),
        );
    }
    if findings.is_empty() {
        Ok(RouteMatch::Host {
            hosts: hosts.items().to_vec(),
            prefix: prefix.to_owned(),
        })
    } else {
        Err(findings)
    }
}

fn bad_host(host: &str) -> Option<Finding> {
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let ip6 = bracketed.is_some_and(|ip| {
        ip.parse::<std::net::Ipv6Addr>()
            .is_ok_and(|parsed| parsed.to_string() == ip)
    });
    let labels = host
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(label));
    if (labels && host.len() <= 253) || ip6 {
        return None;
    }
    let finding = Finding::error("invalid-host", format!("`{host}` is no host"));
    Some(
        finding.help(
            "write it in lower case, without port and trailing dot; wildcards are not matched",
        ),
    )
}

fn check_url(url: &str) -> Result<(), Finding> {
    let origin = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    // It stands in challenges, which are header values: visible ASCII without quotes.
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"\\".contains(&byte);
    if origin.is_some_and(|rest| {
        !matches!(rest, "" | "/") && !rest.starts_with('/') && rest.bytes().all(plain)
    }) {
        return Ok(());
    }
    Err(
        Finding::error("invalid-url", format!("`{url}` is no external URL"))
            .help("write the origin that callers use, for example `https://api.example.com`")
            .under("url"),
    )
}

fn bad_audience(audience: &str) -> Option<Finding> {
    let fit = !audience.is_empty() && !audience.contains(char::is_control);
    (!fit).then(|| {
        let message = "an audience is a text without control characters";
        let finding = Finding::error("invalid-audience", message);
        finding
            .help("remove the key: the audience is then the `url`")
            .under("audience")
    })
}

/// Scope belongs to a token, and a route without providers accepts none: nobody could ever ask for the action.
fn scope_without_provider(entry: &Entry) -> Option<Finding> {
    let Action { id, scope, .. } = entry.action.as_ref();
    (!scope.is_empty()).then(|| {
        let message = format!("`{id}` needs a scope, and the route accepts no credential");
        let finding = Finding::error("scope-without-provider", message);
        finding
            .help("name the route's `providers`, or remove the `scope`")
            .under("scope")
            .under(id.as_str())
            .under("actions")
    })
}

fn compile_providers(names: &[String], findings: &mut Vec<Finding>) -> Vec<ProviderName> {
    let mut providers: Vec<ProviderName> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match ProviderName::new(name) {
            Ok(provider) if providers.contains(&provider) => findings.push(
                Finding::error(
                    "duplicate-provider",
                    format!("provider `{name}` is listed twice"),
                )
                .under(index)
                .under("providers"),
            ),
            Ok(provider) => providers.push(provider),
            Err(error) => {
                findings.push(
                    Finding::error("invalid-name", error.to_string())
                        .under(index)
                        .under("providers"),
                );
            }
        }
    }
    providers
}

fn compile_actions(
    route: &RouteId,
    actions: &[(String, ActionSpec)],
    matches: Option<&RouteMatch>,
    findings: &mut Vec<Finding>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, spec) in actions {
        match compile_action(route, name, spec, matches) {
            Ok(entry) => entries.push(entry),
            Err(wrong) => {
                findings.extend(
                    wrong
                        .into_iter()
                        .map(|finding| finding.under(name.as_str()).under("actions")),
                );
            }
        }
    }
    entries
}
