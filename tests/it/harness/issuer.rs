//! An issuer: keys, a JWK set, and access tokens (RFC 9068) signed without the library that verifies them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// How long a token is good for unless a test says otherwise.
const LIFETIME: i64 = 300;

/// Who signs tokens: its exact `iss`, and its keys. The first one signs.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) iss: String,
    pub(crate) keys: Vec<Key>,
}

impl Issuer {
    /// An issuer with one ES256 key.
    pub(crate) fn new(iss: &str) -> Self {
        Self {
            iss: iss.to_owned(),
            keys: vec![Key::es256("first")],
        }
    }

    /// The JWK set (RFC 7517, section 5) of its public keys.
    pub(crate) fn jwks(&self) -> String {
        let keys: Vec<Value> = self.keys.iter().map(Key::jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// The start of an access token for `sub`, good now and without an audience.
    pub(crate) fn token(&self, sub: &str) -> Token<'_> {
        let key = &self.keys[0];
        let now = now();
        let header = json!({ "alg": key.algorithm(), "typ": "at+jwt", "kid": key.kid });
        let claims = json!({
            "iss": self.iss, "sub": sub, "iat": now, "exp": now + LIFETIME, "client_id": "web", "jti": "token-1",
        });
        Token {
            key,
            header: object(header),
            claims: object(claims),
        }
    }
}

/// A signing key and its id.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    /// A new P-256 key.
    pub(crate) fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Es256(pair),
        }
    }

    /// A new RSA key of 2048 bits.
    pub(crate) fn rs256(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Rs256(pair),
        }
    }

    const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::Rs256(_) => "RS256",
        }
    }

    fn jwk(&self) -> Value {
        let (kid, alg) = (&self.kid, self.algorithm());
        match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: one byte of form, then x and y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "alg": alg, "x": encode(x), "y": encode(y) })
            }
            Pair::Rs256(pair) => {
                let public = pair.public_key();
                let n = public.modulus().big_endian_without_leading_zero();
                let e = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "use": "sig", "kid": kid, "alg": alg, "n": encode(n), "e": encode(e) })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// A token before it is signed.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    key: &'a Key,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// Sets `aud`.
    pub(crate) fn audience(self, audience: &str) -> Self {
        self.claim("aud", json!(audience))
    }

    /// Sets `scope`: names with spaces between them.
    pub(crate) fn scope(self, scope: &str) -> Self {
        self.claim("scope", json!(scope))
    }

    /// Sets `groups`.
    pub(crate) fn groups(self, groups: &[&str]) -> Self {
        self.claim("groups", json!(groups))
    }

    /// Sets `act`: who acts for the subject (RFC 8693, section 4.1).
    pub(crate) fn actor(self, sub: &str) -> Self {
        self.claim("act", json!({ "sub": sub }))
    }

    /// Sets any claim; `null` takes it away.
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        put(&mut self.claims, name, value);
        self
    }

    /// Sets any member of the header; `null` takes it away.
    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        put(&mut self.header, name, value);
        self
    }

    /// Signs with another key, under that key's id.
    pub(crate) fn key(mut self, key: &'a Key) -> Self {
        put(&mut self.header, "kid", json!(key.kid));
        put(&mut self.header, "alg", json!(key.algorithm()));
        self.key = key;
        self
    }

    /// The token in compact form (RFC 7515, section 7.1).
    pub(crate) fn sign(self) -> String {
        let Self {
            key,
            header,
            claims,
        } = self;
        let part = |members: Map<String, Value>| encode(Value::Object(members).to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = encode(key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's edge is the test itself"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
