//! `countersign check --against`: what an MCP server lists, compared with what its route has reviewed.

use serde_json::{Value, json};

use super::Exit;
use super::listed::{TokenArgs, Unlisted, tools_of};
use super::output::{counted, print};
use crate::action::RouteTable;
use crate::model::route::{Protocol, Route};
use crate::model::suggest::suggest;
use crate::tools::{Changed, Difference, compare, shown};

/// A comparison that was made.
#[derive(Debug)]
pub(super) struct Compared<'a> {
    route: &'a Route,
    source: &'a str,
    listed: usize,
    difference: Difference,
}

/// Compares the tools of an MCP route with those that `source` lists.
pub(super) fn against<'a>(
    routes: &'a RouteTable,
    named: Option<&str>,
    source: &'a str,
    token: &TokenArgs,
) -> Result<Compared<'a>, Unlisted> {
    let route = find(routes, named).map_err(|message| Unlisted {
        message,
        exit: Exit::Usage,
    })?;
    let tools = tools_of(source, token)?;
    Ok(Compared {
        route,
        source,
        listed: tools.len(),
        difference: compare(route, &tools),
    })
}

fn find<'a>(routes: &'a RouteTable, wanted: Option<&str>) -> Result<&'a Route, String> {
    let of_mcp = |route: &&Route| matches!(route.protocol, Protocol::Mcp(_));
    let mut of_mcp: Vec<&Route> = routes.iter().filter(of_mcp).collect();
    of_mcp.sort_by_key(|route| route.id.as_str());
    let names: Vec<&str> = of_mcp.iter().map(|route| route.id.as_str()).collect();
    match (wanted, of_mcp.as_slice()) {
        (_, []) => Err("no route has `protocol: mcp`, so there are no tools to compare; `countersign import mcp` writes one".to_owned()),
        (None, [only]) => Ok(only),
        (None, _) => Err(format!("more than one route has tools: pass `--route` with one of {}", names.join(", "))),
        (Some(wanted), all) => {
            let found = all.iter().find(|route| route.id.as_str() == wanted);
            found.copied().ok_or_else(|| match suggest(wanted, names.iter().copied()) {
                Some(near) => format!("`{wanted}` is no MCP route; did you mean `{near}`?"),
                None => format!("`{wanted}` is no MCP route: there is {}", names.join(", ")),
            })
        }
    }
}

impl Compared<'_> {
    /// How `check` ends if nothing else is wrong.
    pub(super) fn exit(&self, deny_warnings: bool) -> Exit {
        let warned = deny_warnings && !self.difference.unpinned.is_empty();
        if self.difference.is_any() || warned {
            Exit::Failed
        } else {
            Exit::Ok
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let Difference {
            appeared,
            vanished,
            changed,
            unpinned,
        } = &self.difference;
        let new = |(tool, found): &(String, String)| json!({ "tool": tool, "found": found });
        let gone = |(tool, action): &(String, String)| json!({ "tool": tool, "action": action });
        json!({
            "route": self.route.id.as_str(),
            "tools": self.listed,
            "appeared": appeared.iter().map(new).collect::<Value>(),
            "vanished": vanished.iter().map(gone).collect::<Value>(),
            "changed": changed.iter().map(one_changed).collect::<Value>(),
            "unpinned": unpinned.iter().map(one_changed).collect::<Value>(),
        })
    }

    /// Prints every difference in a line of its own, and what they come to.
    pub(super) fn show(&self) {
        let Difference {
            appeared,
            vanished,
            changed,
            unpinned,
        } = &self.difference;
        let new = appeared.iter().map(|(tool, found)| {
            let tool = shown(tool);
            format!("appeared  {tool}: no action stands for it, so calls are denied ({found})\n")
        });
        let gone = vanished.iter().map(|(tool, action)| {
            let tool = shown(tool);
            format!("vanished  {tool}: `{action}` stands for a tool that is not listed\n")
        });
        let other = changed
            .iter()
            .map(|it| it.line("changed   ", "review it, then"));
        let open = unpinned
            .iter()
            .map(|it| it.line("unpinned  ", "a change would not be noticed;"));
        let lines: String = new.chain(gone).chain(other).chain(open).collect();
        print(format_args!(
            "{lines}{}: {} against route {}: {}\n",
            shown(self.source),
            counted(self.listed, "tool"),
            self.route.id,
            self.summary(),
        ));
    }

    fn summary(&self) -> String {
        let Difference {
            appeared,
            vanished,
            changed,
            unpinned,
        } = &self.difference;
        let counts = [
            (appeared.len(), "appeared"),
            (vanished.len(), "vanished"),
            (changed.len(), "changed"),
            (unpinned.len(), "unpinned"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if counts.is_empty() {
            "as reviewed".to_owned()
        } else {
            counts.join(", ")
        }
    }
}

impl Changed {
    fn line(&self, word: &str, advice: &str) -> String {
        let Self {
            tool,
            action,
            expected: _,
            found,
        } = self;
        let tool = shown(tool);
        format!("{word}{tool}: {advice} set the definition of `{action}` to \"{found}\"\n")
    }
}

fn one_changed(changed: &Changed) -> Value {
    let Changed {
        tool,
        action,
        expected,
        found,
    } = changed;
    json!({ "tool": tool, "action": action, "expected": expected, "found": found })
}
