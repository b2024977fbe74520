//! HMAC-SHA-256 (RFC 2104) for what this server makes and checks itself.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign as sign_with, verify as verify_with};

/// The tag of `message` under `key`.
pub fn sign(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = sign_with(&Key::new(HMAC_SHA256, key), message);
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    bytes
}

/// Whether `tag` is that of `message` under `key`; compared in constant time.
pub fn verify(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    verify_with(&Key::new(HMAC_SHA256, key), message, tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, section 4.3.
    #[test]
    fn the_rfcs_second_case() {
        let tag = sign(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert!(verify(b"Jefe", b"what do ya want for nothing?", &tag));
        assert!(!verify(b"Jefe", b"what do ya want for nothing!", &tag));
        assert!(!verify(
            b"Jefe",
            b"what do ya want for nothing?",
            &tag[..16]
        ));
        assert!(!verify(b"jefe", b"what do ya want for nothing?", &tag));
    }
}
