//! Keys of an issuer, and the tokens that they sign.

use anyhow::Result;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::ext_authz::now;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example.com/realms/corp";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// How tokens are signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// The issuer's keys: RSA of 2048 bits, and P-256.
pub(crate) struct Issuer {
    pub(crate) rsa: RsaKeyPair,
    pub(crate) ec: EcdsaKeyPair,
}

impl Issuer {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048)?,
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        })
    }

    /// What the issuer publishes.
    pub(crate) fn jwks(&self) -> Value {
        let rsa = self.rsa.public_key();
        let (modulus, exponent) = (rsa.modulus(), rsa.exponent());
        // An uncompressed point: a tag, then both coordinates (SEC 1, section 2.3.3).
        let point = self.ec.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = point.split_at(point.len() / 2);
        json!({ "keys": [
            {
                "kty": "RSA", "kid": Algorithm::Rs256.name(),
                "n": encode(modulus.big_endian_without_leading_zero()),
                "e": encode(exponent.big_endian_without_leading_zero()),
            },
            { "kty": "EC", "crv": "P-256", "kid": Algorithm::Es256.name(), "x": encode(x), "y": encode(y) },
        ] })
    }

    /// A valid access token (RFC 9068) as a company's identity provider makes them; each `number` is another one.
    pub(crate) fn token(&self, algorithm: Algorithm, number: usize) -> Result<String> {
        let issued = now().seconds();
        let claims = json!({
            "iss": ISSUER, "sub": "3f9d1c52-7a54-4c0e-9d3f-2f4f8f1f7a10", "aud": AUDIENCE, "client_id": "console",
            "iat": issued, "exp": issued + 3600, "jti": format!("b7c1{number:012}"),
            "scope": "openid profile accounts:read accounts:write", "groups": ["staff", "payments", "emea"],
            "department": "payments", "acr": "phr", "auth_time": issued - 60,
        });
        self.signed(algorithm, &claims)
    }

    /// A token that says this.
    pub(crate) fn signed(&self, algorithm: Algorithm, claims: &Value) -> Result<String> {
        let header = json!({ "alg": algorithm.name(), "kid": algorithm.name(), "typ": "at+jwt" });
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.sign(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", encode(signature)))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Algorithm::Es256 => Ok(self.ec.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
