//! What was said about tokens, by the digest of each.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

use super::answer::{Members, Standing};
use super::source::Keep;
use crate::identity::payload::Payload;
use crate::model::time::Timestamp;

/// How long after a refresh was asked for the next one is, if that one brings nothing.
const RETRY: Duration = Duration::from_secs(1);

/// SHA-256 over the provider's name and the token.
pub(super) type Key = [u8; 32];

/// Good answers and bad ones, each bounded by itself: a flood of tokens that nobody knows pushes no known one out.
pub(super) struct Memory {
    keep: Keep,
    /// Where the clock of refreshes begins.
    origin: Instant,
    active: Cache<Key, Arc<Known>>,
    /// When each ends.
    refused: Cache<Key, Instant>,
}

/// A good answer.
struct Known {
    members: Arc<Members>,
    until: Instant,
    /// From here on it is asked for again, in milliseconds since the memory's origin. It moves in place: putting an entry
    /// again could bring back one that was removed meanwhile.
    refresh_at: AtomicU64,
}

/// What is remembered about a token.
pub(super) struct Remembered {
    pub(super) standing: Standing,
    /// Whether whoever reads this is the one to ask again, because the answer is in use and ends soon.
    pub(super) refresh: bool,
}

impl Memory {
    pub(super) fn new(keep: Keep) -> Self {
        let active = Cache::builder()
            .max_capacity(keep.entries)
            .expire_after(UntilItsEnd)
            .build();
        let refused = Cache::builder()
            .max_capacity(keep.entries)
            .time_to_live(keep.refused)
            .build();
        Self {
            keep,
            origin: Instant::now(),
            active,
            refused,
        }
    }

    /// What is known at `now`. Of all who find an aging answer, one is told to refresh it.
    pub(super) fn find(&self, key: &Key, now: Instant) -> Option<Remembered> {
        if let Some(known) = self.active.get(key).filter(|known| now < known.until) {
            return Some(Remembered {
                refresh: self.claim(&known.refresh_at, now),
                standing: Standing::Active(Arc::clone(&known.members)),
            });
        }
        self.refused(key, now).then_some(Remembered {
            standing: Standing::Inactive,
            refresh: false,
        })
    }

    /// What is known at `now`, for whoever was about to ask.
    pub(super) fn peek(&self, key: &Key, now: Instant) -> Option<Standing> {
        let known = self.active.get(key).filter(|known| now < known.until);
        match known {
            Some(known) => Some(Standing::Active(Arc::clone(&known.members))),
            None => self.refused(key, now).then_some(Standing::Inactive),
        }
    }

    fn refused(&self, key: &Key, now: Instant) -> bool {
        self.refused.get(key).is_some_and(|until| now < until)
    }

    /// Whether a refresh is due and nobody else is about to ask for it.
    fn claim(&self, refresh_at: &AtomicU64, now: Instant) -> bool {
        let due = refresh_at.load(Ordering::Relaxed);
        let now = self.since_origin(now);
        let next = now.saturating_add(millis(RETRY));
        let claimed = || {
            refresh_at
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        now >= due && claimed()
    }

    fn since_origin(&self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.origin))
    }

    /// Remembers an answer to a request that began at `asked`, which was `now` on the clock of dates. Its age counts from
    /// there: a token that was revoked meanwhile is not kept longer for it.
    pub(super) fn learn(&self, key: Key, standing: &Standing, asked: Instant, now: Timestamp) {
        match standing {
            Standing::Active(members) => {
                let hold = self.hold(members, now);
                let half = asked.checked_add(hold / 2).unwrap_or(asked);
                let known = Known {
                    members: Arc::clone(members),
                    until: asked.checked_add(hold).unwrap_or(asked),
                    refresh_at: AtomicU64::new(self.since_origin(half)),
                };
                self.active.insert(key, Arc::new(known));
                self.refused.invalidate(&key);
            }
            Standing::Inactive => {
                let until = asked.checked_add(self.keep.refused).unwrap_or(asked);
                self.refused.insert(key, until);
                self.active.invalidate(&key);
            }
        }
    }

    /// How many answers are remembered now.
    pub(super) fn entries(&self) -> u64 {
        self.active.run_pending_tasks();
        self.refused.run_pending_tasks();
        self.active.entry_count() + self.refused.entry_count()
    }

    /// How long a good answer serves: `cache.for`, but not beyond `exp`. An `exp` that has passed already is refused
    /// whenever the answer is read, for at least as long as a bad answer is.
    fn hold(&self, members: &Members, now: Timestamp) -> Duration {
        let Keep {
            active, refused, ..
        } = self.keep;
        let Ok(Some(expires)) = Payload(members).date("exp") else {
            return active;
        };
        let left = expires.millis().saturating_sub(now.millis());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        left.max(refused).min(active)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(…)")
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An entry leaves the memory when its answer ends.
struct UntilItsEnd;

impl Expiry<Key, Arc<Known>> for UntilItsEnd {
    fn expire_after_create(&self, _: &Key, known: &Arc<Known>, now: Instant) -> Option<Duration> {
        Some(known.until.saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &Key,
        known: &Arc<Known>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(known.until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::json::testing::object;

    use super::*;

    const KEEP: Keep = Keep {
        active: Duration::from_mins(1),
        refused: Duration::from_secs(5),
        entries: 100,
    };
    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn active(members: &Json) -> Standing {
        let members = object(members).into_owned();
        Standing::Active(Arc::new(members))
    }

    fn key(number: u64) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    /// `active`, `refresh`, `inactive` or `unknown`.
    fn said(memory: &Memory, key: Key, now: Instant) -> &'static str {
        match memory.find(&key, now) {
            None => "unknown",
            Some(Remembered { refresh: true, .. }) => "refresh",
            Some(Remembered { standing, .. }) => match standing {
                Standing::Active(_) => "active",
                Standing::Inactive => "inactive",
            },
        }
    }

    #[test]
    fn an_answer_is_refreshed_from_half_of_its_life_and_ends_at_its_end() {
        let (memory, start) = (Memory::new(KEEP), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        memory.learn(key(1), &active(&json!({})), start, NOW);
        let seen = [0, 29, 31, 59, 60].map(|second| said(&memory, key(1), at(second)));
        assert_eq!(seen, ["active", "active", "refresh", "refresh", "unknown"]);
        let soon = json!({ "exp": 1_000_020 });
        memory.learn(key(2), &active(&soon), start, NOW);
        let seen = [9, 11, 19, 20].map(|second| said(&memory, key(2), at(second)));
        assert_eq!(seen, ["active", "refresh", "refresh", "unknown"]);
        let past = json!({ "exp": 999_000 });
        memory.learn(key(3), &active(&past), start, NOW);
        let seen = [0, 4, 5].map(|second| said(&memory, key(3), at(second)));
        assert_eq!(seen, ["active", "refresh", "unknown"]);
    }

    #[test]
    fn a_bad_answer_removes_a_good_one_at_once_and_ends_soon() {
        let (memory, start) = (Memory::new(KEEP), Instant::now());
        memory.learn(key(1), &active(&json!({})), start, NOW);
        memory.learn(key(1), &Standing::Inactive, start, NOW);
        let seen = [0, 4, 5].map(|s| said(&memory, key(1), start + Duration::from_secs(s)));
        assert_eq!(seen, ["inactive", "inactive", "unknown"]);
        memory.learn(key(1), &active(&json!({})), start, NOW);
        assert_eq!(said(&memory, key(1), start), "active");
    }

    #[test]
    fn one_of_many_asks_again_and_the_next_a_moment_later() {
        let (memory, start) = (Memory::new(KEEP), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        memory.learn(key(1), &active(&json!({})), start, NOW);
        let seen = [31_000, 31_001, 31_900, 32_001, 32_002, 60_000]
            .map(|millis| said(&memory, key(1), at(millis)));
        assert_eq!(
            seen,
            [
                "refresh", "active", "active", "refresh", "active", "unknown"
            ]
        );
    }

    #[test]
    fn a_hundred_thousand_tokens_take_no_more_room_than_stated_and_push_no_known_one_out() {
        let (memory, start) = (Memory::new(KEEP), Instant::now());
        memory.learn(key(u64::MAX), &active(&json!({})), start, NOW);
        for number in 0..100_000 {
            memory.learn(key(number), &Standing::Inactive, start, NOW);
        }
        assert!(memory.entries() <= 101, "{}", memory.entries());
        assert_eq!(said(&memory, key(u64::MAX), start), "active");
        for number in 0..100_000 {
            memory.learn(key(number), &active(&json!({})), start, NOW);
        }
        assert!(memory.entries() <= 200, "{}", memory.entries());
    }
}
