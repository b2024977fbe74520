//! `countersign keys revoke`.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::super::Exit;
use super::super::output::print;
use super::Common;
use crate::ext_authz::now;
use crate::store::{Revoked, Store};

/// Longest reason, in characters.
const MAX_REASON: usize = 256;
/// Who revokes, for whoever looks at it later: the command line knows nobody's name.
const BY: &str = "countersign keys revoke";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign keys revoke 7Hq0ZtB4nVxW9aKc
  countersign keys revoke 7Hq0ZtB4nVxW9aKc --reason 'seen in a public repository'

A running server refuses the key within a second.")]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    common: Common,
    /// The key's id, as `list` shows it. The id is in the key, between the two `_`.
    id: String,
    /// Why, for `list`.
    #[arg(long)]
    reason: Option<String>,
}

pub(super) fn run(args: RevokeArgs) -> Exit {
    let RevokeArgs { common, id, reason } = args;
    let json = common.json;
    common.run(|_bundle, store| revoke(store, id, reason, json))
}

async fn revoke(store: Store, id: String, reason: Option<String>, json: bool) -> Result<()> {
    let reason: Option<String> = reason.map(|text| text.chars().take(MAX_REASON).collect());
    let now = now();
    let keys = store.api_keys().await?.keys;
    // Every replica hears of it first, and gives it back where the store loses it.
    if let Some(key) = keys.iter().find(|key| key.id == id) {
        let reason = reason.as_deref().unwrap_or_default();
        let block = key.block(now, &Arc::from(BY), reason);
        store.revoke(vec![block]).await?;
    }
    let (at, already) = match store.revoke_api_key(&id, now, reason).await? {
        Revoked::Now => (now, false),
        Revoked::Before(at) => (at, true),
        // What was typed may be a whole key: it is not repeated.
        Revoked::Unknown => bail!("there is no key with this id: see `countersign keys list`"),
    };
    if json {
        let value = json!({ "id": id, "revoked": at.to_string(), "already": already });
        print(format_args!("{value:#}\n"));
    } else if already {
        eprintln!("key {id} was revoked already, at {at}");
    } else {
        eprintln!("revoked key {id}");
    }
    Ok(())
}
