//! Digests that name versions, and things that must not be kept themselves.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over named parts, in lower-case hexadecimal; see [`fingerprint`].
pub fn digest<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let bytes = fingerprint(parts);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 over named parts. Lengths are part of what is digested, so that no two lists of parts run together.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for (name, bytes) in parts {
        for part in [name.as_bytes(), bytes] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
    }
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(context.finish().as_ref()) {
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
