//! `countersign approvals approve`, `deny`, `revoke` and `cancel`.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::output::print;
use super::super::remote::Remote;
use super::One;
use super::text::at;
use crate::model::approval::ApprovalId;

#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    #[command(flatten)]
    one: One,
    /// Why; some rules ask for it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn run(args: DecideArgs, verb: &'static str) -> Exit {
    let DecideArgs {
        one: One { id, remote },
        reason,
    } = args;
    remote.run(|remote| decide(id, verb, reason, remote))
}

async fn decide(
    id: ApprovalId,
    verb: &'static str,
    reason: Option<String>,
    remote: Remote,
) -> Result<Exit> {
    let path = format!("/approvals/{id}/{verb}");
    let said = remote.post(&path, &json!({ "reason": reason })).await?.body;
    if remote.json {
        print(format_args!("{said:#}\n"));
    } else {
        print(format_args!("{}\n", at(&said, "/status")));
        eprintln!("{}", words(&said));
    }
    Ok(Exit::Ok)
}

/// What that means.
fn words(said: &Value) -> String {
    let id = at(said, "/id");
    if said.get("position") == Some(&Value::Null) {
        return format!("{id}: you have said so before");
    }
    match at(said, "/status").as_str() {
        "pending" => format!("{id}: your word counts, and others have to say yes too"),
        "approved" => format!(
            "{id}: good for {} until {}",
            uses(said),
            at(said, "/valid_until")
        ),
        _ => format!("{id}: nobody passes with it any more"),
    }
}

fn uses(said: &Value) -> String {
    match said.get("uses_left").and_then(Value::as_u64) {
        Some(1) | None => "one use".to_owned(),
        Some(uses) => format!("{uses} uses"),
    }
}
