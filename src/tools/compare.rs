//! What a server lists, against what a route has reviewed.

use std::collections::{BTreeMap, BTreeSet};

use super::tool::Tool;
use crate::model::route::{Action, McpOperation, Operation, Route};

/// How a list differs from a catalogue; everything in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Tools that the catalogue does not have: tool and definition.
    pub appeared: Vec<(String, String)>,
    /// Tools that the server does not list any more: tool and action.
    pub vanished: Vec<(String, String)>,
    /// Tools whose definition is not the one that was reviewed.
    pub changed: Vec<Changed>,
    /// Tools of which no definition was reviewed: nobody would notice a change.
    pub unpinned: Vec<Changed>,
}

/// A tool whose definition is not the reviewed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The tool.
    pub tool: String,
    /// Its action.
    pub action: String,
    /// The definition that was reviewed, if one was.
    pub expected: Option<String>,
    /// The one that the server gives.
    pub found: String,
}

impl Difference {
    /// Whether the list is another one than the catalogue says.
    pub fn is_any(&self) -> bool {
        let Self {
            appeared,
            vanished,
            changed,
            unpinned: _,
        } = self;
        !(appeared.is_empty() && vanished.is_empty() && changed.is_empty())
    }
}

/// Compares the tools of a route with those that its server lists.
pub fn compare(route: &Route, tools: &[Tool]) -> Difference {
    let listed: BTreeMap<&str, &Tool> = tools
        .iter()
        .map(|tool| (tool.name.as_str(), tool))
        .collect();
    let mut difference = Difference::default();
    let mut known = BTreeSet::new();
    for (name, action) in catalogued(route) {
        known.insert(name);
        match listed.get(name) {
            None => difference
                .vanished
                .push((name.to_owned(), action.id.to_string())),
            Some(tool) => difference.judge(tool, action),
        }
    }
    let new = listed
        .values()
        .filter(|tool| !known.contains(tool.name.as_str()));
    difference.appeared = new
        .map(|tool| (tool.name.clone(), tool.definition.clone()))
        .collect();
    difference
}

impl Difference {
    fn judge(&mut self, tool: &Tool, action: &Action) {
        let found = Changed {
            tool: tool.name.clone(),
            action: action.id.to_string(),
            expected: action.definition.as_deref().map(str::to_owned),
            found: tool.definition.clone(),
        };
        match &found.expected {
            None => self.unpinned.push(found),
            Some(expected) if *expected != found.found => self.changed.push(found),
            Some(_) => {}
        }
    }
}

/// The tools that a route's actions stand for, by name.
fn catalogued(route: &Route) -> BTreeMap<&str, &Action> {
    let tools = route.actions.iter().flat_map(|action| {
        action
            .operations
            .iter()
            .filter_map(move |operation| match operation {
                Operation::Mcp(McpOperation::Tool(name)) => Some((name.as_ref(), action.as_ref())),
                _ => None,
            })
    });
    tools.collect()
}
