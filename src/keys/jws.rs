//! A signed token in the compact serialisation (RFC 7515 section 3.1): read strictly, then verified.

use std::fmt;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json::{self, JsonError};
use super::jwk::VerificationKey;
use super::set::LookupError;
use super::{Algorithm, KeySet, SigningKey};
use crate::json::Json;

/// The largest token in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The longest key id in bytes.
pub const MAX_KID_BYTES: usize = 256;

/// A token whose structure is sound and whose signature nobody has checked. Nothing in it is to be believed.
pub struct ParsedJws<'t> {
    /// What is signed: header, dot, payload, as they were sent.
    pub(super) message: &'t str,
    pub(super) signature: Vec<u8>,
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
}

/// A token whose signature is that of a key of the set. Its claims are as the issuer wrote them, and not validated.
pub struct VerifiedJws {
    /// The `typ` of the header, as it stands.
    pub typ: Option<String>,
    /// The id of the key that verified it, whether the header names it or not; without one the `kid` of the header.
    pub kid: Option<String>,
    /// The algorithm of the signature.
    pub algorithm: Algorithm,
    /// The payload; no member occurs twice, at any depth.
    pub claims: Map<String, Value>,
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

/// The members of a header that are used.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    /// The key that the signer shows; only [`ParsedJws::verify_embedded`] looks at it.
    pub(super) jwk: Option<Value>,
}

/// Reads a token and verifies its signature; see [`parse`] and [`ParsedJws::verify`].
pub fn verify(
    token: &str,
    allowed: &[Algorithm],
    keys: &KeySet,
    now: Instant,
) -> Result<VerifiedJws, JwsError> {
    parse(token)?.verify(allowed, keys, now)
}

/// Reads the structure of a token, so that the caller can choose the issuer by [`ParsedJws::unverified_issuer`].
pub fn parse(token: &str) -> Result<ParsedJws<'_>, JwsError> {
    parse_within(token, MAX_TOKEN_BYTES)
}

/// The same for what is no credential, and may have so many bytes.
pub fn parse_within(token: &str, most: usize) -> Result<ParsedJws<'_>, JwsError> {
    if token.len() > most {
        return Err(JwsError::TooLarge);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(JwsError::Malformed)?;
    // A dot that is left over is not base64url either, but a JWE (four dots) is better refused by count than by luck.
    if payload.contains('.') {
        return Err(JwsError::Malformed);
    }
    let header = Header::read(&decode(header)?)?;
    let claims = json::read_object(&decode(payload)?)?;
    let signature = decode(signature)?;
    if signature.is_empty() {
        return Err(JwsError::Malformed);
    }
    Ok(ParsedJws {
        message,
        signature,
        header,
        claims,
    })
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

impl ParsedJws<'_> {
    /// The `iss` that the token claims. It chooses, by exact comparison, which configured issuer's keys to verify with,
    /// and is good for nothing else.
    pub fn unverified_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The `sub` that the token claims; like `iss`, it chooses whose keys to verify with and is good for nothing else.
    pub fn unverified_subject(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Value::as_str)
    }

    /// The algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// The key id that the header names, at most [`MAX_KID_BYTES`].
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The type that the header names.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// Verifies the signature with the one key of `keys` that the header means, if its algorithm is `allowed`.
    pub fn verify(
        self,
        allowed: &[Algorithm],
        keys: &KeySet,
        now: Instant,
    ) -> Result<VerifiedJws, JwsError> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let key = keys.lookup(self.kid(), algorithm, now)?;
        self.verified(&key)
    }

    /// Verifies that a key of this server's own has signed it: the one that the header names, with its algorithm.
    pub fn verify_own(self, keys: &[SigningKey]) -> Result<VerifiedJws, JwsError> {
        let named = keys.iter().find(|key| Some(key.kid()) == self.kid());
        let key = named.ok_or(JwsError::UnknownKey)?;
        if self.header.algorithm != key.algorithm() {
            return Err(JwsError::UnfitKey);
        }
        self.verified(&key.verification().ok_or(JwsError::UnfitKey)?)
    }

    fn verified(self, key: &VerificationKey) -> Result<VerifiedJws, JwsError> {
        let Self {
            message,
            signature,
            header,
            claims,
        } = self;
        let Header {
            algorithm,
            kid,
            typ,
            jwk: _,
        } = header;
        if !key.verify(algorithm, message, &signature) {
            return Err(JwsError::BadSignature);
        }
        // The key that verified says which it is: a signer who leaves `kid` out does not make it another.
        let kid = key.kid().map(ToOwned::to_owned).or(kid);
        Ok(VerifiedJws {
            typ,
            kid,
            algorithm,
            claims,
        })
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, JwsError> {
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
        let kid = optional_text(members.get("kid"))?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(JwsError::Malformed);
        }
        Ok(Self {
            algorithm,
            kid,
            typ: optional_text(members.get("typ"))?,
            jwk: members.get("jwk").cloned().map(Value::from),
        })
    }
}

fn optional_text(member: Option<&Json<'_>>) -> Result<Option<String>, JwsError> {
    match member {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone().into_owned())),
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

impl fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
