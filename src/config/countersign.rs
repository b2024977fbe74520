//! The route that countersign itself is: looking at approvals and voting on them are actions under policy, so that rules, tests and
//! `explain` treat them as any other.

use std::collections::BTreeMap;

use super::place::place;
use super::problem::Problems;
use super::server::ServerSpec;
use super::yaml::{Document, KeyPath};
use crate::action::spec::{ActionSpec, MatchSpec, ResourceSpec, RouteSpec};
use crate::action::{CompiledRoute, compile_builtin_route};
use crate::identity::CheckedProviders;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::name::RouteId;
use crate::model::route::{COUNTERSIGN, Tier};
use crate::model::suggest::suggest;

/// What can be asked of countersign: an action, the request that it stands for, and how much harm it can do.
const ACTIONS: [(&str, &str, Tier); 5] = [
    ("approvals.list", "GET /approvals", Tier::Low),
    ("approvals.read", "GET /approvals/{id}", Tier::Low),
    (
        "approvals.approve",
        "POST /approvals/{id}/approve",
        Tier::High,
    ),
    ("approvals.deny", "POST /approvals/{id}/deny", Tier::High),
    (
        "approvals.revoke",
        "POST /approvals/{id}/revoke",
        Tier::High,
    ),
];
/// Where nobody has said what the server is called, no token can be meant for it.
const NOWHERE: &str = "https://countersign.invalid";

/// The route, with the providers and under the URL that the configuration says.
pub(super) fn route(
    document: &Document,
    spec: &ServerSpec,
    checked: Option<&CheckedProviders>,
    problems: &mut Problems,
) -> Option<CompiledRoute> {
    let base = KeyPath::root().join("approvals");
    let listed = &spec.approvals.providers;
    let mut findings = Vec::new();
    if let Some(checked) = checked {
        findings.extend(unknown(listed, checked));
    }
    let called = spec.admin.audience.as_ref().or_else(|| url_of(spec));
    if called.is_none() && !listed.items().is_empty() {
        let message = "tokens of approvers are meant for somebody, and nothing says who this is";
        let help = "write `url: https://approve.example.com` beside it, where people reach the admin listener";
        findings.push(
            Finding::error("missing-audience", message)
                .help(help)
                .under("providers"),
        );
    }
    let id = RouteId::new(COUNTERSIGN).ok()?;
    let route = compile_builtin_route(&id, &written(spec), &actions());
    if let (Some(checked), Ok(route), true) = (checked, &route, findings.is_empty()) {
        let together = checked.check_together(&route.route.providers).into_iter();
        findings.extend(together.map(|finding| finding.under("providers")));
    }
    let found = findings.into_iter();
    problems.extend(found.map(|finding| place(document, &base, finding)));
    // What is wrong is said where it stands, here and in `admin`; rules are not blamed for naming these actions.
    route.ok().or_else(|| {
        let nobody = RouteSpec {
            url: NOWHERE.to_owned(),
            audience: None,
            providers: Vec::new(),
            ..written(spec)
        };
        compile_builtin_route(&id, &nobody, &actions()).ok()
    })
}

/// What the server is called: as operators write it, else as approvers do.
fn url_of(spec: &ServerSpec) -> Option<&String> {
    spec.admin.url.as_ref().or(spec.approvals.url.as_ref())
}

/// The route as somebody would write it.
fn written(spec: &ServerSpec) -> RouteSpec {
    let listed = spec.approvals.providers.items();
    let of_access = spec
        .admin
        .access
        .iter()
        .filter_map(|entry| entry.provider.as_ref());
    let mut providers: Vec<String> = if listed.is_empty() {
        of_access.cloned().collect()
    } else {
        listed.to_vec()
    };
    providers.sort();
    providers.dedup();
    RouteSpec {
        matches: MatchSpec {
            host: None,
            path: None,
            route: Some(COUNTERSIGN.to_owned()),
        },
        url: url_of(spec).cloned().unwrap_or_else(|| NOWHERE.to_owned()),
        audience: spec.admin.audience.clone(),
        environment: None,
        providers,
        protocol: None,
        server: None,
        deny_style: None,
        hide_existence: None,
        elicitation: None,
        tenant: None,
    }
}

fn actions() -> Vec<(String, ActionSpec)> {
    let each = ACTIONS.iter().map(|(id, http, tier)| {
        let of_one = http.contains("{id}");
        let spec = ActionSpec {
            http: Some(OneOrMany::One((*http).to_owned())),
            grpc: None,
            tool: None,
            prompt: None,
            uri: None,
            tier: Some(tier.as_str().to_owned()),
            scope: OneOrMany::default(),
            params: BTreeMap::new(),
            query: BTreeMap::new(),
            args: BTreeMap::new(),
            extra: None,
            definition: None,
            resource: of_one.then(|| ResourceSpec {
                kind: "approval".to_owned(),
                id: "params.id".to_owned(),
            }),
        };
        ((*id).to_owned(), spec)
    });
    each.collect()
}

fn unknown(listed: &OneOrMany<String>, checked: &CheckedProviders) -> Vec<Finding> {
    let names = || {
        checked
            .names()
            .map(crate::model::name::ProviderName::as_str)
    };
    let items = listed.items().iter().enumerate();
    let missing = items.filter(|(_, text)| !names().any(|name| name == text.as_str()));
    let finding = |(index, text): (usize, &String)| {
        let finding = Finding::error("unknown-provider", format!("there is no provider `{text}`"));
        let help = match suggest(text, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under `providers`".to_owned(),
        };
        listed.place(index, finding.help(help)).under("providers")
    };
    missing.map(finding).collect()
}
