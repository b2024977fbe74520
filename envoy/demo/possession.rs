//! A caller's own key, and the proofs that it makes with it (DPoP, RFC 9449).

use anyhow::anyhow;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::clock;

/// A key that never leaves its caller.
pub(crate) struct Key {
    secret: EncodingKey,
    public: Jwk,
}

/// What a proof is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) method: &'a str,
    /// Without query and fragment.
    pub(crate) url: &'a str,
    pub(crate) token: &'a str,
    /// The server's, once it has said one.
    pub(crate) nonce: Option<&'a str>,
}

impl Key {
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let secret = EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref());
        let public = Jwk::from_encoding_key(&secret, Algorithm::ES256)
            .map_err(|cause| anyhow!("cannot read the new key: {cause}"))?;
        Ok(Self { secret, public })
    }

    /// What a token is bound to (RFC 7638).
    pub(crate) fn thumbprint(&self) -> anyhow::Result<String> {
        Ok(self.public.thumbprint(ThumbprintHash::SHA256)?)
    }

    /// A proof for one request, made now.
    pub(crate) fn proof(&self, about: About<'_>) -> anyhow::Result<String> {
        let About {
            method,
            url,
            token,
            nonce,
        } = about;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public.clone());
        let mut claims = json!({
            "jti": uuid::Uuid::now_v7().to_string(), "htm": method, "htu": url, "iat": clock::unix_seconds(),
            "ath": URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
        });
        if let (Some(nonce), Some(members)) = (nonce, claims.as_object_mut()) {
            members.insert("nonce".to_owned(), json!(nonce));
        }
        Ok(jsonwebtoken::encode(&header, &claims, &self.secret)?)
    }
}
