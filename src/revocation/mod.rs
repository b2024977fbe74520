//! Revocations: a credential, an identity or a key that was good and is not any more. Every request is checked against what is in
//! memory here; nothing that is cached passes it by.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::model::revocation::{Revocation, Target};

/// The revocations that this replica knows. Cheap to clone; every clone is the same memory.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    table: Arc<ArcSwap<BTreeMap<Target, Arc<Revocation>>>>,
}

impl Revocations {
    /// Merges entries in.
    pub fn apply(&self, entries: &[Arc<Revocation>]) {
        self.table.rcu(|known| {
            let mut next = BTreeMap::clone(known);
            for entry in entries {
                let merged = match next.get(&entry.target) {
                    Some(known) => {
                        Arc::new(Revocation::clone(known).merge(Revocation::clone(entry)))
                    }
                    None => Arc::clone(entry),
                };
                next.insert(entry.target.clone(), merged);
            }
            next
        });
    }

    /// All that is known.
    pub fn entries(&self) -> Vec<Arc<Revocation>> {
        self.table.load().values().cloned().collect()
    }
}
