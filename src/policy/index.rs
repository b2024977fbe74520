//! The rules of one action, filed so that a party's own rules are found without looking at everybody else's.

use foldhash::{HashMap, HashMapExt as _};

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
    rules: Box<[Bound]>,
    by_id: HashMap<Box<str>, Positions>,
    by_group: HashMap<Box<str>, Positions>,
    others: Box<[Position]>,
}

/// Where a rule stands among the rules of its index. Half the size of a `usize`, and there may be a hundred thousand.
type Position = u32;

/// Where the rules of one key stand, in order; most keys have one.
#[derive(Debug)]
enum Positions {
    One(Position),
    Many(Vec<Position>),
}

impl Positions {
    fn as_slice(&self) -> &[Position] {
        match self {
            Self::One(position) => std::slice::from_ref(position),
            Self::Many(positions) => positions,
        }
    }

    /// Adds a position that is not smaller than any that is there.
    fn add(&mut self, position: Position) {
        match self {
            Self::One(known) if *known == position => {}
            Self::One(known) => *self = Self::Many(vec![*known, position]),
            Self::Many(known) if known.last() == Some(&position) => {}
            Self::Many(known) => known.push(position),
        }
    }
}

impl Index {
    /// Files the rules, which are in the order of their ids.
    pub(super) fn build(rules: Vec<Bound>) -> Self {
        let (mut by_id, mut by_group) = (HashMap::new(), HashMap::new());
        let mut others = Vec::new();
        for (position, bound) in (0..).zip(&rules) {
            let to = bound.rule.to.as_ref();
            match to.map_or(Keys::Any, super::matcher::To::keys) {
                Keys::Ids(ids) => file(&mut by_id, &ids, position),
                Keys::Groups(groups) => file(&mut by_group, &groups, position),
                Keys::Any => others.push(position),
            }
        }
        by_id.shrink_to_fit();
        by_group.shrink_to_fit();
        Self {
            rules: rules.into_boxed_slice(),
            by_id,
            by_group,
            others: others.into_boxed_slice(),
        }
    }

    /// Every rule that could match `party`, in order, each once.
    pub(super) fn candidates<'a>(&'a self, party: &Party, scan: Scan) -> Candidates<'a> {
        let rules = &*self.rules;
        if scan == Scan::Linear {
            return Candidates { rules, at: At::All };
        }
        let of_id = filed(self.by_id.get(party.id.id.as_ref()));
        let groups = party.groups.iter();
        let of_groups = groups.map(|group| filed(self.by_group.get(group.as_ref())));
        let lists = std::iter::once(&*self.others)
            .chain(std::iter::once(of_id))
            .chain(of_groups);
        let at = lists.fold(At::Listed(&[]), At::and);
        Candidates {
            rules,
            at: at.in_order(),
        }
    }

    /// All rules.
    pub(super) fn rules(&self) -> &[Bound] {
        &self.rules
    }
}

/// Rules that could match, in order, each once.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    rules: &'a [Bound],
    at: At<'a>,
}

/// Where they stand.
#[derive(Debug)]
enum At<'a> {
    All,
    /// What one key leads to: most parties are found by one.
    Listed(&'a [Position]),
    /// What several do.
    Joined(Vec<Position>),
}

impl<'a> At<'a> {
    fn and(self, more: &'a [Position]) -> Self {
        match self {
            known if more.is_empty() => known,
            Self::All => Self::All,
            Self::Listed([]) => Self::Listed(more),
            Self::Listed(known) => Self::Joined([known, more].concat()),
            Self::Joined(mut known) => {
                known.extend(more);
                Self::Joined(known)
            }
        }
    }

    fn in_order(mut self) -> Self {
        if let Self::Joined(positions) = &mut self {
            positions.sort_unstable();
            positions.dedup();
        }
        self
    }
}

impl<'a> Candidates<'a> {
    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Bound> {
        let rules = self.rules;
        let (all, listed): (_, &[Position]) = match &self.at {
            At::All => (rules, &[]),
            At::Listed(positions) => (&[][..], positions),
            At::Joined(positions) => (&[][..], positions),
        };
        let listed = listed.iter();
        let listed = listed.filter_map(|position| rules.get(usize::try_from(*position).ok()?));
        all.iter().chain(listed)
    }
}

fn filed(known: Option<&Positions>) -> &[Position] {
    known.map(Positions::as_slice).unwrap_or_default()
}

fn file(map: &mut HashMap<Box<str>, Positions>, keys: &[&str], position: Position) {
    for key in keys {
        match map.get_mut(*key) {
            Some(known) => known.add(position),
            None => {
                map.insert((*key).into(), Positions::One(position));
            }
        }
    }
}
