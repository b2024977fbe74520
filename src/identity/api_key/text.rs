//! The text of a key: `prefix_id_secret`. The last six characters of the secret are a checksum over all that stands
//! before them, so that a scanner can tell a key from anything else offline, and a slip of the pen is no attempt.

use crate::keys::{RandomError, random_bytes};

/// Digits of every part, from 0 to 61.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of an id: 95 bits, so that no two keys share one.
pub(super) const ID: usize = 16;

/// Random characters of a secret: 190 bits.
const SECRET: usize = 32;

/// Characters of the checksum: 32 bits in base 62.
const CHECKSUM: usize = 6;

/// Longest prefix.
pub(super) const MAX_PREFIX: usize = 16;

/// Longest key. Whatever is longer is no key, and is not looked at.
const MAX_KEY: usize = MAX_PREFIX + 1 + ID + 1 + SECRET + CHECKSUM;

/// A key as it was presented, taken apart; nothing of it is proven.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyText<'a> {
    /// All of it.
    pub(super) whole: &'a str,
    /// What it starts with.
    pub(super) prefix: &'a str,
    /// What it is found by.
    pub(super) id: &'a str,
}

impl<'a> KeyText<'a> {
    /// Takes a key apart; none if it is not exactly of this form.
    pub(super) fn parse(whole: &'a str) -> Option<Self> {
        if whole.len() > MAX_KEY {
            return None;
        }
        let (prefix, rest) = whole.split_once('_')?;
        let (id, secret) = rest.split_once('_')?;
        let (head, checksum) = whole.split_at_checked(whole.len().checked_sub(CHECKSUM)?)?;
        let sound = is_prefix(prefix)
            && id.len() == ID
            && is_base62(id)
            && secret.len() == SECRET + CHECKSUM
            && is_base62(secret)
            && checksum_of(head) == checksum;
        sound.then_some(Self { whole, prefix, id })
    }
}

/// A new id.
pub(super) fn new_id() -> Result<String, RandomError> {
    random_base62(ID)
}

/// A new key with this id.
pub(super) fn new_key(prefix: &str, id: &str) -> Result<String, RandomError> {
    let head = format!("{prefix}_{id}_{}", random_base62(SECRET)?);
    let checksum = checksum_of(&head);
    Ok(head + &checksum)
}

/// Whether keys can start with it: letters and digits, at most [`MAX_PREFIX`].
pub(super) fn is_prefix(text: &str) -> bool {
    (1..=MAX_PREFIX).contains(&text.len()) && is_base62(text)
}

fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn digit(value: usize) -> char {
    BASE62
        .get(value % BASE62.len())
        .map_or('0', |byte| char::from(*byte))
}

/// Random digits, each as likely as any other: bytes beyond the last multiple of 62 are thrown away.
fn random_base62(length: usize) -> Result<String, RandomError> {
    const FAIR: u8 = 62 * 4;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let bytes: [u8; 64] = random_bytes()?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let missing = length - text.len();
        text.extend(fair.take(missing).map(|byte| digit(usize::from(*byte))));
    }
    Ok(text)
}

/// CRC-32 (ISO 3309) of `text` in base 62, the most significant digit first.
fn checksum_of(text: &str) -> String {
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    });
    let mut rest = usize::try_from(!crc).unwrap_or_default();
    let mut digits = [' '; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = digit(rest);
        rest /= BASE62.len();
    }
    digits.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_taken_apart_and_no_two_are_alike() {
        let id = new_id().unwrap();
        let key = new_key("cs", &id).unwrap();
        assert_eq!(key.len(), 2 + 1 + 16 + 1 + 38);
        let parsed = KeyText::parse(&key).unwrap();
        assert_eq!(
            (parsed.prefix, parsed.id, parsed.whole),
            ("cs", &*id, &*key)
        );
        assert_ne!(new_key("cs", &id).unwrap(), key);
    }

    #[test]
    fn the_checksum_is_crc_32_in_base_62() {
        // CRC-32 of "123456789" is 0xcbf43926 (the check value of every catalogue).
        let value = checksum_of("123456789").bytes().fold(0, |value, byte| {
            value * 62 + BASE62.iter().position(|digit| *digit == byte).unwrap()
        });
        assert_eq!(value, 0xcbf4_3926);
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let key = new_key("cs", &new_id().unwrap()).unwrap();
        for at in 0..key.len() {
            for with in ['_', 'x', 'Y', '7', ' ', ',', '\0', 'ä', '١'] {
                let changed: String = key
                    .chars()
                    .enumerate()
                    .map(|(index, c)| if index == at { with } else { c })
                    .collect();
                let same = changed == key;
                assert_eq!(KeyText::parse(&changed).is_some(), same, "{changed}");
            }
            assert!(KeyText::parse(key.split_at(at).0).is_none());
        }
        for more in ["a", " ", "_", "\n"] {
            assert!(KeyText::parse(&format!("{key}{more}")).is_none());
            assert!(KeyText::parse(&format!("{more}{key}")).is_none());
        }
        assert!(KeyText::parse(&"a".repeat(1_000_000)).is_none());
        assert!(KeyText::parse("").is_none());
    }

    #[test]
    fn every_digit_occurs() {
        let text = random_base62(10_000).unwrap();
        assert_eq!(text.len(), 10_000);
        assert!(BASE62.iter().all(|digit| text.contains(char::from(*digit))));
    }
}
