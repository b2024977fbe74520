//! `countersign approvals show`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::super::Exit;
use super::super::output::print;
use super::super::remote::Remote;
use super::One;
use super::text::{at, canonical, party, plain, requester, resource};
use crate::model::approval::ApprovalId;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    one: One,
}

pub(super) fn run(args: &ShowArgs) -> Exit {
    let One { id, remote } = &args.one;
    remote.run(|remote| show(id, remote))
}

async fn show(id: &ApprovalId, remote: Remote) -> Result<Exit> {
    let approval = remote.get(&format!("/approvals/{id}")).await?.body;
    if remote.json {
        print(format_args!("{approval:#}\n"));
    } else {
        print(described(&approval));
    }
    Ok(Exit::Ok)
}

/// All that is known, a line each; what was asked for last, as it may be long.
fn described(approval: &Value) -> String {
    let mut lines = Lines(String::new());
    lines.add("id", at(approval, "/id"));
    lines.add("status", status(approval));
    lines.add("who asks", requester(approval));
    for (name, pointer) in [
        ("owner", "/requester/subject/owner"),
        ("actor's owner", "/requester/actor/owner"),
    ] {
        lines.known(name, at(approval, pointer));
    }
    lines.known("proof", at(approval, "/proof"));
    lines.add(
        "action",
        format!("{} ({})", at(approval, "/action"), at(approval, "/tier")),
    );
    lines.known("calls", at(approval, "/call/operation"));
    lines.add("route", at(approval, "/route"));
    lines.known("tenant", at(approval, "/tenant"));
    lines.known("resource", resource(approval));
    // Not all of these is part of what is approved.
    lines.known("first asked as", at(approval, "/call/request"));
    lines.known("first from", at(approval, "/call/workload"));
    lines.known("risk", at(approval, "/risk"));
    for from in list(approval, "/demand/from") {
        lines.add("needs", plain(from.as_str().unwrap_or_default()));
    }
    lines.add("rules", names(approval, "/demand/rules"));
    lines.add("bound to", names(approval, "/demand/bind"));
    for vote in list(approval, "/votes") {
        lines.add("vote", said(vote));
    }
    for spent in list(approval, "/spent") {
        lines.add(
            "used",
            format!(
                "{} by decision {}",
                at(spent, "/at"),
                at(spent, "/decision")
            ),
        );
    }
    lines.known("over because", at(approval, "/ended_because"));
    for before in list(approval, "/before") {
        lines.add(
            "before",
            format!(
                "{} {} {} {}",
                at(before, "/decided"),
                at(before, "/status"),
                at(before, "/id"),
                resource(before)
            ),
        );
    }
    lines.known("body (SHA-256)", at(approval, "/call/body_sha256"));
    for name in ["params", "query", "rest", "arguments"] {
        let text = approval
            .pointer(&format!("/call/{name}"))
            .and_then(Value::as_str);
        for line in text.map(canonical).unwrap_or_default() {
            lines.add(name, line);
        }
    }
    lines.0
}

/// Lines of a name and a text.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, text: impl AsRef<str>) {
        let line = format!("{name:<14} {}\n", text.as_ref());
        self.0.push_str(&line);
    }

    /// Leaves out what is not known.
    fn known(&mut self, name: &str, text: String) {
        if text != "-" {
            self.add(name, text);
        }
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn names(value: &Value, pointer: &str) -> String {
    let names = list(value, pointer).iter().filter_map(Value::as_str);
    names.map(plain).collect::<Vec<_>>().join(", ")
}

fn status(approval: &Value) -> String {
    let status = at(approval, "/status");
    match status.as_str() {
        "pending" => format!("pending until {}", at(approval, "/pending_until")),
        "approved" => format!(
            "approved until {}, {} of {} uses left",
            at(approval, "/valid_until"),
            at(approval, "/uses_left"),
            at(approval, "/uses")
        ),
        _ => status,
    }
}

/// What an approver said.
fn said(vote: &Value) -> String {
    let word = if vote.get("approve") == Some(&Value::Bool(true)) {
        "yes"
    } else {
        "no"
    };
    let mut text = format!(
        "{word} from {} at {}",
        party(vote.get("voter")),
        at(vote, "/at")
    );
    let reason = at(vote, "/reason");
    if reason != "-" {
        text.push_str(": ");
        text.push_str(&reason);
    }
    text
}
