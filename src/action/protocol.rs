//! What is spoken on a route: from what the user wrote to a [`Protocol`].

use std::sync::Arc;

use super::spec::RouteSpec;
use crate::model::finding::Finding;
use crate::model::route::{DenyStyle, Mcp, Protocol};
use crate::model::suggest::suggest;

/// Checks the keys of a route that are about its protocol; paths of the findings are relative to the route.
pub(super) fn compile_protocol(spec: &RouteSpec) -> Result<Protocol, Vec<Finding>> {
    match spec.protocol.as_deref().unwrap_or("http") {
        "http" => only_of_mcp(spec),
        "mcp" => mcp(spec),
        other => {
            let finding = Finding::error(
                "unknown-protocol",
                format!("`{other}` is no protocol that is understood"),
            );
            Err(vec![
                finding.help("write `http` or `mcp`").under("protocol"),
            ])
        }
    }
}

fn only_of_mcp(spec: &RouteSpec) -> Result<Protocol, Vec<Finding>> {
    let written = [
        ("server", spec.server.is_some()),
        ("deny_style", spec.deny_style.is_some()),
        ("hide_existence", spec.hide_existence.is_some()),
        ("elicitation", spec.elicitation.is_some()),
    ];
    let findings: Vec<Finding> = written
        .into_iter()
        .filter(|(_, written)| *written)
        .map(|(key, _)| {
            let finding = Finding::error("misplaced-key", format!("`{key}` is for MCP routes"));
            finding.help("add `protocol: mcp`").under(key)
        })
        .collect();
    if findings.is_empty() {
        Ok(Protocol::Http)
    } else {
        Err(findings)
    }
}

fn mcp(spec: &RouteSpec) -> Result<Protocol, Vec<Finding>> {
    let mut findings = Vec::new();
    let server = spec.server.as_deref().unwrap_or_default();
    if server.is_empty() || server.contains(char::is_control) {
        let finding = Finding::error("missing-key", "an MCP route names its server");
        findings.push(finding.help("write for example `server: crm`"));
    }
    let style = deny_style(spec.deny_style.as_deref()).map_err(|wrong| findings.push(wrong));
    let elicits = elicits_url(spec.elicitation.as_deref()).map_err(|wrong| findings.push(wrong));
    match (style, elicits) {
        (Ok(deny_style), Ok(elicits_url)) if findings.is_empty() => Ok(Protocol::Mcp(Mcp {
            server: Arc::from(server),
            deny_style,
            hide_existence: spec.hide_existence.unwrap_or(false),
            elicits_url,
        })),
        _ => Err(findings),
    }
}

fn deny_style(written: Option<&str>) -> Result<DenyStyle, Finding> {
    let written = written.unwrap_or("http");
    let names = DenyStyle::ALL.map(DenyStyle::as_str);
    let mut styles = DenyStyle::ALL.into_iter();
    styles
        .find(|style| style.as_str() == written)
        .ok_or_else(|| {
            let finding = Finding::error("unknown-name", format!("there is no style `{written}`"));
            let near = suggest(written, names);
            let help = near.map_or_else(
                || format!("write one of `{}`", names.join("`, `")),
                |near| format!("did you mean `{near}`?"),
            );
            finding.help(help).under("deny_style")
        })
}

fn elicits_url(written: Option<&str>) -> Result<bool, Finding> {
    match written {
        None => Ok(false),
        Some("url") => Ok(true),
        Some(other) => {
            let message = format!("people cannot be asked by `{other}`");
            let finding = Finding::error("unknown-name", message);
            Err(finding
                .help("write `url`, or remove the key")
                .under("elicitation"))
        }
    }
}
