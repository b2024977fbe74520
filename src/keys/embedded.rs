//! A JWS that shows the public key it was signed with, as a proof of possession does (RFC 9449, section 4.2).
//!
//! Its signature says that the signer has that key, and nothing about who the signer is: the caller compares the key's
//! thumbprint with one that somebody vouches for.

use std::fmt;

use serde_json::Value;

use super::base64url::encode;
use super::jwk::VerificationKey;
use super::source::Purpose;
use super::{Algorithm, ParsedJws, sha256};
use crate::json::Object;

/// A document whose signature is that of the key it shows.
pub struct SelfSigned<'t> {
    /// SHA-256 of the key's required members, in base64url (RFC 7638, section 3).
    pub thumbprint: String,
    /// The payload; no member occurs twice, at any depth.
    pub claims: Object<'t>,
}

/// Why a document that shows its key is refused. No message contains a byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddedError {
    /// The algorithm is not in the caller's list.
    #[error("the proof's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// The header has no `jwk`.
    #[error("the proof's header has no `jwk`")]
    NoKey,
    /// `jwk` is no public key that can verify signatures: private or symmetric, of an unknown kind, malformed, too small.
    #[error("the proof's `jwk` is no sound public key for signatures")]
    Key,
    /// `jwk` is not for the algorithm.
    #[error("the proof's `jwk` is not for its algorithm")]
    UnfitKey,
    /// The signature is not that of the key.
    #[error("the proof's signature is wrong")]
    BadSignature,
}

impl<'t> ParsedJws<'t> {
    /// Verifies the signature with the key that the header shows, if its algorithm is `allowed`.
    pub fn verify_embedded(self, allowed: &[Algorithm]) -> Result<SelfSigned<'t>, EmbeddedError> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(EmbeddedError::AlgorithmNotAllowed);
        }
        let jwk = self.header.shown_key().ok_or(EmbeddedError::NoKey)?;
        let jwk = Value::from(jwk.clone());
        let key = VerificationKey::read(&jwk, Purpose::Signatures)
            .map_err(|_unsound| EmbeddedError::Key)?;
        let thumbprint = thumbprint(&jwk).ok_or(EmbeddedError::Key)?;
        if !key.fits(algorithm) {
            return Err(EmbeddedError::UnfitKey);
        }
        if !key.verify(algorithm, self.message, self.signature) {
            return Err(EmbeddedError::BadSignature);
        }
        Ok(SelfSigned {
            thumbprint,
            claims: self.claims,
        })
    }
}

/// The thumbprint of a public key (RFC 7638, section 3.2; RFC 8037, section 2): its required members in the order of
/// their names, without spaces. They are words and base64url, so nothing needs escaping.
pub(super) fn thumbprint(jwk: &Value) -> Option<String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // A secret has no place beside a public key, whatever the key's kind.
    if jwk.get("k").is_some() {
        return None;
    }
    let names: &[&str] = match text("kty")? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let members: Option<Vec<String>> = names
        .iter()
        .map(|name| Some(format!(r#""{name}":"{}""#, text(name)?)))
        .collect();
    let canonical = format!("{{{}}}", members?.join(","));
    Some(encode(&sha256(canonical.as_bytes())))
}

impl fmt::Debug for SelfSigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::Compact;
    use crate::keys::testing::TestKey;

    /// RFC 7638, section 3.1.
    #[test]
    fn the_thumbprint_of_the_rfcs_rsa_key() {
        let jwk = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"
        });
        assert_eq!(
            thumbprint(&jwk).as_deref(),
            Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        );
    }

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_of_the_rfcs_edwards_key() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(
            thumbprint(&jwk).as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
    }

    fn signed(key: &TestKey, algorithm: Algorithm, jwk: &Value) -> Result<String, EmbeddedError> {
        let header = json!({ "alg": algorithm.as_str(), "typ": "dpop+jwt", "jwk": jwk });
        let token = key.sign(algorithm, &header.to_string(), "{}");
        let token = Compact::of(&token).unwrap();
        let verified = token
            .parse()
            .unwrap()
            .verify_embedded(&[algorithm, Algorithm::EdDsa])?;
        Ok(verified.thumbprint)
    }

    #[test]
    fn every_kind_of_key_proves_itself() {
        for (key, algorithm) in [
            (TestKey::p256("a"), Algorithm::Es256),
            (TestKey::p384("a"), Algorithm::Es384),
            (TestKey::ed25519("a"), Algorithm::EdDsa),
            (TestKey::rsa("a"), Algorithm::Rs256),
            (TestKey::rsa("a"), Algorithm::Ps512),
        ] {
            let jwk = key.jwk();
            assert_eq!(
                signed(&key, algorithm, &jwk),
                thumbprint(&jwk).ok_or(EmbeddedError::Key)
            );
        }
    }

    #[test]
    fn a_key_that_is_not_public_or_not_its_own_proves_nothing() {
        let (key, other) = (TestKey::p256("a"), TestKey::p256("b"));
        let try_with = |change: Value| {
            let mut jwk = key.jwk();
            for (name, value) in change.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            signed(&key, Algorithm::Es256, &jwk)
        };
        assert!(try_with(json!({ "use": "sig", "ext": true, "key_ops": ["verify"] })).is_ok());
        for change in [
            json!({ "d": "AAAA" }),
            json!({ "d": null }),
            json!({ "k": "AAAA" }),
            json!({ "p": "AAAA" }),
            json!({ "use": "enc" }),
            json!({ "key_ops": ["sign"] }),
            json!({ "alg": "ES384" }),
            json!({ "alg": "HS256" }),
            json!({ "kty": "oct" }),
            json!({ "kty": "ec" }),
            json!({ "crv": "P-521" }),
            json!({ "crv": "secp256k1" }),
            json!({ "x": "" }),
            json!({ "y": 7 }),
        ] {
            assert_eq!(
                try_with(change.clone()),
                Err(EmbeddedError::Key),
                "{change}"
            );
        }
        assert_eq!(
            signed(&key, Algorithm::Es256, &other.jwk()),
            Err(EmbeddedError::BadSignature)
        );
        assert_eq!(
            signed(&key, Algorithm::Es256, &TestKey::ed25519("c").jwk()),
            Err(EmbeddedError::UnfitKey)
        );
        assert_eq!(
            signed(&key, Algorithm::Es256, &json!(null)),
            Err(EmbeddedError::Key)
        );
        let token = key.token(Algorithm::Es256, &json!({}));
        let token = Compact::of(&token).unwrap();
        let parsed = || token.parse().unwrap();
        assert_eq!(
            parsed().verify_embedded(&[Algorithm::Es256]).unwrap_err(),
            EmbeddedError::NoKey
        );
        assert_eq!(
            parsed().verify_embedded(&[Algorithm::EdDsa]).unwrap_err(),
            EmbeddedError::AlgorithmNotAllowed
        );
    }
}
