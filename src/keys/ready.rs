//! A public key in the form that it verifies with, made once and not at every signature.
//!
//! `jsonwebtoken` keeps a key as numbers, and builds this form of it again for every signature; for RSA that costs a fifth of
//! what verifying does. It takes verifiers of others, though, and this is one.

use std::sync::OnceLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::signature::{Error, Verifier};

use super::Algorithm;

/// A key that verifies signatures of one algorithm.
struct ReadyKey {
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
}

/// A key, ready for every algorithm that it can be used with. It is as sound as the library asks, and not judged otherwise.
pub(super) struct ReadyKeys {
    first: ReadyKey,
    /// The other algorithms of its kind. Most issuers use one, so the rest is made when it is asked for.
    others: Box<[(Algorithm, OnceLock<Option<ReadyKey>>)]>,
}

impl ReadyKeys {
    /// An RSA key of these numbers, without zeros before them; none if they are no key.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let numbers = RsaPublicKeyComponents { n, e };
        let parsed = numbers.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        let first = ReadyKey {
            algorithm: Algorithm::Rs256,
            parsed: parsed.ok()?,
        };
        let others = Algorithm::ALL.into_iter().filter(|other| {
            other.shape() == Algorithm::Rs256.shape() && *other != Algorithm::Rs256
        });
        let others = others.map(|other| (other, OnceLock::new()));
        Some(Self {
            first,
            others: others.collect(),
        })
    }

    /// A key that is a point of a curve, and good for the one algorithm of that curve; none if it is not on it.
    pub(super) fn point(algorithm: Algorithm, point: &[u8]) -> Option<Self> {
        Some(Self {
            first: ReadyKey::new(algorithm, point)?,
            others: Box::default(),
        })
    }

    /// Whether `signature` is this key's on `message`. An algorithm of another kind of key is false, as any failure is.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &Vec<u8>) -> bool {
        self.key(algorithm)
            .is_some_and(|key| key.verify(message, signature).is_ok())
    }

    fn key(&self, algorithm: Algorithm) -> Option<&ReadyKey> {
        if self.first.algorithm == algorithm {
            return Some(&self.first);
        }
        let (_, other) = self.others.iter().find(|(other, _)| *other == algorithm)?;
        let make = || ReadyKey::new(algorithm, self.first.parsed.as_ref());
        other.get_or_init(make).as_ref()
    }
}

impl ReadyKey {
    fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let parsed = ParsedPublicKey::new(parameters(algorithm), bytes).ok()?;
        Some(Self { algorithm, parsed })
    }
}

impl Verifier<Vec<u8>> for ReadyKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        let verified = self.parsed.verify_sig(message, signature);
        verified.map_err(|_unspecified| Error::new())
    }
}

impl JwtVerifier for ReadyKey {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        self.algorithm.library()
    }
}

fn parameters(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDsa => &ED25519,
    }
}
