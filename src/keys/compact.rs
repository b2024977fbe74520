//! A token in the compact serialisation (RFC 7515 section 3.1), taken apart and decoded; what is in it is read elsewhere, and borrows
//! from it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::jws::{JwsError, MAX_TOKEN_BYTES, ParsedJws};

/// The parts of a token, of which nobody knows yet what is in them.
pub struct Compact<'t> {
    /// What is signed: header, dot, payload, as they were sent.
    pub(super) message: &'t str,
    pub(super) header: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart that has at most [`MAX_TOKEN_BYTES`].
    pub fn of(token: &'t str) -> Result<Self, JwsError> {
        Self::within(token, MAX_TOKEN_BYTES)
    }

    /// The same for what is no credential, and may have so many bytes.
    pub fn within(token: &'t str, most: usize) -> Result<Self, JwsError> {
        if token.len() > most {
            return Err(JwsError::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwsError::Malformed)?;
        // A dot that is left over is not base64url either, but a JWE (four dots) is better refused by count than by luck.
        if payload.contains('.') {
            return Err(JwsError::Malformed);
        }
        Ok(Self {
            message,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// Reads the structure, so that the caller can choose the issuer by [`ParsedJws::unverified_issuer`].
    pub fn parse(&self) -> Result<ParsedJws<'_>, JwsError> {
        ParsedJws::read(self)
    }
}

/// The `iss` that a token would have if it were a JWS, however broken it is otherwise. It says who must not see a token
/// that is meant for somebody else, and is good for nothing else.
pub fn claimed_issuer(token: &str) -> Option<String> {
    claimed(token, "iss")
}

/// The same for its `sub`.
pub fn claimed_subject(token: &str) -> Option<String> {
    claimed(token, "sub")
}

fn claimed(token: &str, member: &str) -> Option<String> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&decode(payload).ok()?).ok()?;
    Some(claims.get(member)?.as_str()?.to_owned())
}

/// Strict base64url: no padding, no other alphabet, no trailing bits, so that one value has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(JwsError::Malformed),
    }
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compact(…)")
    }
}
