//! The entries, found by hash. A table never changes: a new one shares what is old with the one before.

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::sync::Arc;

use super::name::Name;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;

/// Most entries of the small layer, which is copied whenever something is revoked; the large one is copied once for as many.
const MAX_RECENT: usize = 512;

/// All entries, merged.
#[derive(Clone, Default)]
pub(super) struct Table {
    /// What was revoked first.
    base: Arc<Layer>,
    /// What was revoked since; it supersedes the base.
    recent: Layer,
    /// The kinds that there are entries of, a bit for each.
    kinds: u16,
    /// Entries of both layers, each target once.
    count: usize,
    revision: u64,
}

/// Entries by the hash of their target. Where two targets have one hash, the second stands at the next free place; nothing is
/// ever taken out of a layer, so that there are no gaps.
#[derive(Clone, Default)]
struct Layer(HashMap<u64, Arc<Revocation>>);

impl Layer {
    fn find(&self, name: &Name<'_>, hash: u64) -> Option<&Arc<Revocation>> {
        let mut place = hash;
        loop {
            let entry = self.0.get(&place)?;
            if Name::of(&entry.target) == *name {
                return Some(entry);
            }
            place = place.wrapping_add(1);
        }
    }

    /// Puts an entry in place of what is there of the same target.
    fn put(&mut self, entry: Arc<Revocation>, hash: u64) {
        let mut place = hash;
        while self
            .0
            .get(&place)
            .is_some_and(|other| other.target != entry.target)
        {
            place = place.wrapping_add(1);
        }
        self.0.insert(place, entry);
    }
}

impl Table {
    /// The same with `entries` merged in.
    pub(super) fn with(&self, entries: &[Arc<Revocation>], hasher: &RandomState) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        for entry in entries {
            next.merge(entry, hasher);
        }
        if next.recent.0.len() > MAX_RECENT {
            next.fold(hasher);
        }
        next
    }

    fn merge(&mut self, entry: &Arc<Revocation>, hasher: &RandomState) {
        let name = Name::of(&entry.target);
        let merged = if let Some(known) = self.find(&name, hasher) {
            Arc::new(Revocation::clone(known).merge(Revocation::clone(entry)))
        } else {
            self.count += 1;
            Arc::clone(entry)
        };
        self.kinds |= name.bit();
        self.recent.put(merged, name.hash(hasher));
    }

    /// Makes one layer of both.
    fn fold(&mut self, hasher: &RandomState) {
        let mut base = Layer::clone(&self.base);
        for (_, entry) in self.recent.0.drain() {
            let hash = Name::of(&entry.target).hash(hasher);
            base.put(entry, hash);
        }
        self.base = Arc::new(base);
    }

    /// The entry of a name.
    pub(super) fn find(&self, name: &Name<'_>, hasher: &RandomState) -> Option<&Arc<Revocation>> {
        if !self.has(name) {
            return None;
        }
        self.find_at(name, name.hash(hasher))
    }

    pub(super) fn find_at(&self, name: &Name<'_>, hash: u64) -> Option<&Arc<Revocation>> {
        let recent = self.recent.find(name, hash);
        recent.or_else(|| self.base.find(name, hash))
    }

    /// Whether there is any entry of the name's kind.
    pub(super) fn has(&self, name: &Name<'_>) -> bool {
        self.kinds & name.bit() != 0
    }

    /// Every entry once.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Revocation>> {
        let superseded: HashSet<&Target> = self.recent.0.values().map(|it| &it.target).collect();
        let older = self.base.0.values();
        let older = older.filter(move |entry| !superseded.contains(&entry.target));
        older.chain(self.recent.0.values())
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether any entry has ended before `end`.
    pub(super) fn has_over(&self, end: Timestamp) -> bool {
        self.entries().any(|entry| is_over(entry, end))
    }

    /// The same without entries that have ended before `end`.
    pub(super) fn without(&self, end: Timestamp, hasher: &RandomState) -> Self {
        let kept = self.entries().filter(|entry| !is_over(entry, end));
        let kept: Vec<_> = kept.map(Arc::clone).collect();
        let empty = Self {
            revision: self.revision,
            ..Self::default()
        };
        empty.with(&kept, hasher)
    }
}

#[cfg(test)]
impl Table {
    /// Puts an entry where it would be if this were its hash.
    pub(super) fn put_at(&mut self, entry: Arc<Revocation>, hash: u64) {
        self.recent.put(entry, hash);
    }
}

fn is_over(entry: &Revocation, end: Timestamp) -> bool {
    entry.expires.is_some_and(|expires| expires < end)
}
