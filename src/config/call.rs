//! Checks the calls of test cases: which keys go together, and on which routes.

use super::case::CallSpec;
use super::expectation::{Known, unknown};
use crate::model::finding::Finding;

/// Everything that is wrong with a call; paths are relative to it.
pub(super) fn check(call: &CallSpec, known: &Known) -> Vec<Finding> {
    let CallSpec {
        route, host, http, ..
    } = call;
    let mut findings = Vec::new();
    let mut wrong = |message: String| findings.push(Finding::error("invalid-call", message));
    if call.kinds().len() != 1 {
        wrong("a call has one of `http`, `grpc`, `tool`, `prompt`, `uri` and `mcp`".to_owned());
    }
    if route.is_some() == host.is_some() {
        wrong("a call names a `route` or a `host`".to_owned());
    }
    let request = http.as_ref().filter(|text| {
        let target = text.split_once(' ').map(|(_, target)| target);
        !target.is_some_and(|target| target.starts_with('/'))
    });
    if let Some(text) = request {
        let finding = Finding::error("invalid-call", format!("`{text}` is no request"));
        findings.push(finding.help("write `GET /path`").under("http"));
    }
    let unknown_route = route
        .as_ref()
        .and_then(|id| unknown("route", id, known.routes.as_ref()));
    if unknown_route.is_none() {
        findings.extend(on_its_route(call, known));
    }
    findings.extend(unknown_route.map(|finding| finding.under("route")));
    findings.extend(strays(call));
    findings
}

/// A message goes to the endpoint of a route that speaks MCP.
fn on_its_route(call: &CallSpec, known: &Known) -> Option<Finding> {
    let key = call.message()?;
    let misplaced = |message: String| Finding::error("misplaced-key", message).under(key);
    let Some(route) = &call.route else {
        let help = "write `route:` instead of `host:`: the message goes to the route's endpoint";
        return Some(misplaced(format!("`{key}` needs a route")).help(help));
    };
    let speaks_mcp = known.mcp.as_ref().is_none_or(|mcp| mcp.contains(route));
    (!speaks_mcp).then(|| {
        let help = "write `http:` and a `body:`, or add `protocol: mcp` to the route";
        misplaced(format!("`{key}` is for MCP routes, and `{route}` is none")).help(help)
    })
}

/// Keys that say something about another kind of call.
fn strays(call: &CallSpec) -> impl Iterator<Item = Finding> {
    let named = call.tool.is_some() || call.prompt.is_some();
    let pairs = [
        ("args", call.args.is_some(), named, "`tool` or `prompt`"),
        ("params", call.params.is_some(), call.mcp.is_some(), "`mcp`"),
        ("body", call.body.is_some(), call.http.is_some(), "`http`"),
    ];
    let strays = pairs
        .into_iter()
        .filter(|(_, written, belongs, _)| *written && !belongs);
    strays.map(|(key, _, _, of)| {
        let message = format!("`{key}` belongs to {of}");
        let help = "a tool and a prompt have `args:`, another MCP method `params:`, an HTTP request `body:`";
        Finding::error("misplaced-key", message)
            .help(help)
            .under(key)
    })
}
