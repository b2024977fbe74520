//! `countersign keys issue`.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use anyhow::{Result, anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Exit;
use super::super::output::print;
use super::{Common, refused};
use crate::config::Bundle;
use crate::ext_authz::now;
use crate::identity::{ApiKeyProvider, Issued, Network, NewKey};
use crate::model::duration::HumanDuration;
use crate::model::party::{Kind, PartyId};
use crate::store::{Put, Store};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign keys issue --provider partners --id billing-sync --owner team@example.com \\
      --scope 'invoices:read invoices:write' --group billing --network 10.0.0.0/8 --expires 30d
  KEY=$(countersign keys issue --provider partners --id crm-bot --kind agent --owner sales@example.com)

The key alone goes to standard output, everything else to standard error.")]
pub(super) struct IssueArgs {
    #[command(flatten)]
    common: Common,
    /// The provider that the key belongs to; may be left out if there is only one.
    #[arg(long)]
    provider: Option<String>,
    /// The identity that it stands for, which rules and the registry know it by.
    #[arg(long)]
    id: String,
    /// Who answers for it.
    #[arg(long)]
    owner: String,
    /// What it is; keys are not for people.
    #[arg(long, value_enum, default_value = "service")]
    kind: KeyKind,
    /// A group of the identity; may be repeated. The registry's groups win where it lists the identity.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// What the key is good for, separated by spaces; may be repeated.
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// A network that it may be used from, such as `10.0.0.0/8`; may be repeated. Without one: any.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<Network>,
    /// How long it lives; at most the provider's `max_lifetime`.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires: HumanDuration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyKind {
    Service,
    Agent,
}

pub(super) fn run(args: IssueArgs) -> Exit {
    let IssueArgs {
        common,
        provider,
        id,
        owner,
        kind,
        groups,
        scope,
        networks,
        expires,
    } = args;
    let words = scope.iter().flat_map(|text| text.split_whitespace());
    let new = NewKey {
        identity: id,
        owner,
        kind: match kind {
            KeyKind::Service => Kind::Service,
            KeyKind::Agent => Kind::Agent,
        },
        groups,
        scope: words.map(str::to_owned).collect(),
        networks,
        lifetime: expires.get(),
    };
    let json = common.json;
    common.run(|bundle, store| issue(bundle, store, provider, new, json))
}

async fn issue(
    bundle: Bundle,
    store: Store,
    provider: Option<String>,
    new: NewKey,
    json: bool,
) -> Result<()> {
    let provider = find(&bundle, provider.as_deref())?;
    let known = PartyId::new(provider.name().clone(), new.identity.as_str());
    if let Some(known) = bundle.registry.find(&known)
        && known.kind != new.kind
    {
        bail!(
            "`{}` is registered as {}: pass `--kind {}`",
            new.identity,
            known.kind,
            known.kind
        );
    }
    let now = now();
    let issued = provider.issue(new, now)?;
    match store.put_api_key(issued.record.clone(), now).await? {
        Put::Stored => show(&issued, "issued", json),
        put @ (Put::Taken | Put::TooManyLive | Put::Full) => return Err(refused(put, &issued)),
    }
    Ok(())
}

fn find<'a>(bundle: &'a Bundle, name: Option<&str>) -> Result<&'a ApiKeyProvider> {
    let names: Vec<&str> = bundle
        .providers
        .api_keys()
        .map(|it| it.name().as_str())
        .collect();
    let only = match names.as_slice() {
        [] => bail!(
            "no provider issues API keys: write `providers: {{ partners: {{ api_key: {{ pepper: {{ file: … }} }} }} }}`"
        ),
        [only] => Some(*only),
        [_, ..] => None,
    };
    let name = name.or(only).ok_or_else(|| {
        anyhow!(
            "more than one provider issues API keys: pass `--provider` with one of {}",
            names.join(", ")
        )
    })?;
    let found = bundle.providers.api_key(name);
    found.ok_or_else(|| {
        anyhow!(
            "`{name}` is no provider of API keys: there is {}",
            names.join(", ")
        )
    })
}

/// Shows a key, this once.
pub(super) fn show(issued: &Issued, what: &str, json: bool) {
    let Issued { record, key } = issued;
    if json {
        let value = json!({
            "key": key,
            "id": record.id,
            "provider": record.provider,
            "identity": record.identity,
            "expires": record.expires.to_string(),
        });
        print(format_args!("{value:#}\n"));
    } else {
        print(format_args!("{key}\n"));
        eprintln!(
            "{what} key {} of {}/{}; it ends at {} and is not shown again",
            record.id, record.provider, record.identity, record.expires
        );
    }
}
