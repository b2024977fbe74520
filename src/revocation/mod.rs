//! Revocations: a credential, an identity or a key that was good and is not any more. Every request is checked against what
//! is in memory here; nothing that is cached passes it by.
//!
//! Entries come from the store alone, as states that are merged: one that comes twice, late or in another order changes
//! nothing. Here is neither a clock nor a wait. What a call names is found by its keyed hash, one look a name, and a kind
//! that nobody revoked costs nothing.
//!
//! Memory is bounded by what is accepted: beyond [`MAX_ENTRIES`] a new entry is refused before the store has it, and whoever
//! asked is told to revoke something larger. Nothing that was acknowledged is ever left out, and nothing is made coarser by
//! itself: a transmitter that floods us must not log everybody out.

mod judge;
mod name;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;

pub use judge::{Judge, Standing};
pub use name::Name;

use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;
use crate::store::Steadiness;
use table::Table;

/// Most entries; a few hundred bytes each.
pub const MAX_ENTRIES: usize = 99_000;
/// Room beyond that for entries that make many others needless: whole providers, owners and trust domains.
const COARSE_ROOM: usize = 1_000;

/// The revocations that this replica knows. Cheap to clone; every clone is the same memory.
#[derive(Clone)]
pub struct Revocations(Arc<Memory>);

struct Memory {
    table: ArcSwap<Table>,
    /// Nobody outside knows which names fall together.
    hasher: RandomState,
    clock: Mutex<Steadiness>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self(Arc::new(Memory {
            table: ArcSwap::default(),
            hasher: RandomState::new(),
            clock: Mutex::default(),
        }))
    }
}

impl Revocations {
    /// Merges entries in: those who ask from now on see all of them.
    pub fn apply(&self, entries: &[Arc<Revocation>]) {
        let Memory { table, hasher, .. } = &*self.0;
        table.rcu(|known| known.with(entries, hasher));
    }

    /// All that is known, in no order.
    pub fn entries(&self) -> Vec<Arc<Revocation>> {
        self.0.table.load().entries().map(Arc::clone).collect()
    }

    /// What is known of a target.
    pub fn get(&self, target: &Target) -> Option<Arc<Revocation>> {
        let Memory { table, hasher, .. } = &*self.0;
        let name = Name::of(target);
        table.load().find(&name, hasher).map(Arc::clone)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.table.load().len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an entry of this target may be made: there is room, or it is known already.
    pub fn has_room_for(&self, target: &Target) -> bool {
        let coarse = match target {
            Target::Issuer(_) | Target::Owner(_) | Target::SpiffePrefix(_) => COARSE_ROOM,
            Target::Token(..)
            | Target::Subject(..)
            | Target::Actor(..)
            | Target::Client(..)
            | Target::Session(..)
            | Target::Key(..)
            | Target::Spiffe(_)
            | Target::ApiKey(_)
            | Target::ProofKey(_)
            | Target::Approval(_) => 0,
        };
        self.len() < MAX_ENTRIES + coarse || self.get(target).is_some()
    }

    /// Grows with everything that is taken over: what was judged at one revision is still true at the same.
    pub fn revision(&self) -> u64 {
        self.0.table.load().revision()
    }

    /// Judges a call; none if nothing is revoked, so that there is nothing to ask. All names are judged by the same entries.
    pub fn judge(&self) -> Option<Judge<'_>> {
        let Memory { table, hasher, .. } = &*self.0;
        let table = table.load();
        (table.len() > 0).then(|| Judge::new(table, hasher))
    }

    /// Whether one thing is revoked that was not issued by anybody, as an approval is not.
    pub fn names(&self, name: &Name<'_>) -> bool {
        self.judge().is_some_and(|mut judge| {
            judge.name(name, None);
            judge.standing() != Standing::Good
        })
    }

    /// Forgets entries that name nothing which can still be valid, some time after their end: never on the word of a clock
    /// that was set. `at` is the monotonic clock.
    pub fn sweep(&self, now: Timestamp, at: Instant) {
        let Memory {
            table,
            hasher,
            clock,
        } = &*self.0;
        let seen = clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .see(now, at);
        if let Some(over) = seen
            && table.load().has_over(over)
        {
            table.rcu(|known| known.without(over, hasher));
        }
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revocations({})", self.len())
    }
}
