//! The catalogue as rules and signals see it: which actions there are, and what a condition may read on each.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::compile::Context;
use super::language::Language;
use super::selector::Selector;
use crate::model::name::{ActionId, ProviderName, RouteId};
use crate::model::route::{Action, COUNTERSIGN, Route};
use crate::model::schema::{self, ClaimDeclarations, Schema};

/// The catalogue as selectors see it.
pub(super) struct Catalog<'a> {
    pub(super) actions: Vec<&'a Action>,
    by_id: HashMap<&'a str, Vec<&'a Action>>,
    routes: HashMap<&'a RouteId, &'a Route>,
    pub(super) declared: &'a BTreeMap<ProviderName, ClaimDeclarations>,
}

impl<'a> Catalog<'a> {
    pub(super) fn new(context: &Context<'a>) -> Self {
        let actions: Vec<&Action> = context
            .routes
            .iter()
            .flat_map(|route| &route.actions)
            .map(AsRef::as_ref)
            .collect();
        let mut by_id: HashMap<&str, Vec<&Action>> = HashMap::new();
        for action in &actions {
            by_id.entry(action.id.as_str()).or_default().push(action);
        }
        let routes = context
            .routes
            .iter()
            .map(|route| (&route.id, *route))
            .collect();
        Self {
            actions,
            by_id,
            routes,
            declared: context.providers,
        }
    }

    pub(super) fn has_action(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Whether there is a route of this name, and which.
    pub(super) fn route(&self, name: &str) -> Option<&'a RouteId> {
        let id = RouteId::new(name).ok()?;
        self.routes.get_key_value(&id).map(|(id, _)| *id)
    }

    /// The route itself.
    pub(super) fn get(&self, id: &RouteId) -> Option<&'a Route> {
        self.routes.get(id).copied()
    }

    /// Every route.
    pub(super) fn route_names(&self) -> impl Iterator<Item = &'a str> {
        self.routes.keys().map(|id| id.as_str())
    }

    /// The actions that a selector covers. One that names its actions or routes does not look at all the others, so
    /// that a large policy on a large catalogue loads in linear time.
    pub(super) fn covered(&self, selector: &Selector) -> Vec<&'a Action> {
        let candidates: Vec<&Action> = match (selector.literal_ids(), selector.route_ids()) {
            (Some(ids), _) => ids
                .iter()
                .filter_map(|id| self.by_id.get(*id))
                .flatten()
                .copied()
                .collect(),
            (None, Some(routes)) => routes
                .iter()
                .filter_map(|id| self.routes.get(*id))
                .flat_map(|route| &route.actions)
                .map(AsRef::as_ref)
                .collect(),
            (None, None) => self.actions.clone(),
        };
        candidates
            .into_iter()
            .filter(|action| selector.covers(action))
            .collect()
    }

    /// The providers whose credentials approvers may present; none where approving is no action of this catalogue.
    pub(super) fn approvers(&self) -> Option<&'a [ProviderName]> {
        let route = self.route(COUNTERSIGN)?;
        self.providers_of(route)
    }

    pub(super) fn providers_of(&self, route: &RouteId) -> Option<&'a [ProviderName]> {
        self.routes
            .get(route)
            .map(|route| route.providers.as_slice())
    }
}

/// What conditions may read on one action.
#[derive(Clone)]
pub(super) struct Readable {
    /// What guards and signals see.
    pub(super) plain: Rc<Language>,
    /// What permits and forbids see: `party` too.
    pub(super) with_party: Rc<Language>,
}

/// What conditions may read, worked out once for each action. Actions of which conditions may read the same share what is
/// compiled, so that a rule that covers a whole catalogue is compiled a few times and not once for every action.
pub(super) struct Schemas<'c, 'a> {
    catalog: &'c Catalog<'a>,
    context: &'c Context<'a>,
    known: HashMap<(&'a RouteId, &'a ActionId), Readable>,
    languages: HashMap<Schema, Rc<Language>>,
}

impl<'c, 'a> Schemas<'c, 'a> {
    pub(super) fn new(catalog: &'c Catalog<'a>, context: &'c Context<'a>) -> Self {
        Self {
            catalog,
            context,
            known: HashMap::new(),
            languages: HashMap::new(),
        }
    }

    pub(super) fn of(&mut self, action: &'a Action) -> Readable {
        let Self {
            catalog,
            context,
            known,
            languages,
        } = self;
        let mut language = |party| {
            let schema = schema_of(action, catalog, context, party);
            let languages = languages.entry(schema);
            let known = languages.or_insert_with_key(|it| Rc::new(Language::new(it.clone())));
            Rc::clone(known)
        };
        let readable = known
            .entry((&action.route, &action.id))
            .or_insert_with(|| Readable {
                plain: language(false),
                with_party: language(true),
            });
        readable.clone()
    }
}

fn schema_of(action: &Action, catalog: &Catalog<'_>, context: &Context<'_>, party: bool) -> Schema {
    let names = catalog.providers_of(&action.route).unwrap_or_default();
    let claims: Vec<&ClaimDeclarations> = names
        .iter()
        .filter_map(|name| context.providers.get(name))
        .collect();
    let (conditions, metadata) = (context.conditions, context.trusted_metadata);
    schema::of_rules(action, &claims, conditions, metadata, party)
}
