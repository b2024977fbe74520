//! `countersign check`: everything that is wrong, at once.

use std::fmt;

use clap::Args;
use serde_json::{Map, Value, json};

use super::against::{Compared, against};
use super::cached;
use super::envoy_headers;
use super::listed::TokenArgs;
use super::output::{colour, counted, load_whole_or_say, print, say_error, summary};
use super::standing::standing;
use super::{ConfigArgs, Exit};
use crate::config::{Bundle, Overrides};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign check
  countersign check --config /etc/countersign/countersign.yaml --deny-warnings
  countersign check --json | jq '.problems[] | {file, line, message}'
  countersign check --envoy-headers > allowed_headers.yaml      # what Envoy has to send
  countersign check --envoy-headers --json | jq '.envoy.headers[] | {header, needed}'
  countersign check --against https://mcp.example.com/crm       # are the tools still those that were reviewed?
  countersign check --against tools.json --route crm --json | jq '.against.changed'

Exit status: 0 if all is well, 1 if tools appeared, vanished or changed (or are unpinned, with --deny-warnings), 2 if the command \
line makes no sense, 5 if the configuration or the tools cannot be read (or there are warnings, with --deny-warnings).")]
#[command(mut_arg("token_file", |arg| arg.requires("against")))]
#[command(mut_arg("token_env", |arg| arg.requires("against")))]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Warnings fail too.
    #[arg(long)]
    deny_warnings: bool,
    /// Compare the tools of an MCP route with an answer to `tools/list` in a file (`-` is standard input), or with what the
    /// server at this URL lists now.
    #[arg(long, value_name = "FILE|URL")]
    against: Option<String>,
    /// The MCP route whose tools are compared; may be left out if there is only one.
    #[arg(long, value_name = "ID", requires = "against")]
    route: Option<String>,
    #[command(flatten)]
    token: TokenArgs,
    /// Print the request headers that Envoy has to send, as `allowed_headers` of its `ext_authz` filter.
    #[arg(long, conflicts_with = "against")]
    envoy_headers: bool,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs) -> Exit {
    let CheckArgs {
        config,
        deny_warnings,
        against: source,
        route,
        token,
        envoy_headers,
        json,
    } = args;
    let bundle = match load_whole_or_say(&config.config, &Overrides::default(), *json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    // Said before a server is asked, which can take a while and fail.
    if !*json {
        eprint!("{}", bundle.warnings.render(&bundle.sources, colour()));
    }
    let compared = source
        .as_deref()
        .map(|source| against(&bundle.routes, route.as_deref(), source, token))
        .transpose();
    let compared = match compared {
        Ok(compared) => compared,
        Err(unlisted) => {
            say_error(&unlisted.message, *json);
            return unlisted.exit;
        }
    };
    let warned = !bundle.warnings.is_empty() && *deny_warnings;
    let differs = compared
        .as_ref()
        .map_or(Exit::Ok, |it| it.exit(*deny_warnings));
    let exit = if warned { Exit::Invalid } else { differs };
    if *json {
        let mut value = as_json(&bundle, compared.as_ref(), exit);
        if let (true, Some(value)) = (*envoy_headers, value.as_object_mut()) {
            value.insert("envoy".to_owned(), envoy_headers::as_json(&bundle));
        }
        print(format_args!("{value:#}\n"));
    } else if *envoy_headers {
        envoy_headers::show(&config.config, &bundle);
    } else {
        show(config.config.display(), &bundle, compared.as_ref());
    }
    exit
}

fn as_json(bundle: &Bundle, compared: Option<&Compared<'_>>, exit: Exit) -> Value {
    let mut value = json!({
        "ok": exit == Exit::Ok,
        "version": &*bundle.version,
        "routes": bundle.routes.declared().count(),
        "rules": bundle.policy.len(),
        "tests": bundle.cases.len(),
        "conditions": conditions(bundle),
        "rulings": cached::all(bundle),
        "problems": bundle.warnings.to_json(),
    });
    if let (Some(compared), Some(value)) = (compared, value.as_object_mut()) {
        value.insert("against".to_owned(), compared.to_json());
    }
    value
}

/// Every declared condition, as the file of conditions sets it.
fn conditions(bundle: &Bundle) -> Map<String, Value> {
    let names = bundle.conditions.iter();
    let set = |name| bundle.set_conditions.get(name).copied().unwrap_or(false);
    names
        .map(|name| (name.to_string(), Value::Bool(set(name))))
        .collect()
}

fn show(config: impl fmt::Display, bundle: &Bundle, compared: Option<&Compared<'_>>) {
    print(format_args!(
        "{config}: {}, {}, {}, version {}: {}\n",
        counted(bundle.routes.declared().count(), "route"),
        counted(bundle.policy.len(), "rule"),
        counted(bundle.cases.len(), "test"),
        bundle.version,
        summary(&bundle.warnings),
    ));
    print(standing(bundle));
    print(cached::lines(bundle));
    if let Some(compared) = compared {
        compared.show();
    }
}
