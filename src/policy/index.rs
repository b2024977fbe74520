//! The rules of one action, filed so that a party's own rules are found without looking at everybody else's.

use std::collections::HashMap;

use super::bound::Bound;
use super::matcher::Keys;
use crate::model::party::Party;

/// How candidates are found; both ways give the same verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Through the index.
    Indexed,
    /// Every rule, for traces and for proving the index.
    Linear,
}

/// Rules of one effect, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Index {
    rules: Vec<Bound>,
    by_id: HashMap<Box<str>, Vec<usize>>,
    by_group: HashMap<Box<str>, Vec<usize>>,
    others: Vec<usize>,
}

impl Index {
    /// Files the rules, which are in the order of their ids.
    pub(super) fn build(rules: Vec<Bound>) -> Self {
        let mut index = Self::default();
        for (position, bound) in rules.iter().enumerate() {
            match bound
                .rule
                .to
                .as_ref()
                .map_or(Keys::Any, super::matcher::To::keys)
            {
                Keys::Ids(ids) => file(&mut index.by_id, &ids, position),
                Keys::Groups(groups) => file(&mut index.by_group, &groups, position),
                Keys::Any => index.others.push(position),
            }
        }
        Self { rules, ..index }
    }

    /// Every rule that could match `party`, in order, each once.
    pub(super) fn candidates(&self, party: &Party, scan: Scan) -> Vec<&Bound> {
        if scan == Scan::Linear {
            return self.rules.iter().collect();
        }
        let mut positions: Vec<usize> = self.others.clone();
        positions.extend(self.by_id.get(party.id.id.as_ref()).into_iter().flatten());
        for group in &party.groups {
            positions.extend(self.by_group.get(group.as_ref()).into_iter().flatten());
        }
        positions.sort_unstable();
        positions.dedup();
        positions
            .into_iter()
            .filter_map(|position| self.rules.get(position))
            .collect()
    }

    /// All rules.
    pub(super) fn rules(&self) -> &[Bound] {
        &self.rules
    }
}

fn file(map: &mut HashMap<Box<str>, Vec<usize>>, keys: &[&str], position: usize) {
    for key in keys {
        let positions = map.entry((*key).into()).or_default();
        if positions.last() != Some(&position) {
            positions.push(position);
        }
    }
}
