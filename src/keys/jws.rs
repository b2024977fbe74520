//! A signed token in the compact serialisation (RFC 7515 section 3.1): read strictly, then verified.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::json::{self, JsonError};
use super::jwk::VerificationKey;
use super::set::LookupError;
use super::{Algorithm, Compact, KeySet, SigningKey};
use crate::json::{Json, Object};

/// The largest token in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The longest key id in bytes.
pub const MAX_KID_BYTES: usize = 256;

/// A token whose structure is sound and whose signature nobody has checked. Nothing in it is to be believed.
pub struct ParsedJws<'t> {
    /// What is signed: header, dot, payload, as they were sent.
    pub(super) message: &'t str,
    pub(super) signature: &'t Vec<u8>,
    pub(super) header: Header<'t>,
    pub(super) claims: Object<'t>,
}

/// A token whose signature is that of a key of the set. Its claims are as the issuer wrote them, and not validated.
pub struct VerifiedJws<'t> {
    header: Header<'t>,
    /// The id of the key that verified it, whether the header names it or not; without one the `kid` of the header.
    pub kid: Option<Arc<str>>,
    /// The payload; no member occurs twice, at any depth.
    pub claims: Object<'t>,
}

/// Why a token is refused. No message and no field contains a byte of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("the token is larger than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// Not three parts of unpadded base64url, not JSON objects, or a header member of the wrong type or size.
    #[error("the token is not a JWS in compact form")]
    Malformed,
    /// Header or payload nest deeper than 16 levels.
    #[error("the token's JSON is nested deeper than {} levels", json::MAX_DEPTH)]
    TooDeep,
    /// An object of header or payload has two members with one name (RFC 7515 section 4, RFC 7519 section 4).
    #[error("the token's JSON has two members with one name")]
    DuplicateMember,
    /// The header has `crit` (RFC 7515 section 4.1.11); no extension is understood.
    #[error("the token's header has `crit`, and no extension is understood")]
    CriticalHeader,
    /// The header has `b64` (RFC 7797); a payload is always encoded.
    #[error("the token's header has `b64`, which is not supported")]
    UnencodedPayload,
    /// `alg` is `none`, symmetric, unknown, or not in the caller's list.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// No key of the set has the token's `kid`; or it has none, and no key fits its algorithm.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// The key exists and is not for the token's algorithm.
    #[error("the token's key is not for the token's algorithm")]
    UnfitKey,
    /// Several keys fit, and the token does not say which.
    #[error("the token does not say which of several keys signed it")]
    AmbiguousKey,
    /// The keys were never fetched yet. This is a fault of ours, not of the token.
    #[error("the issuer's keys are not loaded yet")]
    KeysNotLoaded,
    /// The keys could not be refreshed for longer than `stale_for`. This is a fault of ours, not of the token.
    #[error("the issuer's keys are too old, and could not be refreshed")]
    KeysStale,
    /// The signature is not that of the key.
    #[error("the token's signature is wrong")]
    BadSignature,
}

/// A header whose members are sound.
pub(super) struct Header<'t> {
    pub(super) algorithm: Algorithm,
    members: Object<'t>,
}

impl<'t> ParsedJws<'t> {
    /// Reads the structure of a token, so that the caller can choose the issuer by [`Self::unverified_issuer`].
    pub(super) fn read(token: &'t Compact<'_>) -> Result<Self, JwsError> {
        let header = Header::read(&token.header)?;
        let claims = json::borrow_object(&token.payload)?;
        if token.signature.is_empty() {
            return Err(JwsError::Malformed);
        }
        Ok(Self {
            message: token.message,
            signature: &token.signature,
            header,
            claims,
        })
    }

    /// The `iss` that the token claims. It chooses, by exact comparison, which configured issuer's keys to verify with,
    /// and is good for nothing else.
    pub fn unverified_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Json::as_str)
    }

    /// The `sub` that the token claims; like `iss`, it chooses whose keys to verify with and is good for nothing else.
    pub fn unverified_subject(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Json::as_str)
    }

    /// The algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key id that the header names, at most [`MAX_KID_BYTES`].
    pub fn kid(&self) -> Option<&str> {
        self.header.text("kid")
    }

    /// The type that the header names.
    pub fn typ(&self) -> Option<&str> {
        self.header.text("typ")
    }

    /// Verifies the signature with the one key of `keys` that the header means, if its algorithm is `allowed`.
    pub fn verify(
        self,
        allowed: &[Algorithm],
        keys: &KeySet,
        now: Instant,
    ) -> Result<VerifiedJws<'t>, JwsError> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let key = keys.lookup(self.kid(), algorithm, now)?;
        self.verified(&key)
    }

    /// Verifies that a key of this server's own has signed it: the one that the header names, with its algorithm.
    pub fn verify_own(self, keys: &[SigningKey]) -> Result<VerifiedJws<'t>, JwsError> {
        let named = keys.iter().find(|key| Some(key.kid()) == self.kid());
        let key = named.ok_or(JwsError::UnknownKey)?;
        if self.header.algorithm != key.algorithm() {
            return Err(JwsError::UnfitKey);
        }
        self.verified(&key.verification().ok_or(JwsError::UnfitKey)?)
    }

    fn verified(self, key: &VerificationKey) -> Result<VerifiedJws<'t>, JwsError> {
        if !key.verify(self.header.algorithm, self.message, self.signature) {
            return Err(JwsError::BadSignature);
        }
        // The key that verified says which it is: a signer who leaves `kid` out does not make it another.
        let kid = key.kid().cloned().or_else(|| self.kid().map(Arc::from));
        Ok(VerifiedJws {
            kid,
            header: self.header,
            claims: self.claims,
        })
    }
}

impl VerifiedJws<'_> {
    /// The algorithm of the signature.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The type that the header names, as it stands.
    pub fn typ(&self) -> Option<&str> {
        self.header.text("typ")
    }
}

impl<'t> Header<'t> {
    fn read(bytes: &'t [u8]) -> Result<Self, JwsError> {
        let members = json::borrow_object(bytes)?;
        if members.get("crit").is_some() {
            return Err(JwsError::CriticalHeader);
        }
        if members.get("b64").is_some() {
            return Err(JwsError::UnencodedPayload);
        }
        let Some(Json::String(algorithm)) = members.get("alg") else {
            return Err(JwsError::Malformed);
        };
        let Ok(algorithm) = algorithm.parse() else {
            return Err(JwsError::AlgorithmNotAllowed);
        };
        optional_text(members.get("typ"))?;
        let kid = optional_text(members.get("kid"))?;
        if kid.is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(JwsError::Malformed);
        }
        Ok(Self { algorithm, members })
    }

    /// The key that the signer shows; only [`ParsedJws::verify_embedded`] looks at it.
    pub(super) fn shown_key(&self) -> Option<&Json<'t>> {
        self.members.get("jwk")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Json::as_str)
    }
}

fn optional_text<'a>(member: Option<&'a Json<'_>>) -> Result<Option<&'a str>, JwsError> {
    match member {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Malformed),
    }
}

impl From<JsonError> for JwsError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed => Self::Malformed,
            JsonError::TooDeep => Self::TooDeep,
            JsonError::DuplicateMember => Self::DuplicateMember,
        }
    }
}

impl From<LookupError> for JwsError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotLoaded => Self::KeysNotLoaded,
            LookupError::Stale => Self::KeysStale,
            LookupError::Unknown => Self::UnknownKey,
            LookupError::Unfit => Self::UnfitKey,
            LookupError::Ambiguous => Self::AmbiguousKey,
        }
    }
}

impl fmt::Debug for ParsedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedJws")
            .field("algorithm", &self.header.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("algorithm", &self.header.algorithm)
            .finish_non_exhaustive()
    }
}
