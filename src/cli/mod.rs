//! The verbs of the command line, one file each.
//!
//! Data goes to standard output, words to standard error; every verb has `--json`. Nothing is decided here.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

mod against;
mod approvals;
mod asking;
mod cached;
mod called;
mod cases;
mod check;
mod conditions;
mod describe;
mod doctor;
mod envoy_headers;
mod explain;
mod explained;
mod identities;
mod import;
mod inventory;
mod keys;
mod listed;
mod offboard;
mod output;
mod propagation;
mod remote;
mod revoke;
mod serve;
mod shown;
mod standing;
mod test;
mod version;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Overrides;
use crate::model::duration::HumanDuration;

/// How a verb ends; the numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All is well.
    Ok = 0,
    /// It failed: a test, a listener, a fault; `doctor`: there are errors; `check --against`: the tools differ.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// `explain`: the request is denied; `approvals wait`: it will not be approved.
    Denied = 3,
    /// `approvals wait`: nobody has decided yet.
    Pending = 4,
    /// The configuration cannot be loaded, or what is to be examined cannot be read.
    Invalid = 5,
    /// `approvals wait`: it expired.
    Expired = 6,
}

const EXIT_CODES: &str = "\
Exit status:
  0  all is well (explain: allowed)
  1  it failed (doctor: there are errors; check --against: the tools differ)
  2  the command line makes no sense
  3  explain: denied; approvals wait: denied, cancelled or revoked
  4  approvals wait: still pending
  5  the configuration cannot be loaded, or what is to be examined cannot be read
  6  approvals wait: expired";

/// Decides every API call and every tool call at the moment it is made: an Envoy external-authorization server.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the server.
    Serve(ServeArgs),
    /// Check the configuration and every policy: all problems at once, and warnings.
    Check(check::CheckArgs),
    /// Run the tests that policy files and `*.test.yaml` hold.
    Test(TestArgs),
    /// Say how a request would be decided, and why.
    Explain(Box<explain::ExplainArgs>),
    /// Say what Envoy's configuration lets pass undecided, and what else weakens or breaks decisions.
    Doctor(doctor::DoctorArgs),
    /// List every identity that is registered or was seen: owner, last use, and what was warned.
    Identities(IdentitiesArgs),
    /// Write policies from what others list: the tools of an MCP server.
    Import(import::ImportArgs),
    /// List, show and decide what waits for approval, on a running server.
    Approvals(approvals::ApprovalsArgs),
    /// Issue, list, rotate and revoke API keys.
    Keys(keys::KeysArgs),
    /// Revoke a token, an identity, a key or whatever else a call can name; or lift what was blocked.
    Revoke(revoke::RevokeArgs),
    /// List what is revoked.
    Revocations(revoke::RevocationsArgs),
    /// End everything that somebody can do who leaves, and say when each replica had it.
    Offboard(offboard::OffboardArgs),
    /// Show what is true at the moment, and say what is.
    Conditions(conditions::ConditionsArgs),
    /// Print the version.
    Version(VersionArgs),
}

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
struct ConfigArgs {
    /// The server's configuration.
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "config/countersign.yaml",
        env = "COUNTERSIGN_CONFIG"
    )]
    config: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign serve
  countersign serve --config /etc/countersign/countersign.yaml
  COUNTERSIGN_LOG=debug countersign serve --grpc-listen 127.0.0.1:9391

Flags win over the environment, and both win over the file. SIGHUP reloads, SIGTERM and SIGINT drain.")]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where Envoy asks.
    #[arg(long, value_name = "ADDRESS", env = "COUNTERSIGN_GRPC_LISTEN")]
    grpc_listen: Option<SocketAddr>,
    /// Where metrics and health are read.
    #[arg(long, value_name = "ADDRESS", env = "COUNTERSIGN_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Where operators look and change what runs; or `none`.
    #[arg(long, value_name = "ADDRESS", env = "COUNTERSIGN_ADMIN_LISTEN")]
    admin_listen: Option<String>,
    /// Log level or filter, for example `debug` or `info,countersign::keys=trace`.
    #[arg(long, value_name = "FILTER", env = "COUNTERSIGN_LOG")]
    log: Option<String>,
    /// Where durable state is kept.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_STORE")]
    store: Option<PathBuf>,
    /// Print the addresses as one JSON line on standard output once they are bound.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign test
  countersign test agent            # only tests whose name has `agent` in it
  countersign test --json | jq '.coverage.unused'")]
struct TestArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// Fail if a rule is used by no test.
    #[arg(long, conflicts_with = "filter")]
    require_coverage: bool,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign identities
  countersign identities --kind agent --stale 90d     # agents that nobody has used for 90 days, or ever
  countersign identities --warned --json | jq '.[] | {issuer, id, owner, warnings}'

It needs no running server. What was seen is written within a second; without `store.file` only the registry is shown.")]
struct IdentitiesArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where durable state is kept.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_STORE")]
    store: Option<PathBuf>,
    /// Only this kind: `human`, `service`, `agent`, `client` or `workload`.
    #[arg(long, value_parser = ["human", "service", "agent", "client", "workload"])]
    kind: Option<String>,
    /// Only those that were not used for this long, for example `90d`; never counts too.
    #[arg(long, value_name = "DURATION")]
    stale: Option<HumanDuration>,
    /// Only those that were warned about.
    #[arg(long)]
    warned: bool,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct VersionArgs {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command line `arguments`, the program's name first.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let exit = match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli.verb),
        Err(error) => {
            let help = !error.use_stderr();
            if error.print().is_err() || !help {
                Exit::Usage
            } else {
                Exit::Ok
            }
        }
    };
    ExitCode::from(exit as u8)
}

fn run(verb: Verb) -> Exit {
    match verb {
        Verb::Serve(args) => serve::run(args),
        Verb::Check(args) => check::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Identities(args) => identities::run(&args),
        Verb::Import(args) => import::run(args),
        Verb::Approvals(args) => approvals::run(args),
        Verb::Keys(args) => keys::run(args),
        Verb::Revoke(args) => revoke::run(args),
        Verb::Revocations(args) => revoke::show(&args),
        Verb::Offboard(args) => offboard::run(args),
        Verb::Conditions(args) => conditions::run(args),
        Verb::Version(VersionArgs { json }) => version::run(json),
    }
}

impl ServeArgs {
    fn overrides(&self) -> Overrides {
        Overrides {
            grpc_listen: self.grpc_listen,
            metrics_listen: self.metrics_listen,
            admin_listen: self.admin_listen.clone(),
            log_level: self.log.clone(),
            store: self.store.clone(),
        }
    }
}
