//! The catalogue of an MCP route: which action a call is.
//!
//! Tools and prompts are found by their names, letter by letter. Of several URI patterns the most specific wins: the one
//! with more characters written out, then the one with fewer `*`. What is not declared is the protocol's own action, and a
//! tool that is not declared is none.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::arguments::{Arguments, needs_body};
use super::super::catalogue::Entry;
use super::builtin;
use super::method::{PROMPT, READ, SUBSCRIBE, TOOL, UNSUBSCRIBE};
use super::read::Call;
use super::uri::{self, Pattern};
use super::wrong;
use crate::json::folds_to;
use crate::model::finding::Finding;
use crate::model::name::RouteId;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Action, Asked, McpOperation, Operation, Resource};
use crate::model::verdict::Denial;

/// The compiled catalogue.
#[derive(Debug)]
pub(in crate::action) struct Catalogue {
    entries: Vec<Entry>,
    names: HashMap<McpOperation, usize>,
    /// The most specific first.
    uris: Vec<(Pattern, usize)>,
    builtin: HashMap<Arc<str>, usize>,
}

/// What the declared actions stand for, each with the index of its entry.
#[derive(Default)]
struct Declared {
    names: HashMap<McpOperation, usize>,
    uris: Vec<(Pattern, usize)>,
}

impl Declared {
    fn of(entries: &[Entry]) -> Result<Self, Vec<Finding>> {
        let mut declared = Self::default();
        let mut findings = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for operation in messages(&entry.action) {
                let other = declared.add(operation, index);
                if let Some(first) = other.and_then(|other| entries.get(other)) {
                    findings.push(conflict(&first.action, &entry.action, operation));
                }
            }
        }
        if findings.is_empty() {
            Ok(declared)
        } else {
            Err(findings)
        }
    }

    /// Returns the index of the entry that stands for the same already, or for what can be taken for it.
    fn add(&mut self, operation: &McpOperation, index: usize) -> Option<usize> {
        let McpOperation::Uri(text) = operation else {
            let other = lookalike(&self.names, operation);
            return self.names.insert(operation.clone(), index).or(other);
        };
        let pattern = Pattern::new(text);
        let mut equals = self.uris.iter();
        let other =
            equals.find(|(other, _)| other.rank() == pattern.rank() && other.meets(&pattern));
        let other = other.map(|(_, other)| *other);
        self.uris.push((pattern, index));
        other
    }
}

impl Catalogue {
    /// Compiles the declared `entries` and adds the protocol's own; every conflict is reported.
    pub(in crate::action) fn build(
        route: &RouteId,
        mut entries: Vec<Entry>,
    ) -> Result<Self, Vec<Finding>> {
        let Declared { names, mut uris } = Declared::of(&entries)?;
        uris.sort_by_key(|(pattern, _)| Reverse(pattern.rank()));
        entries.extend(builtin::entries(route));
        let own = entries.iter().enumerate();
        let builtin = own
            .filter(|(_, entry)| entry.action.builtin)
            .map(|(index, entry)| (entry.action.id.shared(), index))
            .collect();
        Ok(Self {
            entries,
            names,
            uris,
            builtin,
        })
    }

    /// The actions: the declared ones in their order, then the protocol's.
    pub(in crate::action) fn actions(&self) -> Vec<Arc<Action>> {
        let actions = self.entries.iter().map(|entry| &entry.action);
        actions.map(Arc::clone).collect()
    }

    /// Finds the action that `call` is, with its arguments.
    pub(in crate::action) fn find(
        &self,
        request: &AccessRequest,
        call: &Call<'_>,
    ) -> Result<Asked, Denial> {
        let entry = self.entry(call)?;
        let target = call.target.as_deref();
        let arguments = arguments(entry, call)?;
        let captured = target.map(|target| ("uri", target));
        let mut asked = entry.ask(request, captured.into_iter(), arguments)?;
        asked.target.clone_from(&call.target);
        asked.said = Some(call.said());
        if let (Some(kind), Some(id), None) = (&entry.action.resource, target, &asked.resource) {
            asked.resource = Some(Resource {
                kind: Arc::clone(kind),
                id: Arc::from(id),
            });
        }
        Ok(asked)
    }

    fn entry(&self, call: &Call<'_>) -> Result<&Entry, Denial> {
        let target = call.target.as_ref();
        let declared = match (call.method.name, target) {
            (TOOL, Some(name)) => self.names.get(&McpOperation::Tool(Arc::clone(name))),
            (PROMPT, Some(name)) => self.prompt(name)?,
            (READ, Some(uri)) => self.uri(uri)?,
            (SUBSCRIBE | UNSUBSCRIBE, Some(uri)) => {
                plain(uri)?;
                None
            }
            _ => None,
        };
        let own = || self.builtin.get(call.method.action?);
        let index = declared.or_else(own);
        let entry = index.and_then(|index| self.entries.get(*index));
        entry.ok_or_else(|| Denial::new(Reason::NoAction))
    }

    /// A prompt by its name. One that only looks like a declared one is not the protocol's action, which may be open where the
    /// declared one is not.
    fn prompt(&self, name: &Arc<str>) -> Result<Option<&usize>, Denial> {
        let operation = McpOperation::Prompt(Arc::clone(name));
        match self.names.get(&operation) {
            None if lookalike(&self.names, &operation).is_some() => {
                Err(Denial::new(Reason::NoAction)
                    .because("the prompt differs from a declared one only in case"))
            }
            found => Ok(found),
        }
    }

    /// The most specific pattern of a URI. One that a more specific pattern only may mean is neither that action nor a more
    /// general one, which may be open where that one is not.
    fn uri(&self, uri: &str) -> Result<Option<&usize>, Denial> {
        plain(uri)?;
        let found = self.uris.iter().find(|(pattern, _)| pattern.matches(uri));
        let loose = uri::loosely(uri);
        let before = |pattern: &Pattern| found.is_none_or(|(own, _)| pattern.rank() > own.rank());
        let mut hidden = self.uris.iter();
        if hidden.any(|(pattern, _)| before(pattern) && pattern.may_mean(uri, &loose)) {
            return Err(Denial::new(Reason::NoAction)
                .because("the URI is another way to write a declared one"));
        }
        Ok(found.map(|(_, index)| index))
    }
}

/// What the action declares of the call's arguments. Where only Envoy read the message, there must be nothing to know.
fn arguments(entry: &Entry, call: &Call<'_>) -> Result<Arguments, Denial> {
    if call.is_read() {
        return entry.places.typed(call.arguments());
    }
    let takes_none = !matches!(call.method.name, TOOL | PROMPT);
    if takes_none || !needs_body(&entry.action) {
        return Ok(Arguments::default());
    }
    let cause = "the action looks at arguments, and only Envoy's metadata came along whole; set `with_request_body` with \
                 `pack_as_bytes: true` and `allow_partial_message: false`, and decompress before";
    Err(Denial::new(Reason::InputIncomplete).because(cause))
}

fn plain(uri: &str) -> Result<(), Denial> {
    uri::check(uri).map_err(|why| wrong(&format!("the URI is not compared: {why}")))
}

fn messages(action: &Action) -> impl Iterator<Item = &McpOperation> {
    action
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Mcp(operation) => Some(operation),
            Operation::Http { .. } | Operation::Grpc { .. } => None,
        })
}

/// A name that is the same but for case; two tools that somebody could take for one another are a mistake or worse.
fn lookalike(names: &HashMap<McpOperation, usize>, operation: &McpOperation) -> Option<usize> {
    let near = |known: &McpOperation| match (known, operation) {
        (McpOperation::Tool(one), McpOperation::Tool(other))
        | (McpOperation::Prompt(one), McpOperation::Prompt(other)) => folds_to(one, other),
        _ => false,
    };
    let mut found: Vec<usize> = names
        .iter()
        .filter_map(|(known, index)| near(known).then_some(*index))
        .collect();
    found.sort_unstable();
    found.first().copied()
}

fn conflict(first: &Action, second: &Action, operation: &McpOperation) -> Finding {
    let (one, other) = (&first.id, &second.id);
    let finding = |message| Finding::error("action-conflict", message);
    let equally = || finding(format!("`{one}` and `{other}` are equally specific"));
    let same = messages(first).any(|known| known == operation);
    let finding = match operation {
        _ if same => equally().help(format!("both stand for `{operation}`")),
        McpOperation::Uri(_) => {
            equally().help("some URIs are of both patterns: write more of one of them out")
        }
        _ => finding(format!(
            "names of `{one}` and `{other}` differ only in case"
        ))
        .help("one can be taken for the other: rename it at the server, or leave one of them out"),
    };
    finding.under(second.id.as_str()).under("actions")
}
