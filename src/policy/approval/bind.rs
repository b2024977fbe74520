//! `bind`: what of a call an approval is bound to, against what an action has.

use std::sync::Arc;

use super::compile::sorted;
use super::{Bind, Wanted};
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::route::{Action, Operation};
use crate::model::suggest::suggest;

/// Whole parts of a call.
const PARTS: [&str; 4] = ["args", "params", "query", "body"];

/// A name, and where it stands among those that are written.
pub(super) type Placed = (Arc<str>, Option<usize>);

/// Names as they are written, and where each stands; what a name means is seen on each action.
pub(super) fn compile(
    written: &OneOrMany<String>,
    findings: &mut Vec<Finding>,
) -> (Bind, Vec<Placed>) {
    if written.items().is_empty() {
        let finding = Finding::error(
            "empty-list",
            "the approval would be good for any call of the action",
        );
        let help = "name what approvers approve, for example `bind: [args.segment]`; without `bind` it is all of the call";
        findings.push(finding.help(help).under("bind"));
    }
    let mut places = Vec::new();
    for (index, text) in written.items().iter().enumerate() {
        let part = text.split_once('.').map_or(text.as_str(), |(part, _)| part);
        let member = text.split_once('.').map(|(_, member)| member);
        if !PARTS.contains(&part) || member == Some("") || (part == "body" && member.is_some()) {
            let finding = Finding::error(
                "unknown-name",
                format!("an approval cannot be bound to `{text}`"),
            );
            let help = suggest(part, PARTS).filter(|near| *near != part);
            let help = help.map_or_else(
                || {
                    "write `args`, `params`, `query` or `body`, or a member like `args.segment`"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            findings.push(written.place(index, finding.help(help)).under("bind"));
        }
        places.push((Arc::from(text.as_str()), written.index(index)));
    }
    let names: Vec<Arc<str>> = places.iter().map(|(name, _)| Arc::clone(name)).collect();
    let bind = Bind {
        everything: false,
        names: sorted(&names),
    };
    (bind, places)
}

impl Wanted {
    /// What is named and not there on this action; paths are relative to the approval.
    pub(in crate::policy) fn check_on(&self, action: &Action) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, index) in &self.places {
            if let Some(finding) = missing_on(action, name) {
                let finding = match index {
                    Some(index) => finding.under(*index),
                    None => finding,
                };
                findings.push(finding.under("bind"));
            }
        }
        findings
    }
}

fn missing_on(action: &Action, name: &str) -> Option<Finding> {
    let (part, member) = match name.split_once('.') {
        Some((part, member)) => (part, Some(member)),
        None => (name, None),
    };
    let of_mcp = |operation: &Operation| matches!(operation, Operation::Mcp(_));
    let is_mcp = action.operations.iter().any(of_mcp);
    let names: Vec<&str> = match part {
        "args" => action.args.keys().map(AsRef::as_ref).collect(),
        "params" => action.params.keys().map(AsRef::as_ref).collect(),
        "query" => action.query.keys().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    let finding = |message: String| Finding::error("unknown-name", message);
    match (part, member) {
        ("body", _) if is_mcp => {
            Some(finding("a message has no body of its own".to_owned()).help("write `args`"))
        }
        // A tool may take arguments that nobody declared; what an HTTP action does not declare is not read.
        ("args", None) if names.is_empty() && !is_mcp => Some(
            finding("the action declares no arguments".to_owned())
                .help("write `body`, or declare them under `args`"),
        ),
        ("params", None) if names.is_empty() => {
            let help = "leave it out, or bind to `args` or `query`";
            Some(finding("the action has no path parameters".to_owned()).help(help))
        }
        (_, None) => None,
        (_, Some(member)) if names.contains(&member) => None,
        (part, Some(member)) => {
            let finding = finding(format!("the action declares no `{part}.{member}`"));
            Some(match suggest(member, names.iter().copied()) {
                Some(near) => finding.help(format!("did you mean `{part}.{near}`?")),
                None if names.is_empty() => finding.help(format!(
                    "declare it under `{part}`, or write `{part}` for all of it"
                )),
                None => finding.help(format!("it declares: {}", names.join(", "))),
            })
        }
    }
}

impl Bind {
    /// Whether arguments or a body are among it, so that they have to be known.
    pub fn takes_content(&self) -> bool {
        let content = |name: &Arc<str>| name.starts_with("args") || &**name == "body";
        self.everything || self.names.iter().any(content)
    }

    /// The query parameters that are named one by one: a second value of one would not be part of what is approved.
    pub(in crate::policy) fn query_names(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .filter_map(|name| name.strip_prefix("query."))
    }

    /// The members of a part that are named one by one.
    pub(super) fn members<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.names.iter();
        names.filter_map(move |name| name.strip_prefix(part)?.strip_prefix('.'))
    }

    /// Whether all of a part is bound.
    pub(super) fn covers(&self, part: &str) -> bool {
        self.everything || self.names.iter().any(|name| &**name == part)
    }
}
