//! Digests that name versions, and digests that tokens and proofs name.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256, digest as digest_with};

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(digest_with(&SHA256, bytes).as_ref())
}

/// SHA-256 over named parts, in lower-case hexadecimal. Lengths are part of what is digested, so that no two lists of
/// parts run together.
pub fn digest<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let bytes = digest_bytes(parts);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

/// The same as bytes.
pub fn digest_bytes<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for (name, bytes) in parts {
        for part in [name.as_bytes(), bytes] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
    }
    fixed(context.finish().as_ref())
}

fn fixed(digest: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let a = digest([("a", b"bc".as_slice())]);
        assert_eq!(a.len(), 64);
        assert_ne!(a, digest([("ab", b"c".as_slice())]));
        assert_eq!(a, digest([("a", b"bc".as_slice())]));
    }
}
