//! Which actions a rule covers.

use std::collections::BTreeSet;

use super::catalog::Catalog;
use super::spec::{SelectorSpec, WhereSpec};
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::name::RouteId;
use crate::model::route::{Action, Tier};
use crate::model::suggest::suggest;

/// A compiled selector.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    ids: Option<Vec<Glob>>,
    tiers: Option<Vec<Tier>>,
    routes: Option<Vec<RouteId>>,
}

impl Selector {
    /// Every action there is, also where there is none.
    pub(super) const fn everything() -> Self {
        Self {
            ids: None,
            tiers: None,
            routes: None,
        }
    }

    /// Checks the selector against the catalogue: every pattern must cover at least one action.
    pub(super) fn compile(
        spec: &SelectorSpec,
        catalog: &Catalog<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let selector = match spec {
            SelectorSpec::Ids(ids) => Self {
                ids: Some(compile_ids(ids, catalog, &mut findings)),
                tiers: None,
                routes: None,
            },
            SelectorSpec::Where(selected) => {
                let WhereSpec {
                    action,
                    tier,
                    route,
                } = &**selected;
                if action.is_none() && tier.is_none() && route.is_none() {
                    let finding = Finding::error("empty-selector", "the selector names nothing");
                    findings.push(finding.help("write `\"*\"` if the rule covers every action"));
                }
                let mut nested = Vec::new();
                let ids = action
                    .as_ref()
                    .map(|ids| compile_ids(ids, catalog, &mut nested));
                findings.extend(nested.into_iter().map(|finding| finding.under("action")));
                Self {
                    ids,
                    tiers: compile_tiers(tier.as_ref(), &mut findings),
                    routes: compile_routes(route.as_ref(), catalog, &mut findings),
                }
            }
        };
        if findings.is_empty() && catalog.covered(&selector).is_empty() {
            findings.push(Finding::error("no-action", "the rule covers no action"));
        }
        if findings.is_empty() {
            Ok(selector)
        } else {
            Err(findings)
        }
    }

    /// Whether the rule covers `action`.
    pub(super) fn covers(&self, action: &Action) -> bool {
        let by_id = self
            .ids
            .as_ref()
            .is_none_or(|ids| ids.iter().any(|glob| covers_id(glob, action.id.as_str())));
        let by_tier = self
            .tiers
            .as_ref()
            .is_none_or(|tiers| tiers.contains(&action.tier));
        by_id
            && by_tier
            && self
                .routes
                .as_ref()
                .is_none_or(|routes| routes.contains(&action.route))
    }

    /// The action ids that the rule can cover, each once, when it names them in full.
    pub(super) fn literal_ids(&self) -> Option<BTreeSet<&str>> {
        self.ids.as_ref()?.iter().map(Glob::literal).collect()
    }

    /// The routes that the rule names, each once.
    pub(super) fn route_ids(&self) -> Option<BTreeSet<&RouteId>> {
        Some(self.routes.as_ref()?.iter().collect())
    }
}

/// `*` alone covers everything; inside a pattern it stays within a segment.
fn covers_id(glob: &Glob, id: &str) -> bool {
    glob.as_str() == "*" || glob.matches(id)
}

fn compile_ids(
    ids: &OneOrMany<String>,
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Glob> {
    let mut globs = Vec::new();
    for (index, text) in ids.items().iter().enumerate() {
        let glob = Glob::dotted(text);
        let known = match glob.literal() {
            Some(id) => catalog.has_action(id),
            None => catalog
                .actions
                .iter()
                .any(|action| covers_id(&glob, action.id.as_str())),
        };
        if !known {
            let finding =
                Finding::error("unknown-action", format!("no route has an action `{text}`"));
            let near = suggest(
                text,
                catalog.actions.iter().map(|action| action.id.as_str()),
            );
            let finding = match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding
                    .help("`*` stands for one segment: `customers.*` covers `customers.export`"),
            };
            findings.push(ids.place(index, finding));
        }
        globs.push(glob);
    }
    if globs.is_empty() {
        findings.push(Finding::error(
            "empty-selector",
            "the selector names nothing",
        ));
    }
    globs
}

fn compile_tiers(
    tiers: Option<&OneOrMany<String>>,
    findings: &mut Vec<Finding>,
) -> Option<Vec<Tier>> {
    let parsed = tiers?.items().iter().filter_map(|text| match text.parse() {
        Ok(tier) => Some(tier),
        Err(error) => {
            let error: crate::model::route::TierError = error;
            findings.push(Finding::error("invalid-tier", error.to_string()).under("tier"));
            None
        }
    });
    Some(parsed.collect())
}

fn compile_routes(
    routes: Option<&OneOrMany<String>>,
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Vec<RouteId>> {
    let found = routes?.items().iter().filter_map(|text| {
        let known = catalog.route(text).cloned();
        if known.is_none() {
            let near = suggest(text, catalog.route_names());
            let finding = Finding::error("unknown-route", format!("there is no route `{text}`"));
            let finding = near.map_or_else(
                || finding.clone(),
                |near| finding.clone().help(format!("did you mean `{near}`?")),
            );
            findings.push(finding.under("route"));
        }
        known
    });
    Some(found.collect())
}
