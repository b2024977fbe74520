//! Real keys for tests, and tokens signed by them without the library that verifies.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::set::Shared;
use super::table::KeyTable;
use super::{Algorithm, Compact, JwsError, KeySet, KeySource};

static RSA: LazyLock<Arc<RsaKeyPair>> =
    LazyLock::new(|| Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

/// A key pair with an id.
#[derive(Debug, Clone)]
pub(crate) struct TestKey {
    pub(crate) kid: &'static str,
    pair: Pair,
}

#[derive(Debug, Clone)]
enum Pair {
    Rsa(Arc<RsaKeyPair>),
    Ec(&'static str, Arc<EcdsaKeyPair>),
    Ed(Arc<Ed25519KeyPair>),
}

impl TestKey {
    /// An RSA key; all tests of a process share its numbers, for they take long to make.
    pub(crate) fn rsa(kid: &'static str) -> Self {
        let pair = Pair::Rsa(Arc::clone(&RSA));
        Self { kid, pair }
    }

    pub(crate) fn p256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let pair = Pair::Ec("P-256", Arc::new(pair));
        Self { kid, pair }
    }

    pub(crate) fn p384(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let pair = Pair::Ec("P-384", Arc::new(pair));
        Self { kid, pair }
    }

    pub(crate) fn ed25519(kid: &'static str) -> Self {
        let pair = Pair::Ed(Arc::new(Ed25519KeyPair::generate().unwrap()));
        Self { kid, pair }
    }

    /// The public key as an issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                json!({
                    "kty": "RSA",
                    "n": encode(n.big_endian_without_leading_zero()),
                    "e": encode(e.big_endian_without_leading_zero()),
                })
            }
            Pair::Ec(curve, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) })
            }
        };
        jwk["kid"] = Value::from(self.kid);
        jwk
    }

    /// A token with the header `{alg, kid, typ: at+jwt}`.
    pub(crate) fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        let header = json!({ "alg": algorithm.as_str(), "kid": self.kid, "typ": "at+jwt" });
        self.sign(algorithm, &header.to_string(), &claims.to_string())
    }

    /// A token with this header and payload, whatever they are.
    pub(crate) fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = self.signature(algorithm, message.as_bytes());
        format!("{message}.{}", encode(signature))
    }

    fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = padding(algorithm);
                pair.sign(padding, &SystemRandom::new(), message, &mut signature)
                    .unwrap();
                signature
            }
            Pair::Ec(_, pair) => pair
                .sign(&SystemRandom::new(), message)
                .unwrap()
                .as_ref()
                .to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn padding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => panic!("not an RSA algorithm"),
    }
}

/// Unpadded base64url.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether a token is taken with one of `keys`.
pub(crate) fn verify(
    token: &str,
    allowed: &[Algorithm],
    keys: &KeySet,
    now: Instant,
) -> Result<(), JwsError> {
    let token = Compact::of(token)?;
    token.parse()?.verify(allowed, keys, now).map(drop)
}

/// The JWK set of these keys.
pub(crate) fn jwks(keys: &[&TestKey]) -> Vec<u8> {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    document(&keys)
}

/// The JWK set of these JWKs.
pub(crate) fn document(jwks: &[Value]) -> Vec<u8> {
    json!({ "keys": jwks }).to_string().into_bytes()
}

/// A set that was loaded at `at` and that nothing refreshes.
pub(crate) fn key_set(document: &[u8], at: Instant) -> KeySet {
    loaded(source(), document, at)
}

/// Keys that change when a test says so.
pub(crate) struct Changing {
    pub(crate) keys: KeySet,
    shared: Arc<Shared>,
}

impl Changing {
    pub(crate) fn new(document: &[u8], at: Instant) -> Self {
        let shared = Arc::new(Shared::new(source()));
        let changing = Self {
            keys: KeySet::detached(Arc::clone(&shared)),
            shared,
        };
        changing.become_at(document, at);
        changing
    }

    /// A fetch that started at `at` brought this document.
    pub(crate) fn become_at(&self, document: &[u8], at: Instant) {
        let table = KeyTable::read(document, self.shared.source.purpose).unwrap();
        self.shared.succeed(table, at);
    }
}

/// The same for the bundle of a trust domain.
pub(crate) fn bundle_set(document: &[u8], at: Instant) -> KeySet {
    loaded(source().of_bundle(), document, at)
}

fn source() -> KeySource {
    let spec = serde_json::from_value(json!({ "file": "unused.json" })).unwrap();
    KeySource::compile("test", spec, Path::new("/nowhere")).unwrap()
}

fn loaded(source: KeySource, document: &[u8], at: Instant) -> KeySet {
    let shared = Arc::new(Shared::new(source));
    shared.succeed(KeyTable::read(document, shared.source.purpose).unwrap(), at);
    KeySet::detached(shared)
}
