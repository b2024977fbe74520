//! Who asked: noted in memory after every decision, and taken away by a task that writes it down.
//!
//! No decision waits for it or depends on it. An identity that finds no room is counted and not noted, until what was
//! noted is taken.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::parties::client_of;
use crate::model::identity::{Identity, UnregisteredClient};
use crate::model::lifecycle::{Check, Raised};
use crate::model::party::{Kind, PartyId};
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::registry::Registry;
use crate::store::SeenRecord;

/// Parts of the memory, each with a lock of its own, so that checks seldom wait for one another.
const SHARDS: usize = 16;
/// Most identities of one part: 51,200 together between two writings. Ids come from tokens, so that a careless issuer
/// could make up any number of them.
const MAX_OF_SHARD: usize = 3_200;

/// What an OAuth client is called that is no party, and a runtime: neither is a kind of party.
const CLIENT: &str = "client";
const WORKLOAD: &str = "workload";

/// Somebody that a credential speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    id: PartyId,
    what: What,
}

/// What is known of somebody at the moment of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct What {
    kind: &'static str,
    owner: Option<Arc<str>>,
    /// Whether the registry lists it.
    registered: bool,
}

impl Sighting {
    /// Everybody that a credential speaks of: its subject, whoever acts for it, and the client that holds it.
    pub(super) fn of(identity: &Identity, registry: &Registry) -> Vec<Self> {
        let sighting = |id: PartyId, kind: &'static str, owner: Option<Arc<str>>| {
            let what = match registry.find(&id) {
                Some(known) => What {
                    kind: known.kind.as_str(),
                    owner: Some(Arc::clone(&known.owner)),
                    registered: true,
                },
                None => What {
                    kind,
                    owner,
                    registered: false,
                },
            };
            Self { id, what }
        };
        let other = match identity.unregistered_client {
            UnregisteredClient::Deny | UnregisteredClient::Subject => CLIENT,
            UnregisteredClient::Service => Kind::Service.as_str(),
            UnregisteredClient::Agent => Kind::Agent.as_str(),
        };
        let subject = sighting(
            identity.subject.clone(),
            identity.kind.as_str(),
            identity.owner.clone(),
        );
        let others = identity.chain.iter().cloned().chain(client_of(identity));
        std::iter::once(subject)
            .chain(others.map(|id| sighting(id, other, None)))
            .collect()
    }
}

/// Who was seen; the workload's name space is its trust domain, which no provider can be called.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Party(PartyId),
    Workload(SpiffeId),
}

/// Somebody of a call that is being noted. It has the hash of the same [`Who`].
#[derive(Clone, Copy, Hash)]
enum Whom<'a> {
    Party(&'a PartyId),
    Workload(&'a SpiffeId),
}

impl Whom<'_> {
    fn is(&self, who: &Who) -> bool {
        match (self, who) {
            (Self::Party(id), Who::Party(known)) => *id == known,
            (Self::Workload(id), Who::Workload(known)) => *id == known,
            (Self::Party(_), Who::Workload(_)) | (Self::Workload(_), Who::Party(_)) => false,
        }
    }

    fn owned(self) -> Who {
        match self {
            Self::Party(id) => Who::Party(id.clone()),
            Self::Workload(id) => Who::Workload(id.clone()),
        }
    }
}

struct Seen {
    what: What,
    first: Timestamp,
    last: Timestamp,
    warned: Vec<(Check, Timestamp)>,
}

/// What was noted between two writings, under the hash of who it is: whoever was noted before is found without a copy of
/// who they are. Should two ever have one hash, there is no room for the second.
#[derive(Default)]
pub struct Noted(HashMap<u64, (Who, Seen), BuildHasherDefault<Hashed>>);

/// What is a hash already needs no other.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
}

/// The memory of who asked. Cheap to clone; clones remember together.
#[derive(Clone)]
pub struct Sightings(Arc<Memory>);

struct Memory {
    hasher: RandomState,
    shards: [Mutex<Noted>; SHARDS],
}

impl Default for Sightings {
    fn default() -> Self {
        Self(Arc::new(Memory {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }))
    }
}

impl Sightings {
    /// Notes whoever took part in a call at `now`, with what was raised about each. Gives the number of those that there
    /// was no room for. Never waits but for another check that notes the like.
    pub(super) fn note(
        &self,
        sighted: &[Sighting],
        workload: Option<&SpiffeId>,
        raised: &[Raised],
        now: Timestamp,
    ) -> usize {
        let parties = sighted.iter().filter(|sighting| {
            let Sighting { id, what } = sighting;
            let checks = raised.iter().filter(|raised| raised.id == *id);
            let checks = checks.map(|raised| raised.check);
            !self.put(Whom::Party(id), what, checks, now)
        });
        let dropped = parties.count();
        let workload = workload.is_some_and(|id| {
            let what = What {
                kind: WORKLOAD,
                owner: None,
                registered: false,
            };
            let none = std::iter::empty();
            !self.put(Whom::Workload(id), &what, none, now)
        });
        dropped + usize::from(workload)
    }

    fn put(
        &self,
        whom: Whom<'_>,
        what: &What,
        checks: impl Iterator<Item = Check>,
        now: Timestamp,
    ) -> bool {
        let (hash, mut noted) = self.shard(whom);
        let has_room = noted.0.len() < MAX_OF_SHARD;
        let seen = match noted.0.entry(hash) {
            Entry::Occupied(known) => {
                let (who, seen) = known.into_mut();
                if !whom.is(who) {
                    return false;
                }
                seen
            }
            Entry::Vacant(_) if !has_room => return false,
            Entry::Vacant(free) => &mut free.insert((whom.owned(), Seen::new(what, now))).1,
        };
        if seen.what != *what {
            seen.what.clone_from(what);
        }
        seen.first = seen.first.min(now);
        seen.last = seen.last.max(now);
        for check in checks {
            seen.warn(check, now);
        }
        true
    }

    /// Takes away what was noted.
    pub fn take(&self) -> Noted {
        let mut all = Noted::default();
        for shard in &self.0.shards {
            let Noted(part) = std::mem::take(&mut *lock(shard));
            all.0.extend(part);
        }
        all
    }

    /// Gives back what could not be written, for the next time. Gives the number of those that there is no room for.
    pub fn put_back(&self, noted: Noted) -> usize {
        let mut dropped = 0;
        for (who, older) in noted.0.into_values() {
            let (hash, mut noted) = self.shard(who.whom());
            let has_room = noted.0.len() < MAX_OF_SHARD;
            match noted.0.entry(hash) {
                Entry::Occupied(known) if known.get().0 == who => known.into_mut().1.add(&older),
                Entry::Vacant(free) if has_room => {
                    free.insert((who, older));
                }
                Entry::Occupied(_) | Entry::Vacant(_) => dropped += 1,
            }
        }
        dropped
    }

    /// The hash of somebody, and the part of the memory in which they are.
    fn shard(&self, whom: Whom<'_>) -> (u64, MutexGuard<'_, Noted>) {
        let Memory { hasher, shards } = &*self.0;
        let hash = hasher.hash_one(whom);
        // Other bits than those by which the part finds them.
        let place = usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or(0);
        let [first, ..] = shards;
        (hash, lock(shards.get(place).unwrap_or(first)))
    }
}

fn lock(shard: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    // A panic leaves at most one entry half changed: a moment that is too old.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Who {
    const fn whom(&self) -> Whom<'_> {
        match self {
            Self::Party(id) => Whom::Party(id),
            Self::Workload(id) => Whom::Workload(id),
        }
    }
}

impl Seen {
    fn new(what: &What, now: Timestamp) -> Self {
        Self {
            what: what.clone(),
            first: now,
            last: now,
            warned: Vec::new(),
        }
    }

    fn warn(&mut self, check: Check, at: Timestamp) {
        match self.warned.iter_mut().find(|(known, _)| *known == check) {
            Some((_, last)) => *last = at.max(*last),
            None => self.warned.push((check, at)),
        }
    }

    /// Adds an older sighting of the same identity.
    fn add(&mut self, older: &Self) {
        self.first = self.first.min(older.first);
        self.last = self.last.max(older.last);
        for (check, at) in &older.warned {
            self.warn(*check, *at);
        }
    }
}

impl Noted {
    /// Whether nobody was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How it is written down.
    pub fn records(&self) -> Vec<SeenRecord> {
        let record = |(who, seen): &(Who, Seen)| {
            let (issuer, id) = match who {
                Who::Party(id) => (id.issuer.as_ref()?.to_string(), id.id.to_string()),
                Who::Workload(id) => (format!("spiffe://{}", id.trust_domain()), id.to_string()),
            };
            let warned = seen.warned.iter();
            Some(SeenRecord {
                issuer,
                id,
                kind: seen.what.kind.to_owned(),
                owner: seen.what.owner.as_deref().map(ToOwned::to_owned),
                registered: seen.what.registered,
                first_seen: seen.first,
                last_seen: seen.last,
                warned: warned
                    .map(|(check, at)| (check.as_str().to_owned(), *at))
                    .collect(),
            })
        };
        self.0.values().filter_map(record).collect()
    }
}

impl fmt::Debug for Sightings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sightings")
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Noted({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
