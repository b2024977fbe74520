//! `countersign keys`: API keys, from their issue to their end. The verbs work on the store's file, with or without a
//! server that uses it; one that does sees a change within a second.

mod issue;
mod list;
mod revoke;
mod rotate;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};

use super::output::{load_or_say, say_error};
use super::{ConfigArgs, Exit};
use crate::config::{Bundle, Overrides};
use crate::identity::Issued;
use crate::store::{Put, Store};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign keys issue --provider partners --id billing-sync --owner team@example.com --scope 'invoices:read'
  countersign keys list
  countersign keys rotate 7Hq0ZtB4nVxW9aKc --overlap 24h
  countersign keys revoke 7Hq0ZtB4nVxW9aKc --reason 'seen in a public repository'

A key is shown once, by `issue` and `rotate`, and kept nowhere: the store has a keyed digest of it.")]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    verb: KeysVerb,
}

#[derive(Debug, Subcommand)]
enum KeysVerb {
    /// Make a key and show it, once.
    Issue(issue::IssueArgs),
    /// Show every key; never a secret.
    List(list::ListArgs),
    /// Make a successor of a key and show it, once; the old key ends after an overlap.
    Rotate(rotate::RotateArgs),
    /// End a key at once and for good.
    Revoke(revoke::RevokeArgs),
}

/// What every verb takes.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where durable state is kept, instead of what the configuration says.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_STORE")]
    store: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: KeysArgs) -> Exit {
    match args.verb {
        KeysVerb::Issue(args) => issue::run(args),
        KeysVerb::List(args) => list::run(&args),
        KeysVerb::Rotate(args) => rotate::run(&args),
        KeysVerb::Revoke(args) => revoke::run(args),
    }
}

impl Common {
    /// Loads the configuration, opens the store, and does `work` with both.
    fn run<F>(&self, work: impl FnOnce(Bundle, Store) -> F) -> Exit
    where
        F: Future<Output = Result<()>>,
    {
        let overrides = Overrides {
            store: self.store.clone(),
            ..Overrides::default()
        };
        let bundle = match load_or_say(&self.config.config, &overrides, self.json) {
            Ok(bundle) => bundle,
            Err(exit) => return exit,
        };
        let done = open(&bundle).and_then(|store| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(work(bundle, store))
        });
        match done {
            Ok(()) => Exit::Ok,
            Err(error) => {
                say_error(&format!("{error:#}"), self.json);
                Exit::Failed
            }
        }
    }
}

fn open(bundle: &Bundle) -> Result<Store> {
    if !bundle.store.is_lasting() {
        bail!(
            "no `store.file` is configured, so a key would vanish with this command: \
             write `store: {{ file: /var/lib/countersign/state.db }}`, or pass `--store FILE`"
        );
    }
    Ok(Store::open(&bundle.store)?)
}

/// What to do about a key that has no place.
fn refused(put: Put, issued: &Issued) -> anyhow::Error {
    let identity = &issued.record.identity;
    match put {
        Put::TooManyLive => anyhow!(
            "`{identity}` has two keys that work, and a third would never be missed: \
             see `countersign keys list`, and revoke one"
        ),
        Put::Full => anyhow!("the store has no room for another key"),
        Put::Taken | Put::Stored => anyhow!("the new key's id is taken: try again"),
    }
}
