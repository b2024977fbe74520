//! What an answer may change, against what policies change.

use std::collections::BTreeSet;

use super::at::At;
use super::examine::Examination;
use super::matcher;
use super::trap::Trap;

/// Headers that decide where a request goes; without `allow_all_routing` nobody changes them.
const ROUTING: [&str; 4] = ["host", ":authority", ":scheme", ":method"];

/// Examines the rules of a filter.
pub(super) fn examine(config: &At<'_>, examination: &mut Examination<'_, '_>) {
    let Some(rules) = config.get("decoder_header_mutation_rules") else {
        return examination.report.add(
            Trap::NoMutationRules,
            &config.there("decoder_header_mutation_rules"),
            "an answer may change any header, pseudo headers and Envoy's own among them",
            "write `decoder_header_mutation_rules: { disallow_system: true, disallow_is_error: true }`",
        );
    };
    loose(&rules, examination);
    let needs = examination.needs;
    let changed: BTreeSet<&String> = needs.set.union(&needs.stripped).collect();
    let forbidden: Vec<String> = changed
        .into_iter()
        .filter(|name| !allows(&rules, name))
        .map(|name| format!("`{name}`"))
        .collect();
    let message = match forbidden.as_slice() {
        [] if rules.is("disallow_all") && rules.get("allow_expression").is_none() => {
            "an answer may change no header at all, so no client's own identity header is removed"
                .to_owned()
        }
        [] => return,
        names => format!(
            "the rules forbid what policies change: {}",
            names.join(", ")
        ),
    };
    let help = "allow the headers with `allow_expression: { regex: … }`, or remove the rule that forbids them";
    examination
        .report
        .add(Trap::MutationForbidden, &rules, message, help);
}

fn loose(rules: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    for (field, what) in [
        (
            "allow_all_routing",
            "the host and other headers that decide where a request goes",
        ),
        ("allow_envoy", "Envoy's own headers"),
    ] {
        if rules.is(field) {
            report.add(
                Trap::LooseMutationRules,
                &rules.field(field),
                format!("an answer may change {what}, after the route was chosen"),
                format!("write `{field}: false`"),
            );
        }
    }
    if !rules.is("disallow_is_error") {
        report.add(
            Trap::LooseMutationRules,
            &rules.field("disallow_is_error"),
            "a change that the rules forbid is left out without a word: a client's own identity header would stay where it should be removed",
            "write `disallow_is_error: true`",
        );
    }
}

/// What Envoy asks, in its order.
fn allows(rules: &At<'_>, name: &str) -> bool {
    let expression = |field: &str| {
        rules
            .get(field)
            .is_some_and(|regex| matcher::matches(&regex, name))
    };
    if expression("disallow_expression") {
        return false;
    }
    if expression("allow_expression") {
        return true;
    }
    let is_system = name.starts_with(':') || name == "host";
    !(rules.is("disallow_all")
        || rules.is("disallow_system") && is_system
        || name.starts_with("x-envoy-") && !rules.is("allow_envoy")
        || ROUTING.contains(&name) && !rules.is("allow_all_routing"))
}
