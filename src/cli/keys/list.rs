//! `countersign keys list`.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::output::{counted, print};
use super::Common;
use crate::ext_authz::now;
use crate::model::time::Timestamp;
use crate::store::{ApiKeyRecord, Store, StoredKeys};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign keys list
  countersign keys list --live --provider partners
  countersign keys list --json | jq -r '.keys[] | select(.last_used == null) | .id'")]
pub(super) struct ListArgs {
    #[command(flatten)]
    common: Common,
    /// Only keys of this provider.
    #[arg(long)]
    provider: Option<String>,
    /// Only keys that work.
    #[arg(long)]
    live: bool,
}

pub(super) fn run(args: &ListArgs) -> Exit {
    args.common.run(|_bundle, store| list(args, store))
}

async fn list(args: &ListArgs, store: Store) -> Result<()> {
    let now = now();
    let wanted = |key: &ApiKeyRecord| {
        let of_provider = args
            .provider
            .as_ref()
            .is_none_or(|name| *name == key.provider);
        of_provider && (!args.live || key.is_live(now))
    };
    let StoredKeys {
        mut keys,
        unreadable,
    } = store.api_keys().await?;
    keys.retain(wanted);
    keys.sort_by(|a, b| {
        (&a.provider, &a.identity, a.created).cmp(&(&b.provider, &b.identity, b.created))
    });
    if args.common.json {
        let keys: Vec<Value> = keys.iter().map(|key| as_json(key, now)).collect();
        print(format_args!(
            "{:#}\n",
            json!({ "keys": keys, "unreadable": unreadable })
        ));
    } else {
        print(table(&keys, now));
        print(format_args!("{}\n", counted(keys.len(), "key")));
        for id in unreadable {
            eprintln!("note: key {id:?} cannot be read, so it is refused: revoke it");
        }
    }
    Ok(())
}

/// `live`, `expired` or `revoked`.
fn state(key: &ApiKeyRecord, now: Timestamp) -> &'static str {
    if key.revoked.is_some() {
        "revoked"
    } else if key.is_live(now) {
        "live"
    } else {
        "expired"
    }
}

/// All but the digest, which is nobody's business.
fn as_json(key: &ApiKeyRecord, now: Timestamp) -> Value {
    let ApiKeyRecord {
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest: _,
        created,
        expires,
        revoked,
        reason,
        last_used,
    } = key;
    let moment = |at: &Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": id,
        "provider": provider,
        "identity": identity,
        "owner": owner,
        "kind": kind,
        "groups": groups,
        "scope": scope,
        "networks": networks,
        "state": state(key, now),
        "created": created.to_string(),
        "expires": expires.to_string(),
        "revoked": moment(revoked),
        "reason": reason,
        "last_used": moment(last_used),
    })
}

fn table(keys: &[ApiKeyRecord], now: Timestamp) -> String {
    let head = [
        "ID",
        "IDENTITY",
        "OWNER",
        "STATE",
        "CREATED",
        "EXPIRES",
        "LAST USED",
        "NETWORKS",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(keys.iter().map(|key| {
        let networks = if key.networks.is_empty() {
            "any".to_owned()
        } else {
            key.networks.join(",")
        };
        [
            key.id.clone(),
            format!("{}/{}", key.provider, key.identity),
            key.owner.clone(),
            state(key, now).to_owned(),
            minute(key.created),
            minute(key.expires),
            key.last_used.map_or_else(|| "never".to_owned(), minute),
            networks,
        ]
    }));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// `2026-11-22 01:30`, in UTC.
fn minute(at: Timestamp) -> String {
    at.to_string().replace('T', " ").chars().take(16).collect()
}
