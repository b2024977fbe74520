//! The actions that the protocol brings, so that a catalogue needs only its tools.
//!
//! What is only protocol has one segment under `mcp.`, so that `mcp.*` opens it and nothing else: a pattern stays within a
//! segment. What reads, changes or watches something has two, and is opened by its name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::arguments::Places;
use super::super::catalogue::Entry;
use super::method::{METHODS, Method};
use crate::model::name::{ActionId, RouteId};
use crate::model::route::{Action, McpOperation, Operation, Tier};

/// What the ids of these actions start with; no other action's does.
pub(super) const RESERVED: &str = "mcp.";

/// The built-in actions of a route, each once.
pub(super) fn entries(route: &RouteId) -> Vec<Entry> {
    let mut ids: Vec<&str> = METHODS.iter().filter_map(|method| method.action).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().filter_map(|id| entry(route, id)).collect()
}

fn entry(route: &RouteId, id: &'static str) -> Option<Entry> {
    let methods: Vec<&Method> = METHODS
        .iter()
        .filter(|method| method.action == Some(id))
        .collect();
    let operations = methods.iter().map(|method| Arc::from(method.name));
    let target = methods.iter().find_map(|method| method.target);
    let action = Action {
        // An id that stands in the table is one; a test makes all of them.
        id: ActionId::new(id).ok()?,
        route: route.clone(),
        tier: Tier::Low,
        scope: Vec::new(),
        operations: operations
            .map(|name| Operation::Mcp(McpOperation::Method(name)))
            .collect(),
        params: BTreeMap::new(),
        query: BTreeMap::new(),
        args: BTreeMap::new(),
        extra: true,
        definition: None,
        builtin: true,
        resource: target.map(|(_, kind)| Arc::from(kind)),
    };
    Some(Entry {
        places: Places::new(action.extra),
        action: Arc::new(action),
        resource_id: None,
    })
}
