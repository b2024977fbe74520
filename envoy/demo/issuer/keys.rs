//! The keys of one demo issuer, made when it starts: one ES256, one RS256.

use anyhow::{Context as _, anyhow, bail};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value, json};

/// Bytes before the PKCS#1 key in the PKCS#8 wrapping of an RSA key of 2048 bits: fixed, because every length before it is.
const PKCS8_PREFIX: usize = 26;

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256,
    Rs256,
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token: `typ: at+jwt` (RFC 9068 section 2.1).
    Access,
    /// An ID token (OpenID Connect Core 1.0, section 2).
    Id,
}

/// Whether the signature is worth anything.
pub(super) enum Signature {
    /// By the issuer's key.
    Good,
    /// By a key that nobody knows, under the issuer's `kid`.
    Forged,
    /// `alg: none`.
    None,
}

/// A token before it is signed.
pub(super) struct Draft {
    pub(super) algorithm: Algorithm,
    pub(super) claims: Map<String, Value>,
    pub(super) signature: Signature,
}

/// One issuer's keys.
pub(super) struct Keys {
    es256: Key,
    rs256: Key,
}

struct Key {
    secret: EncodingKey,
    public: Jwk,
    kid: String,
}

impl Algorithm {
    pub(super) fn parse(word: &str) -> anyhow::Result<Self> {
        match word {
            "ES256" => Ok(Self::Es256),
            "RS256" => Ok(Self::Rs256),
            _ => bail!("`{word}` is neither `ES256` nor `RS256`"),
        }
    }

    fn jose(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl Keys {
    pub(super) fn generate() -> anyhow::Result<Self> {
        Ok(Self {
            es256: Key::generate(Algorithm::Es256)?,
            rs256: Key::generate(Algorithm::Rs256)?,
        })
    }

    /// The key set (RFC 7517).
    pub(super) fn public(&self) -> Value {
        json!({ "keys": [self.es256.public, self.rs256.public] })
    }

    /// Signs a token, or seems to.
    pub(super) fn sign(&self, kind: Kind, draft: &Draft) -> anyhow::Result<String> {
        let key = match draft.algorithm {
            Algorithm::Es256 => &self.es256,
            Algorithm::Rs256 => &self.rs256,
        };
        let mut header = Header::new(draft.algorithm.jose());
        let typ = match kind {
            Kind::Access => "at+jwt",
            Kind::Id => "JWT",
        };
        header.typ = Some(typ.to_owned());
        header.kid = Some(key.kid.clone());
        Ok(match draft.signature {
            Signature::Good => jsonwebtoken::encode(&header, &draft.claims, &key.secret)?,
            Signature::Forged => jsonwebtoken::encode(
                &header,
                &draft.claims,
                &Key::generate(draft.algorithm)?.secret,
            )?,
            Signature::None => {
                let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
                format!(
                    "{}.{}.",
                    part(json!({ "alg": "none", "typ": "at+jwt" })),
                    part(Value::Object(draft.claims.clone()))
                )
            }
        })
    }
}

impl Key {
    fn generate(algorithm: Algorithm) -> anyhow::Result<Self> {
        let secret = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref())
            }
            Algorithm::Rs256 => {
                let pkcs8 = RsaKeyPair::generate(KeySize::Rsa2048)?.as_der()?;
                EncodingKey::from_rsa_der(
                    pkcs8
                        .as_ref()
                        .get(PKCS8_PREFIX..)
                        .context("an RSA key that is too short")?,
                )
            }
        };
        let mut public = Jwk::from_encoding_key(&secret, algorithm.jose())
            .map_err(|cause| anyhow!("cannot read the new key: {cause}"))?;
        // The thumbprint (RFC 7638) and not a fixed name, so that a restarted issuer's keys are new ones for everybody who caches them.
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            secret,
            public,
            kid,
        })
    }
}
