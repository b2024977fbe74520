//! Nonces of this server for DPoP proofs (RFC 9449, sections 8 and 9).
//!
//! A nonce is the tag of a slot of time under a secret: nothing has to be remembered, every replica with the same secret
//! accepts those of the others, and nobody can make one for a proof that is to be used later.

use std::fmt;
use std::time::Duration;

use crate::keys::base64url::{decode, encode};
use crate::keys::hmac;
use crate::model::time::Timestamp;

/// What tells these tags from all others that the secret may make.
const PURPOSE: &[u8] = b"countersign dpop nonce 1";

/// Makes nonces, and knows its own.
pub(super) struct Nonces {
    key: Box<[u8]>,
    /// How long a slot is, in milliseconds; not zero.
    slot: i64,
}

impl Nonces {
    pub(super) fn new(key: &[u8], ttl: Duration) -> Self {
        let slot = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1);
        Self {
            key: key.into(),
            slot,
        }
    }

    /// The nonce of this moment.
    pub(super) fn current(&self, now: Timestamp) -> String {
        encode(&hmac::sign(&self.key, &message(self.slot_of(now))))
    }

    /// Whether `nonce` is that of this moment's slot or of the one before: so it is good for one slot at least, and for
    /// two at most.
    pub(super) fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let Some(tag) = decode(nonce) else {
            return false;
        };
        let slot = self.slot_of(now);
        let is_of = |slot: i64| hmac::verify(&self.key, &message(slot), &tag);
        is_of(slot) || is_of(slot.saturating_sub(1))
    }

    const fn slot_of(&self, now: Timestamp) -> i64 {
        now.millis().div_euclid(self.slot)
    }
}

fn message(slot: i64) -> Vec<u8> {
    [PURPOSE, &slot.to_be_bytes()].concat()
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_298_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(START + seconds)
    }

    #[test]
    fn a_nonce_is_good_in_its_slot_and_the_next() {
        let nonces = Nonces::new(b"secret", Duration::from_mins(5));
        let nonce = nonces.current(at(10));
        assert_eq!(nonce.len(), 43);
        assert_eq!(nonce, nonces.current(at(299)));
        for (seconds, good) in [(0, true), (10, true), (299, true), (300, true), (599, true)] {
            assert_eq!(nonces.accepts(&nonce, at(seconds)), good, "{seconds}");
        }
        for seconds in [-1, -300, 600, 601, 100_000] {
            assert!(!nonces.accepts(&nonce, at(seconds)), "{seconds}");
        }
        assert_ne!(nonce, nonces.current(at(300)));
    }

    #[test]
    fn only_its_own_are_accepted() {
        let nonces = Nonces::new(b"secret", Duration::from_mins(5));
        let nonce = nonces.current(at(0));
        let others = [
            Nonces::new(b"other", Duration::from_mins(5)).current(at(0)),
            Nonces::new(b"secret", Duration::from_mins(1)).current(at(0)),
            nonce.chars().skip(1).collect(),
            format!("{nonce}A"),
            format!("{nonce}="),
            String::new(),
            "eyJ7S_zG.eyJH0-Z.HX4w-7v".to_owned(),
        ];
        for other in others {
            assert!(!nonces.accepts(&other, at(0)), "{other}");
        }
        assert_eq!(format!("{nonces:?}"), "Nonces(…)");
    }
}
