//! Tables: what the program has and what the page says are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign::ext_authz::check_response;
use countersign::model::decision::{Decision, DecisionId, RouteFacts, Schemes, Spent};
use countersign::model::lifecycle::Check;
use countersign::model::name::RouteId;
use countersign::model::reason::{FaultCode, Reason};
use countersign::model::route::{DenyStyle, Mcp, Protocol};
use countersign::model::rpc::{RpcFacts, RpcId, RpcKind};
use countersign::model::time::Timestamp;
use countersign::model::verdict::{Denial, Fault, Verdict};
use envoy_types::pb::envoy::service::auth::v3::DeniedHttpResponse;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;

use super::README;

/// The rows of the table behind `<!-- name -->`, without its head: cells without their backticks.
pub(super) fn rows(name: &str) -> Vec<Vec<String>> {
    let mark = format!("<!-- {name} -->\n");
    let (_, behind) = README
        .split_once(&mark)
        .unwrap_or_else(|| panic!("no table `{name}`"));
    let table = behind.lines().take_while(|line| line.starts_with('|'));
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|');
        inner
            .split(" | ")
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    };
    let rows: Vec<Vec<String>> = table.skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "table `{name}` is empty");
    rows
}

/// The first column.
pub(super) fn names(name: &str) -> BTreeSet<String> {
    rows(name).into_iter().map(|row| row[0].clone()).collect()
}

/// What only a listener with TLS, a provider of opaque tokens and a stream of events have; tests of their own read it.
const NOT_IN_THE_DEMO: [&str; 6] = [
    "countersign_tls_certificate_expiry_timestamp_seconds",
    "countersign_introspection_requests_total",
    "countersign_introspection_entries",
    "countersign_events_total",
    "countersign_events_last_seconds",
    "countersign_events_stale",
];

/// Every metric that `/metrics` has is in the table, and every one of the table is there.
pub(super) fn metrics(scraped: &str) {
    let families = scraped
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let families: BTreeSet<String> = families
        .map(|line| line.split(' ').next().unwrap_or_default())
        .chain(NOT_IN_THE_DEMO)
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(names("metrics"), families);
}

fn decision(verdict: Verdict) -> Decision {
    Decision {
        rpc: None,
        document: None,
        id: DecisionId::new("d"),
        at: Timestamp::from_seconds(0),
        verdict,
        request: None,
        route: None,
        action: None,
        arguments: None,
        risk: None,
        parties: None,
        credential: None,
        workload: None,
        lifecycle: Vec::new(),
        grpc: false,
        gateway: None,
        dpop: None,
        policy_version: Arc::from("v"),
        spent: Spent::default(),
    }
}

fn refusal(decision: &Decision) -> DeniedHttpResponse {
    match check_response(decision).http_response {
        Some(HttpResponse::DeniedResponse(denied)) => denied,
        other => panic!("{other:?}"),
    }
}

fn status(verdict: Verdict) -> String {
    let denied = refusal(&decision(verdict));
    denied.status.unwrap().code.to_string()
}

/// The error code and the status of a refused call of a tool.
fn code(verdict: Verdict) -> (String, String) {
    let mut decision = decision(verdict);
    decision.route = Some(RouteFacts {
        id: RouteId::new("crm").unwrap(),
        url: Arc::from("https://mcp.example.com/crm"),
        schemes: Schemes {
            tokens: true,
            api_keys: false,
        },
        protocol: Protocol::Mcp(Mcp {
            server: Arc::from("crm"),
            deny_style: DenyStyle::Http,
            hide_existence: false,
            elicits_url: false,
        }),
    });
    decision.rpc = Some(RpcFacts {
        kind: RpcKind::Request(RpcId::Number(1)),
        method: Some(Arc::from("tools/call")),
        name: Some(Arc::from("export")),
        revision: Some(Arc::from("2026-07-28")),
        elicits_url: false,
    });
    let denied = refusal(&decision);
    let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
    let status = denied.status.unwrap().code;
    (body["error"]["code"].to_string(), status.to_string())
}

#[test]
fn every_reason_has_its_code_for_mcp_clients() {
    let rows = rows("codes");
    let listed = |reason: &str| {
        let lists = |row: &&Vec<String>| row[2].split(", ").any(|it| it == reason);
        rows.iter().find(lists)
    };
    let denials = Reason::ALL.iter().filter(|it| **it != Reason::Metadata);
    let denials = denials.map(|it| (it.as_str(), Verdict::Deny(Denial::new(*it))));
    let faults = FaultCode::ALL.iter();
    let faults = faults.map(|it| (it.as_str(), Verdict::Fault(Fault::new(*it, ""))));
    let mut used = BTreeSet::new();
    for (reason, verdict) in denials.chain(faults) {
        let (code, status) = code(verdict);
        let other = |row: &&Vec<String>| row[2] == "every other" && row[1] == status;
        let row = listed(reason).or_else(|| rows.iter().find(other));
        let row = row.unwrap_or_else(|| panic!("no code for {reason}"));
        assert_eq!((&row[0], &row[1]), (&code, &status), "{reason}");
        used.insert(code);
    }
    used.insert("-32601".to_owned());
    assert_eq!(names("codes"), used);
}

#[test]
fn every_reason_stands_there_with_its_status() {
    let denials = Reason::ALL.iter().map(|reason| {
        let denial = Verdict::Deny(Denial::new(*reason));
        (reason.as_str().to_owned(), status(denial))
    });
    let faults = FaultCode::ALL.iter().map(|code| {
        let fault = Verdict::Fault(Fault::new(*code, ""));
        (code.as_str().to_owned(), status(fault))
    });
    let written = rows("reasons")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()));
    let known: BTreeMap<String, String> = denials.chain(faults).collect();
    assert_eq!(written.collect::<BTreeMap<_, _>>(), known);
}

#[test]
fn every_check_of_a_life_stands_there_with_its_risk_and_its_reason() {
    let written: BTreeMap<String, (String, String)> = rows("checks")
        .into_iter()
        .map(|row| (row[0].clone(), (row[1].clone(), row[2].clone())))
        .collect();
    let known = Check::ALL.iter().map(|check| {
        let (risk, reason) = (check.risk().to_owned(), check.reason().to_string());
        (check.to_string(), (risk, reason))
    });
    assert_eq!(written, known.collect());
}

#[test]
fn every_exit_status_stands_there() {
    let help = crate::harness::run(&super::root(), ["--help"]).stdout;
    let (_, behind) = help.split_once("Exit status:\n").unwrap();
    let codes = behind
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    assert_eq!(names("exits"), codes.map(ToOwned::to_owned).collect());
}

#[test]
fn every_attribute_stands_there() {
    let table = rows("attributes");
    let written: BTreeSet<&str> = table.iter().flat_map(|row| row[0].split(", ")).collect();
    let known = super::keys::attributes();
    assert_eq!(written, known.iter().map(String::as_str).collect());
}

/// The actions that every MCP route has, with what they stand for and what they touch.
#[test]
fn every_built_in_action_stands_there() {
    let spec = serde_json::json!({
        "match": { "route": "desk" }, "url": "https://mcp.example.com", "protocol": "mcp", "server": "desk",
    });
    let spec = serde_json::from_value(spec).unwrap();
    let id = countersign::model::name::RouteId::new("desk").unwrap();
    let route = countersign::action::compile_route(&id, &spec, &[]).unwrap();
    let mut built: Vec<Vec<String>> = route
        .route
        .actions
        .iter()
        .map(|action| {
            let mut messages: Vec<String> =
                action.operations.iter().map(ToString::to_string).collect();
            messages.sort();
            let resource = action.resource.as_deref().unwrap_or_default();
            vec![
                action.id.to_string(),
                messages.join(", "),
                resource.to_owned(),
            ]
        })
        .collect();
    built.sort();
    let mut written = rows("builtin");
    for row in &mut written {
        row.resize(3, String::new());
    }
    let dots = |row: &Vec<String>| row[0].matches('.').count();
    assert!(written.is_sorted_by_key(dots), "protocol only comes first");
    written.sort();
    assert_eq!(written, built);
}

#[test]
fn everything_that_can_be_revoked_is_in_the_table() {
    let kinds = countersign::model::revocation::Target::KINDS;
    let kinds: BTreeSet<String> = kinds.into_iter().map(ToOwned::to_owned).collect();
    assert_eq!(names("targets"), kinds);
}
