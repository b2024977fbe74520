//! The catalogue of one route, compiled: which action a method and a path are.
//!
//! The most specific pattern wins: compared segment by segment from the left, literal text beats `{name}`, and
//! `{name}` beats `{*name}`; between two patterns that are the same, a named method beats `*`. Two actions that are
//! the same in both are a load error.

use std::sync::Arc;

use super::arguments::{Arguments, Places};
use super::body::{self, Accepts};
use super::operation::{method_of, pattern_of};
use super::parameters::{path_parameters, query_parameters, repeated};
use super::tree::Tree;
use crate::expression::Expression;
use crate::model::attributes::Attributes;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Query};
use crate::model::route::{Action, Asked, Operation, Resource};
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// An action, ready to be asked for.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) action: Arc<Action>,
    pub(super) resource_id: Option<Expression>,
    pub(super) places: Places,
}

/// Two actions that stand for the same requests.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) operation: String,
    pub(super) first: Arc<Action>,
    pub(super) second: Arc<Action>,
}

/// The compiled catalogue.
#[derive(Debug)]
pub(super) struct Catalogue {
    entries: Vec<Entry>,
    tree: Tree,
}

impl Catalogue {
    /// Compiles the entries; every conflict is reported.
    pub(super) fn build(entries: Vec<Entry>) -> Result<Self, Vec<Conflict>> {
        let mut tree = Tree::default();
        let mut conflicts = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let of_http = |operation: &&Operation| !matches!(operation, Operation::Mcp(_));
            for operation in entry.action.operations.iter().filter(of_http) {
                let pattern = pattern_of(operation);
                if let Err(other) = tree.insert(method_of(operation), &pattern, index)
                    && let Some(first) = entries.get(other)
                {
                    conflicts.push(Conflict {
                        operation: operation.to_string(),
                        first: Arc::clone(&first.action),
                        second: Arc::clone(&entry.action),
                    });
                }
            }
        }
        if conflicts.is_empty() {
            Ok(Self { entries, tree })
        } else {
            Err(conflicts)
        }
    }

    /// The actions, in the order of the catalogue.
    pub(super) fn actions(&self) -> Vec<Arc<Action>> {
        self.entries
            .iter()
            .map(|entry| Arc::clone(&entry.action))
            .collect()
    }

    /// Finds the action that `request` asks for.
    pub(super) fn find(&self, request: &AccessRequest) -> Result<Asked, Denial> {
        let ends_with_slash = request.path.len() > 1 && request.path.ends_with('/');
        let find = |path| self.tree.find(&request.method, path);
        let Some((leaf, captured)) = find(&request.path) else {
            let without = request.path.strip_suffix('/').unwrap_or_default();
            let slash_is_all = ends_with_slash && find(without).is_some();
            return Err(Denial::new(if slash_is_all {
                Reason::PathTrailingSlash
            } else {
                Reason::NoAction
            }));
        };
        if ends_with_slash && !leaf.slash {
            return Err(Denial::new(Reason::PathTrailingSlash));
        }
        let entry = self.entries.get(leaf.entry);
        let entry = entry.ok_or_else(|| Denial::new(Reason::NoAction))?;
        let arguments = entry.of_body(request)?;
        entry.ask(request, captured.into_iter(), arguments)
    }
}

impl Entry {
    /// The arguments in the body of an HTTP request. An action that declares none does not look at it.
    fn of_body(&self, request: &AccessRequest) -> Result<Arguments, Denial> {
        if self.places.is_empty() {
            return Ok(Arguments::default());
        }
        let document = body::read(request, Accepts::JsonAndSuffix)?;
        self.places.typed(Some(&document))
    }

    /// What is asked for, with what the path `captured` and the `arguments` that came.
    pub(super) fn ask<'a>(
        &self,
        request: &AccessRequest,
        captured: impl Iterator<Item = (&'a str, &'a str)>,
        arguments: Arguments,
    ) -> Result<Asked, Denial> {
        let params = path_parameters(&self.action, captured)?;
        let query = query_parameters(&self.action, &request.query)?;
        let mut asked = Asked {
            action: Arc::clone(&self.action),
            params,
            query,
            args: arguments.args,
            arguments_digest: arguments.digest,
            canonical_arguments: arguments.canonical,
            arguments_without_digest: arguments.without_digest,
            resource: None,
            target: None,
            said: None,
        };
        if let (Some(kind), Some(expression)) = (&self.action.resource, &self.resource_id) {
            check_repeated(expression, &request.query)?;
            let id = expression.evaluate(&Parameters(&asked)).map_err(|error| {
                Denial::new(Reason::ParameterInvalid)
                    .because(format!("the resource's id cannot be read: {error}"))
            })?;
            let id = Arc::from(id.as_str().unwrap_or_default());
            asked.resource = Some(Resource {
                kind: Arc::clone(kind),
                id,
            });
        }
        Ok(asked)
    }
}

/// Undeclared parameters are read by their first value, so one that names the resource must have no second.
fn check_repeated(expression: &Expression, query: &Query) -> Result<(), Denial> {
    let reads = |name: &str| {
        expression.reads().iter().any(|path| match path.as_ref() {
            [root] => root.as_ref() == "query",
            [root, member, ..] => root.as_ref() == "query" && member.as_ref() == name,
            [] => false,
        })
    };
    query
        .repeated(reads)
        .map_or(Ok(()), |name| Err(repeated(name)))
}

/// What `resource.id` can read.
struct Parameters<'a>(&'a Asked);

impl Attributes for Parameters<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let [root, name] = path else { return None };
        match root.as_ref() {
            "params" => self.0.params.get(name.as_ref()).cloned(),
            "query" => self.0.query.get(name.as_ref()).cloned(),
            "args" => self.0.args.get(name.as_ref()).cloned(),
            _ => None,
        }
    }
}
