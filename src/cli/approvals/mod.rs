//! `countersign approvals`: what waits for somebody's word, asked of a running server and decided there.

mod decide;
mod list;
mod show;
mod text;
mod wait;

use clap::{Args, Subcommand};

use super::Exit;
use super::remote::RemoteArgs;
use crate::model::approval::{ApprovalId, ApprovalIdError};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export COUNTERSIGN_TOKEN=…                    # an access token that the server's `approvals` providers take
  countersign approvals list --status pending
  countersign approvals show apr_Yk0wSf1zHfA3bWq7uJm2XQ
  countersign approvals approve apr_Yk0wSf1zHfA3bWq7uJm2XQ --reason 'ticket OPS-1401'
  countersign approvals wait apr_Yk0wSf1zHfA3bWq7uJm2XQ --timeout 10m

Each is an action under policy: `approvals.list`, `approvals.read`, `approvals.approve`, `approvals.deny`, `approvals.revoke`. Whoever \
asked for an approval needs no permit to `wait` for it or to `cancel` it, with the credential of the call.")]
pub(super) struct ApprovalsArgs {
    #[command(subcommand)]
    verb: ApprovalsVerb,
}

#[derive(Debug, Subcommand)]
enum ApprovalsVerb {
    /// List approvals, newest first.
    List(list::ListArgs),
    /// Show one: who asks for what exactly, and what was said about it.
    Show(show::ShowArgs),
    /// Say yes.
    Approve(decide::DecideArgs),
    /// Say no, which is final.
    Deny(decide::DecideArgs),
    /// End one that was approved, or that waits.
    Revoke(decide::DecideArgs),
    /// Take back what you have asked for.
    Cancel(decide::DecideArgs),
    /// Wait until it is decided.
    Wait(wait::WaitArgs),
}

/// Which approval, on which server.
#[derive(Debug, Args)]
struct One {
    /// The approval: `apr_` and 22 characters.
    #[arg(value_parser = id)]
    id: ApprovalId,
    #[command(flatten)]
    remote: RemoteArgs,
}

fn id(text: &str) -> Result<ApprovalId, ApprovalIdError> {
    ApprovalId::parse(text)
}

pub(super) fn run(args: ApprovalsArgs) -> Exit {
    match args.verb {
        ApprovalsVerb::List(args) => list::run(&args),
        ApprovalsVerb::Show(args) => show::run(&args),
        ApprovalsVerb::Approve(args) => decide::run(args, "approve"),
        ApprovalsVerb::Deny(args) => decide::run(args, "deny"),
        ApprovalsVerb::Revoke(args) => decide::run(args, "revoke"),
        ApprovalsVerb::Cancel(args) => decide::run(args, "cancel"),
        ApprovalsVerb::Wait(args) => wait::run(&args),
    }
}
