//! From what the user wrote to a route that requests can be matched with. Every mistake is reported.

use std::sync::Arc;

use super::addressed::{
    bad_audience, bad_environment, check_url, compile_match, compile_providers,
};
use super::catalogue::{Catalogue, Conflict, Entry};
use super::compile_action::compile_action;
use super::mcp;
use super::protocol::compile_protocol;
use super::reading::Reading;
use super::spec::{ActionSpec, RouteSpec};
use crate::model::finding::Finding;
use crate::model::name::{NameError, RouteId, TenantName};
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Action, Asked, Route, RouteMatch};
use crate::model::verdict::Denial;

/// A route that requests can be matched with.
#[derive(Debug)]
pub struct CompiledRoute {
    /// What it is.
    pub route: Route,
    actions: Actions,
}

/// The catalogue, by what is spoken.
#[derive(Debug)]
enum Actions {
    Http(Catalogue),
    Mcp(mcp::Catalogue),
}

impl Actions {
    fn build(route: &RouteId, is_mcp: bool, entries: Vec<Entry>) -> Result<Self, Vec<Finding>> {
        if is_mcp {
            return mcp::Catalogue::build(route, entries).map(Self::Mcp);
        }
        let catalogue = Catalogue::build(entries).map(Self::Http);
        catalogue.map_err(|conflicts| conflicts.into_iter().map(conflict).collect())
    }

    fn list(&self) -> Vec<Arc<Action>> {
        match self {
            Self::Http(catalogue) => catalogue.actions(),
            Self::Mcp(catalogue) => catalogue.actions(),
        }
    }
}

fn conflict(conflict: Conflict) -> Finding {
    let Conflict {
        operation,
        first,
        second,
    } = conflict;
    let message = format!("`{}` and `{}` are equally specific", first.id, second.id);
    Finding::error("action-conflict", message)
        .help(format!("both stand for `{operation}`"))
        .under(second.id.as_str())
        .under("actions")
}

impl CompiledRoute {
    /// Finds the action that `request` asks for, with typed parameters; a denial if there is none.
    pub fn find(&self, request: &AccessRequest, reading: &Reading<'_>) -> Result<Asked, Denial> {
        match (&self.actions, reading.call()?) {
            (Actions::Http(catalogue), None) => catalogue.find(request),
            (Actions::Mcp(catalogue), Some(call)) => catalogue.find(request, call),
            _ => {
                Err(Denial::new(Reason::NoAction).because("the request was read for another route"))
            }
        }
    }

    /// Reads what `request` says, as far as that is needed before it is known who asks.
    pub fn read<'a>(&self, request: &'a AccessRequest) -> Reading<'a> {
        Reading::of(&self.route, request)
    }
}

/// Compiles a route that nobody has written. Its actions need not be permitted, as those that a protocol brings.
pub fn compile_builtin_route(
    id: &RouteId,
    spec: &RouteSpec,
    actions: &[(String, ActionSpec)],
) -> Result<CompiledRoute, Vec<Finding>> {
    compile_as(id, spec, actions, true)
}

/// Compiles one route and its actions. Paths of the findings are relative to the route.
pub fn compile_route(
    id: &RouteId,
    spec: &RouteSpec,
    actions: &[(String, ActionSpec)],
) -> Result<CompiledRoute, Vec<Finding>> {
    compile_as(id, spec, actions, false)
}

fn compile_as(
    id: &RouteId,
    spec: &RouteSpec,
    actions: &[(String, ActionSpec)],
    builtin: bool,
) -> Result<CompiledRoute, Vec<Finding>> {
    let RouteSpec {
        matches,
        url,
        audience,
        environment,
        providers,
        tenant,
        protocol: _,
        server: _,
        deny_style: _,
        hide_existence: _,
        elicitation: _,
    } = spec;
    let mut findings = Vec::new();
    let matches = compile_match(id, matches)
        .map_err(|wrong| {
            findings.extend(wrong.into_iter().map(|finding| finding.under("match")));
        })
        .ok();
    findings.extend(check_url(url).err());
    findings.extend(audience.as_deref().and_then(bad_audience));
    findings.extend(environment.as_deref().and_then(bad_environment));
    let protocol = compile_protocol(spec)
        .map_err(|wrong| findings.extend(wrong))
        .ok();
    let tenant = compile_tenant(tenant.as_deref(), &mut findings);
    let anonymous_only = providers.is_empty();
    let providers = compile_providers(providers, &mut findings);
    let is_mcp = spec.protocol.as_deref() == Some("mcp");
    let mut entries = compile_actions(id, actions, matches.as_ref(), is_mcp, &mut findings);
    for entry in &mut entries {
        Arc::make_mut(&mut entry.action).builtin = builtin;
    }
    if anonymous_only {
        findings.extend(entries.iter().filter_map(scope_without_provider));
    }
    let actions = Actions::build(id, is_mcp, entries).map_err(|wrong| findings.extend(wrong));
    match (matches, protocol, actions) {
        (Some(matches), Some(protocol), Ok(actions)) if findings.is_empty() => {
            let url: Arc<str> = Arc::from(url.as_str());
            let audience = audience
                .as_deref()
                .map_or_else(|| Arc::clone(&url), Arc::from);
            let route = Route {
                id: id.clone(),
                matches,
                url,
                audience,
                providers,
                tenant,
                environment: environment.as_deref().map(Arc::from),
                protocol,
                actions: actions.list(),
            };
            Ok(CompiledRoute { route, actions })
        }
        _ => Err(findings),
    }
}

fn compile_tenant(tenant: Option<&str>, findings: &mut Vec<Finding>) -> Option<Arc<str>> {
    let wrong = |error: &NameError| {
        findings.push(Finding::error("invalid-name", error.to_string()).under("tenant"));
    };
    let name = TenantName::new(tenant?).inspect_err(wrong).ok()?;
    Some(name.shared())
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

fn compile_actions(
    route: &RouteId,
    actions: &[(String, ActionSpec)],
    matches: Option<&RouteMatch>,
    is_mcp: bool,
    findings: &mut Vec<Finding>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, spec) in actions {
        match compile_action(route, name, spec, matches, is_mcp) {
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
