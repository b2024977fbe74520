//! Signing with a key of this server's own. A key can sign and show its public half, and nothing else: no byte of the
//! private half is in a print, an error or a log.

mod files;
mod pem;

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::base64url::encode;
use super::embedded::thumbprint;
use super::jwk::VerificationKey;
use super::source::Purpose;
use super::{Algorithm, MAX_TOKEN_BYTES};

pub use files::load_signing_keys;
pub use pem::SigningKeyError;

/// A private key that signs tokens: of P-256 with ES256, or Ed25519 with `EdDSA` (RFC 7518, section 3.4; RFC 8037).
pub struct SigningKey {
    pair: Pair,
    kid: Box<str>,
    /// The public half, as it is published (RFC 7517).
    public: Value,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a token was not signed. No message contains a byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The system gave no randomness, which ES256 needs.
    #[error("the signature could not be made")]
    Signature,
    /// It would be larger than any token that is read.
    #[error("the token would be larger than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
}

impl SigningKey {
    /// Reads the one private key of a PEM file (RFC 7468, section 10).
    pub fn load(file: &Path) -> Result<Self, SigningKeyError> {
        pem::load(file)
    }

    fn new(pair: Pair) -> Option<Self> {
        let mut public = match &pair {
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                // An uncompressed point (SEC 1, section 2.3.3): one byte that says so, and two coordinates.
                let (x, y) = point.get(1..)?.split_at_checked(32)?;
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        let kid = thumbprint(&public)?;
        let members = public.as_object_mut()?;
        members.insert("kid".to_owned(), Value::from(kid.as_str()));
        members.insert("use".to_owned(), Value::from("sig"));
        members.insert("alg".to_owned(), Value::from(pair.algorithm().as_str()));
        Some(Self {
            kid: kid.into(),
            pair,
            public,
        })
    }

    /// Its id: the thumbprint of the public half (RFC 7638), so that a key has the same id wherever it is read.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, as a JWK with `kid`, `use` and `alg`.
    pub const fn public(&self) -> &Value {
        &self.public
    }

    /// The key that its signatures are verified with.
    pub(super) fn verification(&self) -> Option<VerificationKey> {
        VerificationKey::read(&self.public, Purpose::Signatures).ok()
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// A signed token with this `typ` (RFC 7515, section 3.1), at most [`MAX_TOKEN_BYTES`] long.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String, SignError> {
        let header = json!({ "alg": self.algorithm().as_str(), "kid": &*self.kid, "typ": typ });
        let mut token = encode(header.to_string().as_bytes());
        token.push('.');
        token.push_str(&encode(claims.to_string().as_bytes()));
        let signature = self.pair.signature(token.as_bytes())?;
        token.push('.');
        token.push_str(&encode(&signature));
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLarge);
        }
        Ok(token)
    }
}

impl Pair {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_unspecified| SignError::Signature),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    /// Nothing of the private half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
