//! `/config_dump` of an Envoy 1.40 to which everything was delivered: `dumps/discovered.json` has its listener, filter, routes and clusters
//! in sections of their own, and `failure_mode_allow: true` in the filter.

use std::path::Path;

use countersign::doctor::{Trap, examine};
use serde_json::Value;

use super::traps::NEEDS;

const DISCOVERED: &str = include_str!("dumps/discovered.json");

/// Code and path of all that is found in a dump without some of its sections.
fn without(sections: &[&str], text: &str, allowed: &[Trap]) -> Vec<(String, String)> {
    let mut dump: Value = serde_json::from_str(text).unwrap();
    let configs = dump["configs"].as_array_mut().unwrap();
    configs.retain(|config| {
        let of = config["@type"].as_str().unwrap();
        !sections.iter().any(|section| of.ends_with(section))
    });
    let examined = examine(Path::new("dump"), &dump.to_string(), &NEEDS, allowed).unwrap();
    let problems = examined.problems.as_slice().iter();
    problems
        .map(|problem| (problem.code.to_owned(), problem.path.clone()))
        .collect()
}

fn codes(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(code, _)| code.as_str()).collect()
}

#[test]
fn sections_are_joined_by_name() {
    let path = "configs[2].ecds_filters[0].ecds_filter.typed_config.failure_mode_allow";
    let found = without(&[], DISCOVERED, &[]);
    assert_eq!(found, [("failure-mode-allow".to_owned(), path.to_owned())]);
    let sound = DISCOVERED.replace(
        "\"failure_mode_allow\": true",
        "\"failure_mode_allow\": false",
    );
    assert_eq!(without(&[], &sound, &[]), []);
    // Envoy shows that a route is named and not which: then any may be meant.
    assert!(sound.contains("\"route\": \"[redacted]\""));
    let renamed = sound.replace("\"route\": \"[redacted]\"", "\"route\": \"tolls\"");
    let found = without(&[], &renamed, &[]);
    assert_eq!(codes(&found), ["route-never-named", "unknown-route-id"]);
}

#[test]
fn what_is_not_in_the_dump_is_said() {
    for (section, code) in [
        ("RoutesConfigDump", "unseen-routes"),
        ("EcdsConfigDump", "unseen-filter"),
        ("ClustersConfigDump", "unseen-cluster"),
    ] {
        let found = without(&[section], DISCOVERED, &[Trap::FailureModeAllow]);
        assert!(codes(&found).contains(&code), "{section}: {found:?}");
        // Nothing is said to be missing that may be in what was not seen.
        let known = ["failure-mode-allow", code, "unused-per-route"];
        assert!(
            codes(&found).iter().all(|code| known.contains(code)),
            "{section}: {found:?}"
        );
    }
    let found = without(&["ListenersConfigDump"], DISCOVERED, &[]);
    assert_eq!(codes(&found), ["nothing-to-examine", "unseen-listeners"]);
}
