//! Whose requests a route takes: its hosts and prefix or its id, its external URL, audience and providers, checked.

use super::operation::check_prefix;
use super::spec::MatchSpec;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::name::{ProviderName, RouteId};
use crate::model::route::RouteMatch;

/// Paths of the findings are relative to `match`.
pub(super) fn compile_match(id: &RouteId, spec: &MatchSpec) -> Result<RouteMatch, Vec<Finding>> {
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

pub(super) fn check_url(url: &str) -> Result<(), Finding> {
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

pub(super) fn bad_audience(audience: &str) -> Option<Finding> {
    let fit = !audience.is_empty() && !audience.contains(char::is_control);
    (!fit).then(|| {
        let message = "an audience is a text without control characters";
        let finding = Finding::error("invalid-audience", message);
        finding
            .help("remove the key: the audience is then the `url`")
            .under("audience")
    })
}

pub(super) fn bad_environment(environment: &str) -> Option<Finding> {
    let fit = !environment.is_empty() && !environment.contains(char::is_control);
    (!fit).then(|| {
        let message = "an environment is a text without control characters";
        let finding = Finding::error("invalid-environment", message);
        finding
            .help("write for example `production`, as the registry does")
            .under("environment")
    })
}

pub(super) fn compile_providers(
    names: &[String],
    findings: &mut Vec<Finding>,
) -> Vec<ProviderName> {
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
