//! `countersign keys rotate`.

use anyhow::{Result, anyhow, bail};
use clap::Args;

use super::super::Exit;
use super::{Common, issue, refused};
use crate::config::Bundle;
use crate::ext_authz::now;
use crate::identity::{Issued, NewKey};
use crate::model::duration::HumanDuration;
use crate::model::time::Timestamp;
use crate::store::{ApiKeyRecord, Rotated, Store};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign keys rotate 7Hq0ZtB4nVxW9aKc
  countersign keys rotate 7Hq0ZtB4nVxW9aKc --overlap 1h --expires 30d
  countersign keys rotate 7Hq0ZtB4nVxW9aKc --overlap 0s      # the old key ends at once

The successor stands for the same identity, with the same groups, scope and networks.")]
pub(super) struct RotateArgs {
    #[command(flatten)]
    common: Common,
    /// The old key's id, as `list` shows it.
    id: String,
    /// How long the old key still works; never longer than it would have.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: HumanDuration,
    /// How long the new key lives; at most the provider's `max_lifetime`.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires: HumanDuration,
}

pub(super) fn run(args: &RotateArgs) -> Exit {
    args.common.run(|bundle, store| rotate(args, bundle, store))
}

async fn rotate(args: &RotateArgs, bundle: Bundle, store: Store) -> Result<()> {
    let keys = store.api_keys().await?.keys;
    let old = keys.into_iter().find(|key| key.id == args.id);
    let old =
        old.ok_or_else(|| anyhow!("there is no key with this id: see `countersign keys list`"))?;
    let now = now();
    let issued = successor(&old, args.expires, &bundle, now)?;
    let ends = now.plus(args.overlap.get());
    let record = issued.record.clone();
    match store.rotate_api_key(old.id, ends, record, now).await? {
        Rotated::Stored => issue::show(&issued, "rotated: new", args.common.json),
        Rotated::NotLive => bail!("key `{}` does not work any more: issue a new one", args.id),
        Rotated::Refused(put) => return Err(refused(put, &issued)),
    }
    Ok(())
}

fn successor(
    old: &ApiKeyRecord,
    lifetime: HumanDuration,
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Issued> {
    let provider = bundle
        .providers
        .api_key(&old.provider)
        .ok_or_else(|| anyhow!("its provider `{}` is not configured any more", old.provider))?;
    let networks: Result<_, _> = old.networks.iter().map(|network| network.parse()).collect();
    let new = NewKey {
        identity: old.identity.clone(),
        owner: old.owner.clone(),
        kind: old.kind.parse()?,
        groups: old.groups.clone(),
        scope: old.scope.clone(),
        networks: networks?,
        lifetime: lifetime.get(),
    };
    Ok(provider.issue(new, now)?)
}
