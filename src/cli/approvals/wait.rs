//! `countersign approvals wait`.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::Exit;
use super::super::output::print;
use super::super::remote::{Remote, RemoteError};
use super::One;
use super::text::at;
use crate::model::approval::ApprovalId;
use crate::model::duration::HumanDuration;

/// How long one question may wait for its answer, at the server and here.
const WAIT: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(40);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign approvals wait apr_Yk0wSf1zHfA3bWq7uJm2XQ && ./call-again
  countersign approvals wait apr_Yk0wSf1zHfA3bWq7uJm2XQ --timeout 30s

Exit status: 0 approved (or used already), 3 denied, cancelled or revoked, 4 still pending when the time was up, 6 expired before \
anybody decided or used it, 1 it could not be asked about.")]
pub(super) struct WaitArgs {
    #[command(flatten)]
    one: One,
    /// How long; without it, until it is decided or expires.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<HumanDuration>,
}

pub(super) fn run(args: &WaitArgs) -> Exit {
    let One { id, remote } = &args.one;
    let end = args.timeout.map(|timeout| Instant::now() + timeout.get());
    remote.run(|remote| wait(id, end, remote))
}

async fn wait(id: &ApprovalId, end: Option<Instant>, remote: Remote) -> Result<Exit> {
    let mut told = false;
    let mut failing = false;
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let seconds = left.map_or(WAIT, |left| left.min(WAIT)).as_secs();
        let path = format!("/approvals/{id}/status?wait={seconds}s");
        let pause = left.map_or(PAUSE, |left| left.min(PAUSE));
        match remote.get_within(&path, PATIENCE).await {
            Ok(said) => {
                failing = false;
                if let Some(exit) = decided(&said.body) {
                    return Ok(ended(exit, &said.body, &remote));
                }
                if left.is_some_and(|left| left.is_zero()) {
                    return Ok(ended(Exit::Pending, &said.body, &remote));
                }
                if !told {
                    eprintln!(
                        "{id} is pending until {}; waiting",
                        at(&said.body, "/pending_until")
                    );
                    told = true;
                }
            }
            // A server that restarts is back in a moment.
            Err(error) if passes(&error) && left.is_none_or(|left| !left.is_zero()) => {
                if !failing {
                    eprintln!("{error}; trying again");
                    failing = true;
                }
            }
            Err(error) => return Err(error.into()),
        }
        sleep(pause).await;
    }
}

/// How the verb ends once there is nothing to wait for.
fn decided(said: &Value) -> Option<Exit> {
    match said.get("status").and_then(Value::as_str)? {
        "approved" | "consumed" => Some(Exit::Ok),
        "denied" | "cancelled" | "revoked" => Some(Exit::Denied),
        "expired" => Some(Exit::Expired),
        _ => None,
    }
}

fn ended(exit: Exit, said: &Value, remote: &Remote) -> Exit {
    if remote.json {
        print(format_args!("{:#}\n", json!(said)));
    } else {
        print(format_args!("{}\n", at(said, "/status")));
    }
    exit
}

/// Whether it may be over in a moment.
fn passes(error: &RemoteError) -> bool {
    match error {
        RemoteError::Unheard { .. } => true,
        RemoteError::Refused(refused) => matches!(refused.status, 429 | 503),
        RemoteError::Url(_) | RemoteError::Token | RemoteError::Foreign { .. } => false,
    }
}
