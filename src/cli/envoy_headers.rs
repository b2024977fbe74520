//! `countersign check --envoy-headers`: the list of request headers that Envoy has to send.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::output::{counted, print};
use crate::config::{Bundle, Line, Located};
use crate::doctor::{By, HeaderName, Need, RequestHeaders};

/// Prints the list as Envoy's configuration writes it: data on standard output, words about it on standard error.
pub(super) fn show(config: &Path, bundle: &Bundle) {
    let headers = RequestHeaders::of(bundle);
    let located = Located::of(bundle);
    if let Some(need) = headers.computed().first() {
        eprintln!(
            "every header is needed: {}{}\nleave `allowed_headers` out, and Envoy sends them all",
            need.why,
            place(need, &located).map_or_else(String::new, |at| format!(" ({})", written(at))),
        );
        return;
    }
    print(as_yaml(config, &headers));
    eprintln!(
        "{} for `allowed_headers` of the ext_authz filter; without that list Envoy sends every header\n\
         what `disallowed_headers` matches is not sent all the same: `countersign doctor` compares both lists with what is needed",
        counted(headers.iter().count(), "pattern"),
    );
}

fn as_yaml(config: &Path, headers: &RequestHeaders) -> String {
    let mut text = format!(
        "# The request headers that {} needs, and what for (countersign check --envoy-headers).\n\
         allowed_headers:\n  patterns:\n",
        config.display()
    );
    for (name, needs) in headers.iter() {
        let first = needs.first().map_or("", |need| &*need.why);
        let more = match needs.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        // Text cannot fail to be written to.
        let _written = writeln!(
            text,
            "  - {:<56}# {first}{more}",
            name.written_pattern() + " "
        );
    }
    text
}

/// The same with everybody who reads each header, and where that is written.
pub(super) fn as_json(bundle: &Bundle) -> Value {
    let headers = RequestHeaders::of(bundle);
    let located = Located::of(bundle);
    let needs = |needs: &BTreeSet<Need>| -> Value {
        let all = needs.iter().map(|need| need_json(need, &located));
        all.collect()
    };
    let listed = headers.iter().map(|(name, read)| {
        json!({ "header": name.to_string(), "pattern": name.pattern(), "needed": needs(read) })
    });
    let patterns = headers.iter().map(|(name, _)| HeaderName::pattern(name));
    let computed = headers.computed();
    let allowed = computed
        .is_empty()
        .then(|| json!({ "patterns": patterns.collect::<Value>() }));
    json!({
        "allowed_headers": allowed,
        "headers": listed.collect::<Value>(),
        "every_header": needs(computed),
    })
}

fn need_json(need: &Need, located: &Located) -> Value {
    let Need { by, why, decides } = need;
    let (kind, name) = match by {
        By::Check => ("check", None),
        By::Setting(name) => ("setting", Some((*name).to_owned())),
        By::Provider(name) => ("provider", Some(name.to_string())),
        By::Route(id) => ("route", Some(id.to_string())),
        By::Rule(id) => ("rule", Some(id.to_string())),
        By::Signal(id) => ("signal", Some(id.to_string())),
    };
    let at = place(need, located);
    json!({
        "by": kind,
        "name": name,
        "why": why,
        "decides": decides,
        "file": at.map(|at| at.file.display().to_string()),
        "line": at.map(|at| at.line),
    })
}

fn place<'a>(need: &Need, located: &'a Located) -> Option<&'a Line> {
    match &need.by {
        By::Check | By::Setting(_) => None,
        By::Provider(name) => located.provider(name),
        By::Route(id) => located.route(id),
        By::Rule(id) => located.rule(id),
        By::Signal(id) => located.signal(id),
    }
}

fn written(at: &Line) -> String {
    format!("{}:{}", at.file.display(), at.line)
}
