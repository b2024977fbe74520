//! `countersign import`: policies made of what others list.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Exit;
use super::listed::{TokenArgs, tools_of};
use super::output::{counted, print, say_error};
use crate::outbound::HttpUrl;
use crate::tools::{Argument, ProposedAction, ProposedRoute, Target, Wanted, propose};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    verb: ImportVerb,
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    /// Write a route for an MCP server, with an action for each of its tools.
    Mcp(Box<McpArgs>),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign import mcp https://mcp.example.com/crm --provider corp > config/policies/crm.yaml
  countersign import mcp https://mcp.example.com/crm --token-env CRM_TOKEN
  countersign import mcp http://127.0.0.1:8000/mcp --url https://mcp.example.com/crm --server crm
  countersign import mcp tools.json --url https://mcp.example.com/crm   # a saved answer to `tools/list`

The policy goes to standard output. Nothing is permitted by it, and its tiers are proposals: the server's word is all that they \
are made of. Later, `countersign check --against` says which tools appeared, vanished or changed.

Exit status: 0 if the policy is written, 1 if it was cancelled, 2 if the command line makes no sense, 5 if the tools cannot be read.")]
struct McpArgs {
    /// An answer to `tools/list` in a file (`-` is standard input), or the URL of the server, which is asked.
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// The id of the route.
    #[arg(long, value_name = "ID")]
    route: Option<String>,
    /// The name of the server, which starts the ids of its actions.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Where callers reach the server, if not at the URL that is asked.
    #[arg(long, value_name = "URL", conflicts_with_all = ["host", "path"])]
    url: Option<String>,
    /// The host that callers use, instead of `--url`.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The path that callers use on that host.
    #[arg(long, value_name = "PATH", requires = "host")]
    path: Option<String>,
    /// A provider whose tokens the route accepts; may be repeated.
    #[arg(long = "provider", value_name = "NAME")]
    providers: Vec<String>,
    #[command(flatten)]
    token: TokenArgs,
    /// Print what was read, and the policy in it, as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ImportArgs) -> Exit {
    match args.verb {
        ImportVerb::Mcp(args) => mcp(&args),
    }
}

fn mcp(args: &McpArgs) -> Exit {
    let McpArgs {
        source,
        route,
        server,
        url,
        host,
        path,
        providers,
        token,
        json,
    } = args;
    let wanted = Wanted {
        route: route.as_deref(),
        server: server.as_deref(),
        url: url.as_deref(),
        host: host.as_deref(),
        path: path.as_deref(),
        providers,
        source,
    };
    // What is missing is said before a server is asked.
    let target = match Target::complete(&wanted) {
        Ok(target) => target,
        Err(error) => {
            say_error(&error.to_string(), *json);
            return Exit::Usage;
        }
    };
    match tools_of(source, token) {
        Ok(tools) => {
            show(&propose(target, tools), &named(source), *json);
            Exit::Ok
        }
        Err(unlisted) => {
            say_error(&unlisted.message, *json);
            unlisted.exit
        }
    }
}

/// A source as a file may name it: a query may hold a secret.
fn named(source: &str) -> String {
    let url = HttpUrl::parse(source, false).ok();
    let url = url.filter(|_| source.contains("://"));
    url.map_or_else(|| source.to_owned(), |url| url.to_string())
}

fn show(route: &ProposedRoute, source: &str, json: bool) {
    let policy = route.to_yaml(source);
    let ProposedRoute { target, actions } = route;
    if json {
        let value = json!({
            "ok": true,
            "route": target.route.as_str(),
            "server": target.server,
            "url": target.url,
            "actions": actions.iter().map(action).collect::<Value>(),
            "policy": policy,
        });
        return print(format_args!("{value:#}\n"));
    }
    print(policy);
    eprintln!(
        "route {}: {}, none of them permitted; review the tiers and the arguments, then `countersign check`",
        target.route,
        counted(actions.len(), "tool"),
    );
}

fn action(action: &ProposedAction) -> Value {
    let ProposedAction {
        id,
        numbered: _,
        proposal,
        tool,
    } = action;
    let arguments = tool.arguments.declared.iter();
    let arguments: Map<String, Value> = arguments.map(argument).collect();
    json!({
        "action": id,
        "tool": tool.name,
        "tier": proposal.tier.as_str(),
        "because": proposal.because,
        "args": arguments,
        "open": tool.arguments.open,
        "definition": tool.definition,
    })
}

fn argument(argument: &Argument) -> (String, Value) {
    let Argument {
        name,
        of: _,
        optional,
        at,
        because,
    } = argument;
    let of = argument.type_name();
    let value = json!({ "type": of, "optional": optional, "at": at, "because": because });
    (name.clone(), value)
}
