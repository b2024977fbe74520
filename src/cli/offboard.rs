//! `countersign offboard`: somebody leaves, and everything that they can do ends, on every replica.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use anyhow::Result;
use clap::Args;
use serde_json::{Value as Json, json};

use super::Exit;
use super::output::{counted, print};
use super::propagation::{Wait, list, text, wait_for};
use super::remote::{Remote, RemoteArgs};
use crate::tools::shown;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign offboard crm-bot                        # a registered identity, at every provider that has it
  countersign offboard corp/alice --reason 'left'     # a person, or an identity that is not registered
  countersign offboard ana@example.com                # an owner, with everybody whom they answer for

It revokes the identities in every role, revokes their API keys, ends approvals that they asked for or gave, and says when each
replica had it. Identities come back with `countersign revoke subject ID --issuer PROVIDER --lift`, and the same for `actor` and
`owner`; keys and approvals do not.

Exit status: 0 when every replica enforces it, 1 if one did not say so in time, or it was refused.")]
pub(super) struct OffboardArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    wait: Wait,
    /// An id, `PROVIDER/ID`, or an owner.
    who: String,
    /// It is an owner, also where nobody is registered for them.
    #[arg(long)]
    owner: bool,
    /// Why, for whoever looks at it later.
    #[arg(long, default_value = "")]
    reason: String,
}

pub(super) fn run(args: OffboardArgs) -> Exit {
    let OffboardArgs {
        remote,
        wait,
        who,
        owner,
        reason,
    } = args;
    let body = if owner {
        json!({ "owner": who, "reason": reason })
    } else {
        json!({ "who": who, "reason": reason })
    };
    remote.run(async |remote| send(remote, &body, wait).await)
}

async fn send(remote: Remote, body: &Json, wait: Wait) -> Result<Exit> {
    let said = remote.post("/offboard", body).await?.body;
    let reached = wait_for(&remote, &said, wait).await?;
    if remote.json {
        let whole = reached.join(said);
        print(format_args!("{whole:#}\n"));
        return Ok(reached.exit());
    }
    let name = shown(text(&said, "offboarded"));
    let (revoked, keys, approvals) = (
        list(&said, "revoked"),
        list(&said, "api_keys"),
        list(&said, "approvals"),
    );
    eprintln!(
        "off-boarded {name}: {}, {}, {}",
        counted(revoked.len(), "revocation"),
        counted(keys.len(), "API key"),
        counted(approvals.len(), "approval"),
    );
    let named = [
        ("revoked", revoked),
        ("API key", keys),
        ("approval", approvals),
    ];
    for (what, items) in named {
        for item in items.iter().filter_map(Json::as_str) {
            eprintln!("  {what} {}", shown(item));
        }
    }
    reached.say();
    Ok(reached.exit())
}
