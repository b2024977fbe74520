//! A policy file with the route of a server: what it lists, and nothing that permits any of it.

use super::name::{Names, action_id};
use super::schema::{Argument, Arguments};
use super::target::Target;
use super::text::{quoted, scalar, shown};
use super::tier::Proposal;
use super::tool::Tool;
use crate::model::value::Type;

/// A route, proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedRoute {
    /// Where it is.
    pub target: Target,
    /// One action for each tool, in the server's order.
    pub actions: Vec<ProposedAction>,
}

/// An action, proposed for a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedAction {
    /// Its id.
    pub id: String,
    /// Whether its id has a number because another tool would have had the same.
    pub numbered: bool,
    /// How much harm it can do.
    pub proposal: Proposal,
    /// The tool.
    pub tool: Tool,
}

/// Makes a route of a server's tools.
pub fn propose(target: Target, tools: Vec<Tool>) -> ProposedRoute {
    // A tool that can keep its name keeps it, whatever the server lists before it.
    let own = |tool: &Tool| {
        let id = action_id(&target.server, &tool.name);
        (id == format!("{}.{}", target.server, tool.name)).then_some(id)
    };
    let mut names = Names::taking(tools.iter().filter_map(own));
    let actions = tools.into_iter().map(|tool| {
        let wanted = action_id(&target.server, &tool.name);
        let id = match own(&tool) {
            Some(id) => id,
            None => names.free(&wanted),
        };
        ProposedAction {
            numbered: id != wanted,
            proposal: Proposal::of(tool.hints),
            id,
            tool,
        }
    });
    let actions = actions.collect();
    ProposedRoute { target, actions }
}

impl ProposedRoute {
    /// The policy file. `source` is where the tools came from, for a comment.
    pub fn to_yaml(&self, source: &str) -> String {
        let mut lines = Lines::default();
        write_head(source, self.target.route.as_str(), &mut lines);
        self.write_route(&mut lines);
        for action in &self.actions {
            action.write(&mut lines);
        }
        self.write_example(&mut lines);
        lines.0
    }

    fn write_route(&self, lines: &mut Lines) {
        let Target {
            route,
            server,
            host,
            path,
            url,
            providers,
        } = &self.target;
        let providers: Vec<String> = providers.iter().map(|name| scalar(name.as_str())).collect();
        lines.line(0, "routes:");
        lines.line(1, &format!("{}:", scalar(route.as_str())));
        lines.line(
            2,
            &format!(
                "match: {{ host: {}, path: {} }}",
                scalar(host),
                quoted(path)
            ),
        );
        lines.line(2, &format!("url: {}", quoted(url)));
        if providers.is_empty() {
            lines.comment(
                2,
                "whose tokens it accepts; without one, only anonymous callers can be permitted",
            );
        }
        lines.line(2, &format!("providers: [{}]", providers.join(", ")));
        lines.line(2, "protocol: mcp");
        lines.line(2, &format!("server: {}", scalar(server)));
        let open = if self.actions.is_empty() { " {}" } else { "" };
        lines.line(2, &format!("actions:{open}"));
    }

    /// What a permit would look like, out of force.
    fn write_example(&self, lines: &mut Lines) {
        let Some(first) = self.actions.first() else {
            return;
        };
        let route = self.target.route.as_str();
        lines.line(0, "");
        lines.comment(
            0,
            "This would open the protocol itself, and one tool, to people:",
        );
        lines.comment(0, "rules:");
        lines.comment(
            0,
            &format!(
                "  - {{ id: {}, permit: {{ action: mcp.*, route: {} }}, to: {{ kind: human }} }}",
                scalar(&format!("{route}-protocol")),
                scalar(route)
            ),
        );
        lines.comment(
            0,
            &format!(
                "  - {{ id: {}, permit: {}, to: {{ kind: human }} }}",
                scalar(&format!("{route}-first")),
                scalar(&first.id)
            ),
        );
    }
}

impl ProposedAction {
    fn write(&self, lines: &mut Lines) {
        let Self {
            id,
            numbered,
            proposal: Proposal { tier, because },
            tool,
        } = self;
        if let Some(words) = about(tool) {
            lines.comment(3, &words);
        }
        lines.line(3, &format!("{}:", scalar(id)));
        if *numbered {
            lines.comment(
                4,
                "numbered, because another tool would have had the same id",
            );
        }
        lines.line(4, &format!("tool: {}", scalar(&tool.name)));
        lines.line(4, &format!("tier: {} # proposed: {because}", tier.as_str()));
        write_arguments(&tool.arguments, lines);
        lines.line(4, &format!("definition: {}", quoted(&tool.definition)));
    }
}

fn write_head(source: &str, route: &str, lines: &mut Lines) {
    let source = shown(source);
    lines.comment(0, "Written by `countersign import mcp` from the tools that the server lists. Nothing is permitted by this file.");
    lines.comment(0, "Tiers are proposals, made of what the server says about itself, and so are the types of arguments.");
    lines.comment(
        0,
        "Descriptions are the server's own words. Read them before you permit a tool.",
    );
    lines.comment(0, "What appeared, vanished or changed since is said by");
    let again = format!("  countersign check --against {source} --route {route}");
    lines.comment(0, &again);
    lines.line(0, "version: 1");
    lines.line(0, "");
}

/// What the server says about a tool, as its own words.
fn about(tool: &Tool) -> Option<String> {
    let said = [tool.title.as_deref(), tool.description.as_deref()];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    let words = shown(&said.join(": "));
    (!words.is_empty()).then(|| format!("\"{words}\""))
}

fn write_arguments(arguments: &Arguments, lines: &mut Lines) {
    let Arguments {
        declared,
        open,
        left_out,
    } = arguments;
    if !declared.is_empty() {
        lines.line(4, "args:");
    }
    for argument in declared {
        let because = argument.because.as_ref();
        let because = because.map(|because| format!(" # {because}"));
        let (name, because) = (scalar(&argument.name), because.unwrap_or_default());
        lines.line(5, &format!("{name}: {}{because}", argument.declaration()));
    }
    if *left_out > 0 {
        lines.comment(
            4,
            &format!(
                "{left_out} more are not declared: there are too many, or their names are too long"
            ),
        );
    }
    if let Some(keyword) = open {
        let words = format!(
            "`{keyword}` allows arguments that are not named here; to let them pass, add: extra: allow"
        );
        lines.comment(4, &words);
    }
}

impl Argument {
    /// The type as policies write it.
    pub fn type_name(&self) -> String {
        match &self.of {
            Type::Dyn => "any".to_owned(),
            of => of.to_string(),
        }
    }

    fn declaration(&self) -> String {
        let of = self.type_name();
        if !self.optional && self.at.is_none() {
            return of;
        }
        let optional = if self.optional {
            ", optional: true"
        } else {
            ""
        };
        let at = self.at.as_deref().map(|at| format!(", at: {}", quoted(at)));
        format!("{{ type: {of}{optional}{} }}", at.unwrap_or_default())
    }
}

/// The lines of a file. Nothing that is written can end its line.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.0.push_str("  ");
        }
        self.0.extend(text.chars().filter(|c| !c.is_control()));
        self.0.push('\n');
    }

    fn comment(&mut self, depth: usize, text: &str) {
        self.line(depth, &format!("# {text}"));
    }
}
