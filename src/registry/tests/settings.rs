//! The `lifecycle` section: words, maps, and what is wrong with them.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::model::lifecycle::Level;
use crate::model::route::Tier;
use crate::registry::{Lifecycle, LifecycleSpec};

fn compile(section: &Json) -> Result<(Lifecycle, Vec<String>), Vec<String>> {
    let spec: LifecycleSpec =
        serde_json::from_value(section.clone()).map_err(|error| vec![error.to_string()])?;
    let shown = |findings: Vec<crate::model::finding::Finding>| -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    };
    Lifecycle::compile(spec)
        .map(|(lifecycle, warnings)| (lifecycle, shown(warnings)))
        .map_err(shown)
}

fn sound(section: &Json) -> Lifecycle {
    let (lifecycle, warnings) = compile(section).unwrap();
    assert_eq!(warnings, [""; 0]);
    lifecycle
}

#[test]
fn without_a_section_a_life_that_is_over_is_refused_and_the_rest_warns() {
    let default = sound(&json!({}));
    assert_eq!(default, Lifecycle::default());
    let denied = [
        default.standing,
        default.expired,
        default.environment,
        default.workload,
    ];
    assert_eq!(denied, [Level::Deny; 4]);
    let warned = [
        default.unregistered,
        default.rotation,
        default.token_lifetime,
        default.browser,
        default.proof,
    ];
    assert_eq!(warned, [Level::Warn; 5]);
    assert_eq!(default.max_age, Duration::from_hours(90 * 24));
    assert_eq!(default.max_lifetime, Duration::from_hours(1));
    assert_eq!(default.tiers, [Tier::Critical]);
}

#[test]
fn a_check_with_settings_is_a_word_or_a_map() {
    let word = sound(&json!({ "rotation": "deny", "token_lifetime": "off", "proof": "deny" }));
    assert_eq!(
        (word.rotation, word.token_lifetime, word.proof),
        (Level::Deny, Level::Off, Level::Deny)
    );
    assert_eq!(word.max_age, Duration::from_hours(90 * 24));
    let map = sound(&json!({
        "rotation": { "max_age": "30d" },
        "token_lifetime": { "check": "deny", "max": "10m" },
        "proof": { "check": "deny", "tiers": ["high", "critical"] },
    }));
    assert_eq!(
        (map.rotation, map.max_age),
        (Level::Warn, Duration::from_hours(30 * 24))
    );
    assert_eq!(
        (map.token_lifetime, map.max_lifetime),
        (Level::Deny, Duration::from_mins(10))
    );
    assert_eq!(map.tiers, [Tier::High, Tier::Critical]);
}

#[test]
fn what_is_no_level_no_tier_or_no_key_is_refused() {
    for section in [
        json!({ "browser": "refuse" }),
        json!({ "browser": true }),
        json!({ "rotation": "never" }),
        json!({ "rotation": { "check": "warn", "age": "1d" } }),
        json!({ "rotations": "warn" }),
    ] {
        assert!(compile(&section).is_err(), "{section}");
    }
    let tiers = compile(&json!({ "proof": { "tiers": ["high", "higher"] } })).unwrap_err();
    assert_eq!(tiers.len(), 1);
    assert!(tiers[0].starts_with("proof.tiers[1]: `higher` is not a tier"));
    let none = compile(&json!({ "proof": { "tiers": [] } })).unwrap_err();
    assert!(none[0].starts_with("proof.tiers: "), "{none:?}");
}

#[test]
fn whoever_lets_a_life_that_is_over_in_is_told_so() {
    for (key, level) in [
        ("standing", "off"),
        ("standing", "warn"),
        ("expired", "off"),
        ("expired", "warn"),
    ] {
        let (_, warnings) = compile(&json!({ key: level })).unwrap();
        assert_eq!(warnings.len(), 1, "{key} {level}");
        assert!(warnings[0].starts_with(&format!("{key}: ")), "{warnings:?}");
    }
}
