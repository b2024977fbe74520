//! The catalogue of one route, compiled: which action a method and a path are.
//!
//! The most specific pattern wins: compared segment by segment from the left, literal text beats `{name}`, and
//! `{name}` beats `{*name}`; between two patterns that are the same, a named method beats `*`. Two actions that are
//! the same in both are a load error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use matchit::Router;

use super::operation::{method_of, pattern_of};
use super::parameters::{path_parameters, query_parameters};
use crate::expression::Expression;
use crate::model::attributes::Attributes;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::{Action, Asked, Resource};
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// An action, ready to be asked for.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) action: Arc<Action>,
    pub(super) resource_id: Option<Expression>,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    entry: usize,
    /// Whether the pattern itself ends with a slash.
    slash: bool,
    any_method: bool,
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
    by_method: BTreeMap<String, Router<Target>>,
    other_methods: Router<Target>,
}

impl Catalogue {
    /// Compiles the entries; every conflict is reported.
    pub(super) fn build(entries: Vec<Entry>) -> Result<Self, Vec<Conflict>> {
        let methods: BTreeSet<String> = entries
            .iter()
            .flat_map(|entry| {
                entry
                    .action
                    .operations
                    .iter()
                    .filter_map(method_of)
                    .map(ToOwned::to_owned)
            })
            .collect();
        let mut conflicts = Vec::new();
        let mut by_method = BTreeMap::new();
        for method in methods {
            let router = router_for(&entries, Some(&method), &mut conflicts);
            by_method.insert(method, router);
        }
        let other_methods = router_for(&entries, None, &mut conflicts);
        if conflicts.is_empty() {
            Ok(Self {
                entries,
                by_method,
                other_methods,
            })
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
        let router = self
            .by_method
            .get(&request.method)
            .unwrap_or(&self.other_methods);
        let ends_with_slash = request.path.len() > 1 && request.path.ends_with('/');
        let Ok(found) = router.at(&request.path) else {
            let without = request.path.strip_suffix('/').unwrap_or_default();
            let slash_is_all = ends_with_slash && router.at(without).is_ok();
            return Err(Denial::new(if slash_is_all {
                Reason::PathTrailingSlash
            } else {
                Reason::NoAction
            }));
        };
        if ends_with_slash && !found.value.slash {
            return Err(Denial::new(Reason::PathTrailingSlash));
        }
        let Some(entry) = self.entries.get(found.value.entry) else {
            return Err(Denial::new(Reason::NoAction));
        };
        entry.ask(request, found.params.iter())
    }
}

/// A router of all operations that `method` can mean; named methods go in first, so that they beat `*`.
fn router_for(
    entries: &[Entry],
    method: Option<&str>,
    conflicts: &mut Vec<Conflict>,
) -> Router<Target> {
    let mut router: Router<Target> = Router::new();
    let operations = || {
        let indexed = entries.iter().enumerate();
        indexed.flat_map(|(index, entry)| {
            entry
                .action
                .operations
                .iter()
                .map(move |operation| (index, operation))
        })
    };
    for any_method in [false, true] {
        for (index, operation) in operations() {
            let wanted = if any_method {
                method_of(operation).is_none()
            } else {
                method_of(operation) == method
            };
            if !wanted || (!any_method && method.is_none()) {
                continue;
            }
            let pattern = pattern_of(operation);
            let target = Target {
                entry: index,
                slash: pattern.len() > 1 && pattern.ends_with('/'),
                any_method,
            };
            if let Err(matchit::InsertError::Conflict { with }) = router.insert(&pattern, target) {
                let Some(other) = router.at(&with).ok().map(|found| *found.value) else {
                    continue;
                };
                if other.any_method == any_method
                    && let (Some(first), Some(second)) =
                        (entries.get(other.entry), entries.get(index))
                {
                    let (first, second) = (Arc::clone(&first.action), Arc::clone(&second.action));
                    conflicts.push(Conflict {
                        operation: operation.to_string(),
                        first,
                        second,
                    });
                }
            }
        }
    }
    router
}

impl Entry {
    fn ask<'a>(
        &self,
        request: &AccessRequest,
        captured: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Asked, Denial> {
        let params = path_parameters(&self.action, captured)?;
        let query = query_parameters(&self.action, &request.query)?;
        let mut asked = Asked {
            action: Arc::clone(&self.action),
            params,
            query,
            resource: None,
        };
        if let (Some(kind), Some(expression)) = (&self.action.resource, &self.resource_id) {
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

/// What `resource.id` can read.
struct Parameters<'a>(&'a Asked);

impl Attributes for Parameters<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let [root, name] = path else { return None };
        match root.as_ref() {
            "params" => self.0.params.get(name.as_ref()).cloned(),
            "query" => self.0.query.get(name.as_ref()).cloned(),
            _ => None,
        }
    }
}
