//! `countersign test`: the tests of the policies, and which rules they use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::output::{load_or_say, print};
use super::{Exit, TestArgs, cases};
use crate::config::{Bundle, Overrides, PlacedCase};
use crate::ext_authz::now;
use crate::identity::Resources;

pub(super) fn run(args: &TestArgs) -> Exit {
    let TestArgs {
        config,
        filter,
        require_coverage,
        json,
    } = args;
    let bundle = match load_or_say(&config.config, &Overrides::default(), *json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    let selected = |case: &PlacedCase| {
        filter
            .as_ref()
            .is_none_or(|text| case.spec.name.contains(text.as_str()))
    };
    let report = Report::of(bundle, selected);
    if *json {
        print(format_args!("{:#}\n", report.to_json()));
    } else {
        print(report.to_text());
    }
    let uncovered = *require_coverage && !report.unused.is_empty();
    if report.total == 0 {
        match filter {
            Some(text) => eprintln!("no test ran: no test has `{text}` in its name"),
            None => eprintln!(
                "no test ran: add `tests:` to a policy file, or a `*.test.yaml` beside it"
            ),
        }
        return Exit::Failed;
    }
    if report.failures.is_empty() && !uncovered {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

struct Failure {
    name: String,
    place: String,
    differences: Vec<String>,
}

struct Report {
    total: usize,
    failures: Vec<Failure>,
    rules: usize,
    unused: Vec<String>,
}

impl Report {
    fn of(bundle: Bundle, selected: impl Fn(&PlacedCase) -> bool) -> Self {
        let now = now();
        let Bundle {
            cases: placed,
            claims,
            conditions,
            ..
        } = &bundle;
        let (placed, claims, conditions) = (placed.clone(), claims.clone(), conditions.clone());
        let all = bundle.policy.rule_ids();
        let mut snapshot =
            bundle.into_snapshot(now, &Resources::default(), crate::authorizer::Live::none());
        let mut used = BTreeSet::new();
        let mut report = Self {
            total: 0,
            failures: Vec::new(),
            rules: all.len(),
            unused: Vec::new(),
        };
        for case in placed.iter().filter(|case| selected(case)) {
            let ran = cases::run(&case.spec, &mut snapshot, &claims, &conditions, now);
            report.total += 1;
            used.extend(ran.used);
            if !ran.differences.is_empty() {
                let place = format!("{}:{}", case.file.display(), case.position.line);
                report.failures.push(Failure {
                    name: case.spec.name.clone(),
                    place,
                    differences: ran.differences,
                });
            }
        }
        let unused = all.into_iter().filter(|rule| !used.contains(rule));
        report.unused = unused.map(|rule| rule.to_string()).collect();
        report
    }

    fn to_text(&self) -> String {
        let mut lines = Vec::new();
        for Failure {
            name,
            place,
            differences,
        } in &self.failures
        {
            lines.push(format!("FAILED  {name}\n        at {place}"));
            lines.extend(
                differences
                    .iter()
                    .map(|difference| format!("        {difference}")),
            );
        }
        let (passed, failed) = (self.total - self.failures.len(), self.failures.len());
        let used = self.rules - self.unused.len();
        lines.push(format!("{passed} passed, {failed} failed"));
        lines.push(format!("{used} of {} rules used", self.rules));
        if !self.unused.is_empty() {
            lines.push(format!("not used by any test: {}", self.unused.join(", ")));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn to_json(&self) -> Value {
        let failures = self.failures.iter().map(
            |Failure {
                 name,
                 place,
                 differences,
             }| { json!({ "name": name, "at": place, "differences": differences }) },
        );
        json!({
            "passed": self.total - self.failures.len(),
            "failed": self.failures.len(),
            "failures": failures.collect::<Vec<_>>(),
            "coverage": { "rules": self.rules, "used": self.rules - self.unused.len(), "unused": self.unused },
        })
    }
}
