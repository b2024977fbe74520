//! The ids of decisions.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;

thread_local! {
    /// A key that the system makes for each thread, and how many numbers were drawn with it.
    static DRAWN: (RandomState, Cell<u64>) = (RandomState::new(), Cell::new(0));
}

/// A `UUIDv7` (RFC 9562, section 5.7): the decision's time in milliseconds, so that ids sort by it, and 74 random bits. The
/// id names a decision and opens nothing, so that nobody must be kept from guessing one, and no id takes a call of the system.
pub(super) fn new(at: Timestamp) -> DecisionId {
    let time = u128::from(at.millis().unsigned_abs()) << 80;
    let random = (u128::from(draw()) << 64) | u128::from(draw());
    let marks = (VERSION << 76) | (VARIANT << 62);
    DecisionId::of_uuid(time | (random & RANDOM) | marks)
}

/// What tells readers how to read the id (RFC 9562, sections 4.1 and 4.2), and the bits between.
const VERSION: u128 = 7;
const VARIANT: u128 = 0b10;
const RANDOM: u128 = (0xfff << 64) | ((1 << 62) - 1);

/// A number that nobody else draws: a keyed hash of how many were drawn before.
fn draw() -> u64 {
    DRAWN.with(|(key, drawn)| {
        let before = drawn.get();
        drawn.set(before.wrapping_add(1));
        key.hash_one(before)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn ids_are_version_7_and_begin_with_their_time() {
        let id = new(Timestamp::from_millis(0x0198_c0de_1234));
        let text = id.as_str();
        assert!(text.starts_with("0198c0de-1234-7"), "{text}");
        assert!(
            matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
            "{text}"
        );
        let later = new(Timestamp::from_millis(0x0198_c0de_1235));
        assert!(later.as_str() > text);
    }

    #[test]
    fn no_two_are_the_same_whichever_thread_makes_them() {
        let many = || -> Vec<String> {
            let at = Timestamp::from_millis(1);
            (0..5000).map(|_| new(at).to_string()).collect()
        };
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(many)).collect();
        let all = threads.into_iter().flat_map(|it| it.join().unwrap());
        let random: HashSet<String> = all.collect();
        assert_eq!(random.len(), 20_000);
        for at in [15, 16, 17, 20, 21, 22, 24, 29, 35] {
            let seen: HashSet<u8> = random.iter().map(|id| id.as_bytes()[at]).collect();
            assert_eq!(seen.len(), 16, "digit {at} is random");
        }
    }
}
