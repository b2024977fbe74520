//! `countersign revoke` and `countersign revocations`: what is not good any more, on every replica.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use anyhow::Result;
use clap::Args;
use serde_json::{Value as Json, json};

use super::Exit;
use super::output::print;
use super::propagation::{Wait, list, text, wait_for};
use super::remote::{Remote, RemoteArgs};
use crate::model::revocation::Target;
use crate::tools::shown;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign revoke subject alice --issuer corp --not-before now    # every token that she has; new ones work
  countersign revoke actor crm-bot --issuer corp --reason 'acts up'  # in whatever chain, until it is lifted
  countersign revoke actor crm-bot --issuer corp --lift
  countersign revoke token 7c9e6679-7425-40de --issuer corp          # one token, by its `jti`
  countersign revoke spiffe_prefix spiffe://example.org/ci
  countersign revoke issuer corp --not-before 2026-11-21T22:00:00Z   # whatever was issued until then

Exit status: 0 when every replica enforces it, 1 if one did not say so in time, or it was refused.")]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    wait: Wait,
    /// What it is.
    #[arg(value_parser = Target::KINDS)]
    kind: String,
    /// Its name: an id, a thumbprint, an owner, a provider.
    value: String,
    /// The provider that it belongs to: that of tokens, subjects, actors, clients, sessions and keys.
    #[arg(long, value_name = "PROVIDER")]
    issuer: Option<String>,
    /// Only what was issued until this moment: `now`, or `2026-11-21T22:00:00Z`. It is never taken back.
    #[arg(long, value_name = "TIME", conflicts_with = "lift")]
    not_before: Option<String>,
    /// When the token expires that is named: nobody needs to remember it for longer.
    #[arg(long, value_name = "TIME", conflicts_with = "lift")]
    token_expires: Option<String>,
    /// Lift what was blocked, instead.
    #[arg(long)]
    lift: bool,
    /// Why, for whoever looks at it later.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign revocations
  countersign revocations --json | jq '.revocations[] | select(.state == \"blocked\")'")]
pub(super) struct RevocationsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(args: RevokeArgs) -> Exit {
    let RevokeArgs {
        remote,
        wait,
        kind,
        value,
        issuer,
        not_before,
        token_expires,
        lift,
        reason,
    } = args;
    let body = if lift {
        json!({ "kind": kind, "issuer": issuer, "value": value, "reason": reason })
    } else {
        json!({
            "kind": kind, "issuer": issuer, "value": value, "reason": reason,
            "not_before": not_before, "token_expires": token_expires,
        })
    };
    let path = if lift {
        "/revocations/lift"
    } else {
        "/revocations"
    };
    let word = if lift { "lifted" } else { "revoked" };
    remote.run(async |remote| send(remote, path, &body, word, wait).await)
}

async fn send(remote: Remote, path: &str, body: &Json, word: &str, wait: Wait) -> Result<Exit> {
    let said = remote.post(path, body).await?.body;
    let reached = wait_for(&remote, &said, wait).await?;
    if remote.json {
        let whole = reached.join(said);
        print(format_args!("{whole:#}\n"));
    } else {
        let entry = said.get("revocation").unwrap_or(&Json::Null);
        let text = |name: &str| shown(text(entry, name));
        let issuer = match text("issuer") {
            none if none.is_empty() => none,
            issuer => format!("{issuer}/"),
        };
        let kind = text("kind");
        eprintln!("{word} {kind} {issuer}{}: {}", text("value"), text("state"));
        reached.say();
    }
    Ok(reached.exit())
}

pub(super) fn show(args: &RevocationsArgs) -> Exit {
    args.remote.run(async |remote| listed(remote).await)
}

async fn listed(remote: Remote) -> Result<Exit> {
    let said = remote.get("/revocations").await?.body;
    if remote.json {
        print(format_args!("{said:#}\n"));
        return Ok(Exit::Ok);
    }
    let entries = list(&said, "revocations");
    for entry in entries {
        let text = |name: &str| match text(entry, name) {
            "" => "-".to_owned(),
            text => shown(text),
        };
        print(format_args!(
            "{}  {:8} {:13} {}  {}  until {}  by {}: {}\n",
            text("at"),
            text("state"),
            text("kind"),
            text("issuer"),
            text("value"),
            text("not_before"),
            text("by"),
            text("reason"),
        ));
    }
    let total = said.get("total").and_then(Json::as_u64).unwrap_or_default();
    if total > entries.len() as u64 {
        eprintln!("the newest {} of {total}", entries.len());
    }
    Ok(Exit::Ok)
}
