//! What each check finds, at each level.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::registered;
use crate::model::identity::Proof;
use crate::model::lifecycle::{Check, Level};
use crate::model::route::Tier;
use crate::model::time::Timestamp;
use crate::registry::{Found, Lifecycle, LifecycleSpec, Registered, Use};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T22:00:00Z").unwrap()
}

fn lifecycle(section: &Json) -> Lifecycle {
    let spec: LifecycleSpec = serde_json::from_value(section.clone()).unwrap();
    Lifecycle::compile(spec).unwrap().0
}

/// Every check at one level.
fn all(level: &str) -> Lifecycle {
    let keys = [
        "unregistered",
        "standing",
        "expired",
        "rotation",
        "token_lifetime",
        "environment",
        "workload",
        "browser",
        "proof",
    ];
    let section: serde_json::Map<String, Json> = keys
        .iter()
        .map(|key| ((*key).to_owned(), json!(level)))
        .collect();
    lifecycle(&Json::Object(section))
}

/// A short token of a call from nowhere in particular.
fn quiet() -> Use<'static> {
    Use {
        issued: Some(now()),
        expires: Some(now().plus(std::time::Duration::from_mins(5))),
        proof: Proof::None,
        workload: None,
        browser: false,
    }
}

/// Everything that is found about a call of `known` to a critical action in production.
fn found(lifecycle: &Lifecycle, known: Option<&Registered>, how: &Use<'_>) -> Vec<Found> {
    let mut found = known
        .map(|known| lifecycle.of_identity(known, Some("production"), now()))
        .unwrap_or_default();
    found.extend(lifecycle.of_party(known));
    found.extend(lifecycle.of_use(known, how, now()));
    found.extend(lifecycle.of_tier(Tier::Critical, how.proof));
    found
}

fn checks(more: &Json, how: &Use<'_>) -> Vec<Check> {
    let known = registered(more);
    let found = found(&all("deny"), Some(&known), how);
    found.iter().map(|found| found.check).collect()
}

fn proven() -> Use<'static> {
    Use {
        proof: Proof::Dpop,
        ..quiet()
    }
}

#[test]
fn a_quiet_life_raises_nothing() {
    assert_eq!(checks(&json!({}), &proven()), []);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, a row for each way")]
fn each_check_finds_its_own() {
    let far = now().plus(std::time::Duration::from_hours(2));
    for (more, how, expected) in [
        (json!({ "status": "suspended" }), proven(), Check::Suspended),
        (
            json!({ "status": "offboarded" }),
            proven(),
            Check::Offboarded,
        ),
        (
            json!({ "expires": "2026-11-21T22:00:00Z" }),
            proven(),
            Check::Expired,
        ),
        (json!({ "expires": "2026-11-21" }), proven(), Check::Expired),
        (
            json!({ "rotated": "2026-11-20T22:00:00Z", "rotate_every": "1d" }),
            proven(),
            Check::RotationOverdue,
        ),
        (
            json!({ "environment": "staging" }),
            proven(),
            Check::Environment,
        ),
        (
            json!({ "rotated": "2026-01-01" }),
            proven(),
            Check::RotationOverdue,
        ),
        (
            json!({ "rotated": "2026-11-20", "rotate_every": "1d" }),
            proven(),
            Check::RotationOverdue,
        ),
        (
            json!({ "workloads": "spiffe://example.org/ci/*" }),
            proven(),
            Check::Workload,
        ),
        (
            json!({ "workloads": "spiffe://example.org/ci/*" }),
            Use {
                workload: Some("spiffe://example.org/web/runner"),
                ..proven()
            },
            Check::Workload,
        ),
        (
            json!({}),
            Use {
                expires: Some(far),
                ..proven()
            },
            Check::TokenLifetime,
        ),
        (
            json!({}),
            Use {
                issued: Some(now().minus(std::time::Duration::from_hours(9))),
                ..proven()
            },
            Check::TokenLifetime,
        ),
        (
            json!({}),
            Use {
                issued: None,
                expires: Some(far),
                ..proven()
            },
            Check::TokenLifetime,
        ),
        (
            json!({}),
            Use {
                expires: None,
                ..proven()
            },
            Check::TokenLifetime,
        ),
        (
            json!({}),
            Use {
                browser: true,
                ..proven()
            },
            Check::Browser,
        ),
        (json!({}), quiet(), Check::Unproven),
    ] {
        assert_eq!(checks(&more, &how), [expected], "{more} {how:?}");
    }
    let unknown = found(&all("deny"), None, &proven());
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].check, Check::Unregistered);
}

#[test]
fn what_is_in_order_is_not_found() {
    for (more, how) in [
        (json!({ "expires": "2026-11-21T22:00:01Z" }), proven()),
        (json!({ "environment": "production" }), proven()),
        (json!({ "rotated": "2026-11-01" }), proven()),
        (
            json!({ "rotated": "2026-11-20T22:00:01Z", "rotate_every": "1d" }),
            proven(),
        ),
        (
            json!({ "rotated": "2026-01-01", "rotate_every": "400d" }),
            proven(),
        ),
        (
            json!({ "workloads": ["spiffe://example.org/a", "spiffe://example.org/ci/*"] }),
            Use {
                workload: Some("spiffe://example.org/ci/runner"),
                ..proven()
            },
        ),
        // Exactly as long as allowed.
        (
            json!({}),
            Use {
                expires: Some(now().plus(std::time::Duration::from_hours(1))),
                ..proven()
            },
        ),
        // Envoy verified the certificate, and does not show it.
        (
            json!({}),
            Use {
                proof: Proof::Mtls,
                issued: None,
                expires: None,
                ..quiet()
            },
        ),
    ] {
        assert_eq!(checks(&more, &how), [], "{more} {how:?}");
    }
}

#[test]
fn an_environment_is_compared_only_where_both_are_declared() {
    let staging = registered(&json!({ "environment": "staging" }));
    let anywhere = registered(&json!({}));
    let deny = all("deny");
    assert_eq!(deny.of_identity(&staging, None, now()), []);
    assert_eq!(deny.of_identity(&anywhere, Some("production"), now()), []);
    assert_eq!(deny.of_identity(&staging, Some("Staging"), now()).len(), 1);
}

#[test]
fn proof_is_demanded_by_the_named_tiers_only() {
    let lifecycle = lifecycle(&json!({ "proof": { "check": "deny", "tiers": ["high"] } }));
    let finds = |tier, proof| !lifecycle.of_tier(tier, proof).is_empty();
    assert!(finds(Tier::High, Proof::None));
    assert!(!finds(Tier::Critical, Proof::None));
    assert!(!finds(Tier::High, Proof::Dpop) && !finds(Tier::High, Proof::Mtls));
}

#[test]
fn off_finds_nothing_and_warn_finds_what_deny_finds() {
    let everything = json!({ "status": "offboarded", "expires": "2020-01-01", "environment": "staging",
        "rotated": "2020-01-01", "workloads": "spiffe://example.org/a" });
    let known = registered(&everything);
    let how = Use {
        expires: None,
        browser: true,
        ..quiet()
    };
    for known in [Some(&known), None] {
        let at = |level: &str| found(&all(level), known, &how);
        assert_eq!(at("off"), []);
        let codes = |found: Vec<Found>| found.into_iter().map(|it| it.check).collect::<Vec<_>>();
        assert!(at("warn").iter().all(|found| found.level == Level::Warn));
        assert!(at("deny").iter().all(|found| found.level == Level::Deny));
        assert_eq!(codes(at("warn")), codes(at("deny")));
        assert_eq!(at("deny").len(), if known.is_some() { 8 } else { 4 });
    }
}

#[test]
fn off_boarded_decides_before_expired() {
    let gone = registered(&json!({ "status": "offboarded", "expires": "2020-01-01" }));
    let found = Lifecycle::default().of_identity(&gone, None, now());
    let order: Vec<Check> = found.iter().map(|found| found.check).collect();
    assert_eq!(order, [Check::Offboarded, Check::Expired]);
}

fn level() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("off"), Just("warn"), Just("deny")]
}

fn raised(level: &str) -> impl Strategy<Value = &'static str> + use<> {
    match level {
        "off" => prop_oneof![Just("off"), Just("warn"), Just("deny")].boxed(),
        "warn" => prop_oneof![Just("warn"), Just("deny")].boxed(),
        _ => Just("deny").boxed(),
    }
}

proptest! {
    /// Whatever the settings and the identity: with stricter levels, what denied still denies and nothing is lost.
    #[test]
    fn raising_a_level_never_turns_a_denial_into_an_allow(
        levels in prop::collection::vec(level(), 9).prop_flat_map(|low| {
            let high: Vec<_> = low.iter().map(|level| raised(level)).collect();
            (Just(low), high)
        }),
        status in prop_oneof![Just("active"), Just("suspended"), Just("offboarded")],
        expired in any::<bool>(), overdue in any::<bool>(), elsewhere in any::<bool>(), bound in any::<bool>(),
        known in any::<bool>(), browser in any::<bool>(), long in any::<bool>(), proof in any::<bool>(),
    ) {
        let settings = |levels: &[&str]| lifecycle(&json!({
            "unregistered": levels[0], "standing": levels[1], "expired": levels[2], "rotation": levels[3],
            "token_lifetime": levels[4], "environment": levels[5], "workload": levels[6], "browser": levels[7],
            "proof": levels[8],
        }));
        let mut entry = json!({ "status": status });
        let mut put = |is: bool, key: &str, value: &str| if is { entry[key] = json!(value); };
        put(expired, "expires", "2020-01-01");
        put(overdue, "rotated", "2020-01-01");
        put(elsewhere, "environment", "staging");
        put(bound, "workloads", "spiffe://example.org/a");
        let known = known.then(|| registered(&entry));
        let how = Use {
            expires: (!long).then(|| now().plus(std::time::Duration::from_mins(1))),
            browser,
            proof: if proof { Proof::Dpop } else { Proof::None },
            ..quiet()
        };
        let (low, high) = levels;
        let (low, high) = (settings(&low), settings(&high));
        let (low, high) = (found(&low, known.as_ref(), &how), found(&high, known.as_ref(), &how));
        for found in low {
            let now = high.iter().find(|other| other.check == found.check);
            prop_assert!(now.is_some_and(|now| now.level >= found.level), "{found:?} in {high:?}");
        }
    }
}
