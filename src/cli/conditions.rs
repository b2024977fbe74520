//! `countersign conditions`: what is true at the moment, as a running server is told.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Exit;
use super::output::print;
use super::remote::{Remote, RemoteArgs};
use crate::model::name::ConditionName;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  countersign conditions
  countersign conditions set incident true --reason INC-2041 --for 1h
  countersign conditions clear incident --reason 'INC-2041 is over'

A condition that nobody has set is what the file of conditions says, or false. It needs a running server, and whoever sets one has to
be listed in `admin.access`."
)]
pub(super) struct ConditionsArgs {
    #[command(subcommand)]
    verb: Option<ConditionsVerb>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, Subcommand)]
enum ConditionsVerb {
    /// Show every condition: its value, and who has set it, why, and until when.
    List(ListArgs),
    /// Say that a condition is true, or false.
    Set(SetArgs),
    /// Leave a condition to the file of conditions again.
    Clear(ClearArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, Args)]
struct SetArgs {
    /// The condition, as a policy declares it.
    name: String,
    /// `true` or `false`.
    #[arg(action = clap::ArgAction::Set)]
    value: bool,
    /// Why; it is kept, and stands in the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it counts, for example `1h`; without it, until somebody says otherwise.
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Debug, Args)]
struct ClearArgs {
    /// The condition, as a policy declares it.
    name: String,
    /// Why; it is kept, and stands in the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(args: ConditionsArgs) -> Exit {
    let ConditionsArgs { verb, remote } = args;
    match verb {
        None => remote.run(list),
        Some(ConditionsVerb::List(args)) => args.remote.run(list),
        Some(ConditionsVerb::Set(args)) => args.remote.clone().run(|remote| set(args, remote)),
        Some(ConditionsVerb::Clear(args)) => args.remote.clone().run(|remote| clear(args, remote)),
    }
}

async fn list(remote: Remote) -> Result<Exit> {
    let said = remote.get("/conditions").await?;
    if remote.json {
        print(format_args!("{:#}\n", said.body));
        return Ok(Exit::Ok);
    }
    print(table(&said.body));
    Ok(Exit::Ok)
}

async fn set(args: SetArgs, remote: Remote) -> Result<Exit> {
    let SetArgs {
        name,
        value,
        reason,
        lasts,
        remote: _,
    } = args;
    let mut body = json!({ "value": value, "reason": reason });
    if let (Some(lasts), Some(body)) = (lasts, body.as_object_mut()) {
        body.insert("expires".to_owned(), Value::from(lasts));
    }
    let said = remote.put(&path(&name)?, &body).await?;
    told(&remote, &said.body);
    Ok(Exit::Ok)
}

async fn clear(args: ClearArgs, remote: Remote) -> Result<Exit> {
    let ClearArgs {
        name,
        reason,
        remote: _,
    } = args;
    let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let said = remote.delete(&path(&name)?, &body).await?;
    told(&remote, &said.body);
    Ok(Exit::Ok)
}

/// The path of a condition. A name that would be another path is none.
fn path(name: &str) -> Result<String> {
    let name = ConditionName::new(name)?;
    Ok(format!("/conditions/{name}"))
}

/// What was done.
fn told(remote: &Remote, body: &Value) {
    if remote.json {
        print(format_args!("{body:#}\n"));
        return;
    }
    let text = |member: &str| plain(body.get(member));
    let line = match text("result").as_str() {
        "cleared" => format!("`{}` is left to the file of conditions again", text("name")),
        value => format!("`{}` is {value}", text("name")),
    };
    let until = body.get("expires").is_some_and(Value::is_string);
    let until = until.then(|| format!(" until {}", text("expires")));
    print(format_args!("{line}{}\n", until.unwrap_or_default()));
}

fn table(body: &Value) -> String {
    let head = ["CONDITION", "VALUE", "FILE", "SET BY", "UNTIL", "REASON"];
    let mut rows = vec![head.map(str::to_owned)];
    let conditions = body.get("conditions").and_then(Value::as_array);
    rows.extend(conditions.into_iter().flatten().map(|condition| {
        let of = |member: &str| plain(condition.get(member));
        let set = |member: &str| plain(condition.pointer(&format!("/set/{member}")));
        [
            of("name"),
            of("value"),
            of("file"),
            set("by"),
            set("expires"),
            set("reason"),
        ]
    }));
    columns(&rows)
}

/// What the server says, in one line and without anything that moves a cursor.
fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.escape_debug().to_string(),
        Some(other) => other.to_string(),
    }
}

/// Rows as columns, each as wide as its widest cell.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}
