//! Tables: what the program has and what the page says are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign::ext_authz::check_response;
use countersign::model::decision::{Decision, DecisionId, Spent};
use countersign::model::lifecycle::Check;
use countersign::model::reason::{FaultCode, Reason};
use countersign::model::time::Timestamp;
use countersign::model::verdict::{Denial, Fault, Verdict};
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

/// What only a listener with TLS and a provider of opaque tokens have; tests of their own read it.
const NOT_IN_THE_DEMO: [&str; 3] = [
    "countersign_tls_certificate_expiry_timestamp_seconds",
    "countersign_introspection_requests_total",
    "countersign_introspection_entries",
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

fn status(verdict: Verdict) -> String {
    let decision = Decision {
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
    };
    match check_response(&decision).http_response {
        Some(HttpResponse::DeniedResponse(denied)) => denied.status.unwrap().code.to_string(),
        other => panic!("{other:?}"),
    }
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
