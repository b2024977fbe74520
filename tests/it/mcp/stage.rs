//! An agent, Envoy, countersign and an MCP server: all real, all on loopback.

use std::sync::LazyLock;

use super::forged::FORGED;
use super::peers::{Agent, Outcome, Seen, Style, ToolServer};
use super::{DESK, token};
use crate::envoy::client::{Answer, Request};
use crate::envoy::process::Change;
use crate::envoy::stage::{Stage, port};
use crate::harness::Setup;

const SHIPPED: &str = include_str!("../../../envoy/envoy.yaml");

/// What Envoy does with MCP before it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Refuses what is no MCP, as shipped.
    Refuses,
    /// Reads what it can, and lets everything pass.
    Passes,
    /// Nothing: there is no such filter.
    Nothing,
}

/// Everything that one configuration needs, ready.
pub(super) struct McpStage {
    pub(super) stage: Stage,
    pub(super) tools: ToolServer,
}

/// The shipped configuration, and a server with sessions behind it.
pub(super) static SESSIONS: LazyLock<McpStage> =
    LazyLock::new(|| McpStage::start(Before::Refuses, Style::Sessions));
/// The shipped configuration, and a server without sessions.
pub(super) static SINGLE: LazyLock<McpStage> =
    LazyLock::new(|| McpStage::start(Before::Refuses, Style::Single));
/// The MCP filter lets everything pass.
pub(super) static PASSING: LazyLock<McpStage> =
    LazyLock::new(|| McpStage::start(Before::Passes, Style::Single));
/// There is no MCP filter.
pub(super) static BARE: LazyLock<McpStage> =
    LazyLock::new(|| McpStage::start(Before::Nothing, Style::Sessions));

/// Agents of the desk: one that may export, one that may only read, and two that may do nothing any more.
const REGISTERED: &str = "
  - { issuer: corp, id: desk-bot, kind: agent, owner: alice@example.com, groups: [desk-agents] }
  - { issuer: corp, id: reader-bot, kind: agent, owner: alice@example.com, groups: [desk-readers] }
  - { issuer: corp, id: paused-bot, kind: agent, owner: alice@example.com, groups: [desk-agents], status: suspended }
  - { issuer: corp, id: gone-bot, kind: agent, owner: alice@example.com, groups: [desk-agents], status: offboarded }
";

/// On one of the routes an export waits for somebody's word.
const WAITING: &str = "
version: 1
rules:
  - { id: wait-approved, guard: wait.export, require: [{ approval: { from: { issuer: corp, group: leads } } }] }
";

/// The sample configuration and the tests' own MCP routes, one for each way to refuse. The issuer's keys are the tests' and
/// those that have signed what fixtures show.
pub(super) fn setup() -> Setup {
    let setup = Setup::new().replacing("\nstore: ", "\ndpop: { nonce: off }\nstore: ");
    setup.replace("corp.jwks.json", &FORGED.keys_beside(&setup.corp));
    setup.edit(
        "countersign.yaml",
        "\n  url: http://127.0.0.1:9193\n",
        "\n  url: https://approve.example.com\n",
    );
    setup.write("policies/waiting.yaml", WAITING);
    let identities = setup.read("identities.yaml");
    setup.write("identities.yaml", &format!("{identities}{REGISTERED}"));
    for (name, style) in [
        ("desk", "deny_style: http"),
        ("rpc", "deny_style: jsonrpc"),
        ("tool", "deny_style: tool_error"),
        ("hidden", "hide_existence: true"),
        ("wait", "elicitation: url"),
    ] {
        let text = DESK.replace("NAME", name).replace("STYLE", style);
        setup.write(&format!("policies/{name}.yaml"), &text);
    }
    setup
}

impl McpStage {
    /// Brings everything up.
    pub(super) fn start(before: Before, style: Style) -> Self {
        Self::with(&changes(before), style)
    }

    /// The same with these changes to `envoy.yaml`.
    pub(super) fn with(changes: &[Change], style: Style) -> Self {
        let tools = ToolServer::start(style);
        let moved = [("port_value: 10091", port(tools.address))];
        let stage = Stage::start(&[changes, &moved].concat(), setup());
        Self { stage, tools }
    }

    /// A person's token for a route, in these groups.
    pub(super) fn token(&self, route: &str, groups: &[&str]) -> String {
        token(&self.stage.server.setup, route, groups)
    }

    /// An agent with a token of that route's own group, connected through Envoy.
    pub(super) fn agent(&self, route: &str, mode: &str) -> (Agent, Outcome) {
        let token = self.token(route, &[route]);
        Agent::connect(self.stage.envoy.plain, &format!("/{route}"), mode, &token)
    }

    /// Sends a request to Envoy as it stands.
    pub(super) fn send(&self, request: &Request) -> Answer {
        self.stage.send(request)
    }

    /// Whether exactly this body has reached the MCP server.
    pub(super) fn has_reached(&self, body: &[u8]) -> bool {
        !self.tools.seen(|seen: &Seen| seen.body == body).is_empty()
    }
}

/// What makes the shipped configuration another.
pub(super) fn changes(before: Before) -> Vec<Change> {
    match before {
        Before::Refuses => Vec::new(),
        Before::Passes => vec![(
            "traffic_mode: REJECT_NO_MCP",
            "traffic_mode: PASS_THROUGH".to_owned(),
        )],
        Before::Nothing => {
            let filter = cut_from_shipped("          - name: envoy.filters.http.mcp\n");
            vec![(filter, String::new())]
        }
    }
}

/// The filter that begins like this in the shipped configuration, to where the next one is explained.
pub(super) fn cut_from_shipped(first: &str) -> &'static str {
    let start = SHIPPED.find(first).unwrap();
    let length = SHIPPED[start..].find("\n          # ---").unwrap();
    &SHIPPED[start..=start + length]
}
