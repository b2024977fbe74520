use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::approval::Ticket;
use crate::model::decision::{Decision, DecisionId, Spent};
use crate::model::lifecycle::{Check, Level, Raised};
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::model::reason::{FaultCode, Reason};
use crate::model::time::Timestamp;
use crate::model::verdict::{Constraints, Denial, Fault, Grant, Verdict};

const START: Timestamp = Timestamp::from_seconds(1_795_298_000);

fn metrics() -> Metrics {
    Metrics::new("0.1.0", START).unwrap()
}

fn decision(verdict: Verdict, spent: Spent) -> Decision {
    Decision {
        rpc: None,
        document: None,
        id: DecisionId::new("d-1"),
        at: START,
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
        policy_version: Arc::from("v1"),
        spent,
    }
}

fn spent(micros: u64) -> Spent {
    Spent {
        total: Duration::from_micros(micros),
        identity: Duration::from_micros(micros / 2),
        policy: Duration::ZERO,
    }
}

fn allow() -> Verdict {
    Verdict::Allow(Grant {
        approval: None,
        permits: Vec::new(),
        constraints: Constraints::default(),
    })
}

fn text(metrics: &Metrics) -> String {
    metrics.encode(START, &[], &[]).unwrap()
}

/// The value of one series, written as Prometheus writes it.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

fn sample(provider: &str, age: Option<u64>) -> KeySetSample {
    KeySetSample {
        provider: ProviderName::new(provider).unwrap(),
        age: age.map(Duration::from_secs),
        last_success: age.map(|age| START.minus(Duration::from_secs(age))),
        failures: 3,
        keys: 2,
        withdrawn: 4,
        hits: 5,
        misses: 6,
        unfit: 7,
    }
}

#[test]
fn every_code_is_counted_under_its_own_labels() {
    let metrics = metrics();
    metrics.record(&decision(allow(), spent(30)));
    let ticket = Ticket {
        id: None,
        rule: None,
        expires: None,
        url: None,
        status_url: None,
    };
    metrics.record(&decision(Verdict::Pending(ticket), spent(30)));
    for reason in Reason::ALL {
        metrics.record(&decision(Verdict::Deny(Denial::new(*reason)), spent(30)));
    }
    for code in FaultCode::ALL {
        metrics.record(&decision(Verdict::Fault(Fault::new(*code, "x")), spent(30)));
    }
    let text = text(&metrics);
    let counts: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("countersign_decision_duration_seconds_count"))
        .collect();
    assert_eq!(counts.len(), 2 + Reason::ALL.len() + FaultCode::ALL.len());
    assert!(counts.iter().all(|line| line.ends_with(" 1")), "{counts:?}");
}

#[test]
fn durations_fall_into_buckets_from_25_microseconds_to_a_second() {
    let metrics = metrics();
    metrics.record(&decision(allow(), spent(20)));
    metrics.record(&decision(allow(), spent(600_000)));
    let text = text(&metrics);
    let bucket = |le: &str| {
        let labels = format!("{{reason=\"permitted\",verdict=\"allow\",le=\"{le}\"}}");
        value(
            &text,
            &format!("countersign_decision_duration_seconds_bucket{labels}"),
        )
    };
    assert_eq!(bucket("0.000025"), Some(1.0), "{text}");
    assert_eq!(bucket("0.5"), Some(1.0));
    assert_eq!(bucket("1"), Some(2.0));
    let phase = |name: &str| {
        value(
            &text,
            &format!("countersign_phase_duration_seconds_count{{phase=\"{name}\"}}"),
        )
    };
    assert_eq!((phase("identity"), phase("policy")), (Some(2.0), Some(0.0)));
}

#[test]
fn what_checks_of_lives_find_is_counted_by_check_and_level() {
    let metrics = metrics();
    let mut denied = decision(allow(), spent(10));
    let raised = |check, level| Raised {
        check,
        level,
        id: PartyId::new(ProviderName::new("corp").unwrap(), "bot"),
    };
    denied.lifecycle = vec![
        raised(Check::Browser, Level::Warn),
        raised(Check::Offboarded, Level::Deny),
    ];
    metrics.record(&denied);
    metrics.record(&denied);
    let text = text(&metrics);
    for (check, level, count) in [
        ("nhi10-browser", "warn", 2.0),
        ("nhi1-offboarded", "deny", 2.0),
        ("nhi10-browser", "deny", 0.0),
        ("nhi9-workload", "warn", 0.0),
    ] {
        let series =
            format!("countersign_lifecycle_findings_total{{check=\"{check}\",level=\"{level}\"}}");
        assert_eq!(value(&text, &series), Some(count), "{series}");
    }
}

#[test]
fn labels_are_a_closed_set() {
    let metrics = metrics();
    metrics.policy_loaded(Arc::from("v1"), START);
    let text = metrics
        .encode(START, &[sample("corp", Some(5))], &[])
        .unwrap();
    let mut names = BTreeSet::new();
    for labels in text.lines().filter_map(|line| {
        let inside = line.split_once('{')?.1;
        Some(inside.rsplit_once('}')?.0)
    }) {
        names.extend(
            labels
                .split(',')
                .filter_map(|label| label.split_once('='))
                .map(|(n, _)| n),
        );
    }
    let expected = [
        "check", "effect", "le", "level", "listener", "phase", "provider", "reason", "result",
        "verdict", "version",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn a_check_is_in_flight_until_its_guard_is_dropped() {
    let metrics = metrics();
    let first = metrics.begin_check();
    let second = metrics.clone().begin_check();
    assert_eq!(metrics.in_flight(), 2);
    drop((first, second));
    assert_eq!(metrics.in_flight(), 0);
    metrics.shed();
    assert_eq!(metrics.shed_total(), 1);
}

#[test]
fn one_policy_version_is_stated_and_a_refusal_keeps_its_first_moment() {
    let metrics = metrics();
    let later = |seconds| START.plus(Duration::from_secs(seconds));
    let read = |seconds| metrics.encode(later(seconds), &[], &[]).unwrap();
    metrics.policy_loaded(Arc::from("v1"), START);
    metrics.reload(Reload::Refused, later(10));
    metrics.reload(Reload::Refused, later(20));
    let text = read(30);
    let since = "countersign_reload_refused_since_seconds";
    assert_eq!(value(&text, since), Some(1_795_298_010.0));
    assert_eq!(value(&text, "countersign_policy_age_seconds"), Some(30.0));
    assert_eq!(
        value(&text, "countersign_reloads_total{result=\"refused\"}"),
        Some(2.0)
    );

    metrics.reload(Reload::Unchanged, later(35));
    assert_eq!(value(&read(36), since), Some(0.0));

    let version = Arc::from("v2");
    metrics.reload(Reload::Applied { version }, later(40));
    let text = read(41);
    assert_eq!(
        value(&text, "countersign_policy_info{version=\"v2\"}"),
        Some(1.0)
    );
    assert!(!text.contains("version=\"v1\""), "{text}");
    assert_eq!(value(&text, "countersign_policy_age_seconds"), Some(1.0));
}

#[test]
fn key_sets_are_stated_as_given_and_removed_ones_leave_nothing() {
    let metrics = metrics();
    let text = metrics
        .encode(START, &[sample("corp", Some(7)), sample("ci", None)], &[])
        .unwrap();
    let of = |name: &str, provider: &str| {
        value(
            &text,
            &format!("countersign_keyset_{name}{{provider=\"{provider}\"}}"),
        )
    };
    assert_eq!(of("age_seconds", "corp"), Some(7.0));
    assert_eq!(of("age_seconds", "ci"), None);
    assert_eq!(of("last_success_timestamp_seconds", "ci"), Some(0.0));
    assert_eq!(of("failures_total", "corp"), Some(3.0));
    assert_eq!(of("keys", "corp"), Some(2.0));
    assert_eq!(of("withdrawn_total", "corp"), Some(4.0));
    for (result, count) in [("hit", 5.0), ("miss", 6.0), ("unfit", 7.0)] {
        let labels = format!("{{provider=\"corp\",result=\"{result}\"}}");
        let series = format!("countersign_keyset_lookups_total{labels}");
        assert_eq!(value(&text, &series), Some(count), "{result}");
    }
    assert!(!metrics.encode(START, &[], &[]).unwrap().contains("corp"));
}

#[test]
fn losses_differences_and_the_build_are_stated() {
    let metrics = metrics();
    metrics.audit_dropped();
    metrics.audit_failed();
    metrics.shadow_dropped();
    metrics.shadow_difference(ShadowEffect::WouldDeny);
    let text = text(&metrics);
    for series in [
        "countersign_audit_dropped_total",
        "countersign_audit_write_failures_total",
        "countersign_shadow_records_dropped_total",
        "countersign_shadow_differences_total{effect=\"would_deny\"}",
        "countersign_build_info{version=\"0.1.0\"}",
    ] {
        assert_eq!(value(&text, series), Some(1.0), "{series}");
    }
    assert_eq!(
        value(&text, "process_start_time_seconds"),
        Some(1_795_298_000.0)
    );
}
