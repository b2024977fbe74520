//! The compiled rules of one action, and what follows from all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bound::Bound;
use super::index::Index;
use super::key::Caching;
use super::signal::Signal;
use super::trace::Effect;
use crate::model::route::Action;

/// The compiled rules of one action.
#[derive(Debug)]
pub(super) struct ActionRules {
    pub(super) forbids: Index,
    pub(super) permits: Index,
    pub(super) guards: Index,
    pub(super) signals: Vec<Signal>,
    pub(super) has_shadow: bool,
    /// Whose route it stands on, where one server decides for several.
    pub(super) tenant: Option<Arc<str>>,
    /// Whether a request can be let through with a token of our own.
    pub(super) demands_token: bool,
    /// Query parameters that its rules and signals read; none: any.
    pub(super) query_reads: Option<BTreeSet<Arc<str>>>,
    /// Whether its rulings can be remembered.
    pub(super) caching: Caching,
}

impl ActionRules {
    /// The rules and signals of `action`, which stands on a route of `tenant`; `number` is for the key of its rulings.
    pub(super) fn of(
        items: Vec<Bound>,
        signals: Vec<Signal>,
        tenant: Option<Arc<str>>,
        action: &Action,
        number: u32,
    ) -> Self {
        let caching = Caching::of(&items, action, number);
        let has_shadow = items.iter().any(|item| item.rule.shadow);
        let enforced = items.iter().filter(|item| !item.rule.shadow);
        let demands_token = enforced.clone().any(Bound::demands_token);
        let of_rules = enforced.map(Bound::query_reads);
        let reads: Option<Vec<Vec<Arc<str>>>> = of_rules
            .chain(signals.iter().map(Signal::query_reads))
            .collect();
        let query_reads = reads.map(|lists| lists.into_iter().flatten().collect());
        let mut by_effect: BTreeMap<Effect, Vec<Bound>> = BTreeMap::new();
        for item in items {
            by_effect.entry(item.rule.effect).or_default().push(item);
        }
        let mut take = |effect| Index::build(by_effect.remove(&effect).unwrap_or_default());
        Self {
            forbids: take(Effect::Forbid),
            permits: take(Effect::Permit),
            guards: take(Effect::Guard),
            signals,
            has_shadow,
            tenant,
            demands_token,
            query_reads,
            caching,
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Bound> {
        [&self.forbids, &self.permits, &self.guards]
            .into_iter()
            .flat_map(Index::rules)
    }
}
