//! One public key of a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::embedded::thumbprint;
use super::ready::ReadyKeys;
use super::source::Purpose;
use super::{Algorithm, MAX_KID_BYTES};

/// The sizes of RSA modulus that are accepted, in bits: smaller is weak, larger is slow to verify.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The smallest public exponent that is accepted (FIPS 186-5 section 5.1: more than 2^16).
const SMALLEST_EXPONENT: u32 = 65_537;
/// The members that only a private key has (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// What kind of key it is; every algorithm works with exactly one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyShape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A public key that can verify signatures.
pub(super) struct VerificationKey {
    kid: Option<Arc<str>>,
    shape: KeyShape,
    /// The one algorithm that the set allows for this key, if it names one.
    only: Option<Algorithm>,
    ready: ReadyKeys,
    /// What tells it from every other key (RFC 7638).
    thumbprint: Option<String>,
}

/// Why a key of a set is left out. The messages contain nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwkError {
    #[error("the key is not a JSON object")]
    NotAnObject,
    #[error("the set publishes a private key; tell the issuer that this key is compromised")]
    Private,
    #[error("the key is symmetric")]
    Symmetric,
    #[error("`kid` is not a string of at most {MAX_KID_BYTES} bytes")]
    Kid,
    #[error("`use` or `key_ops` does not allow verifying these signatures")]
    Purpose,
    #[error("`alg` is not an allowed algorithm, or does not fit the key")]
    Algorithm,
    #[error("`kty` or `crv` is not supported")]
    Kind,
    #[error("the key's numbers are missing, malformed or not on the curve")]
    Numbers,
    #[error("the RSA modulus does not have between 2048 and 4096 bits")]
    RsaSize,
    #[error("the RSA exponent is not an odd number from 65537 to 2^32")]
    RsaExponent,
}

impl VerificationKey {
    /// Checks a key; what it may be used for, then whether its numbers are sound.
    pub(super) fn read(jwk: &Value, purpose: Purpose) -> Result<Self, JwkError> {
        let thumbprint = thumbprint(jwk);
        let jwk = jwk.as_object().ok_or(JwkError::NotAnObject)?;
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(JwkError::Private);
        }
        let kid = read_kid(jwk)?;
        check_purpose(jwk, purpose)?;
        let (shape, ready) = match text(jwk, "kty") {
            Some("RSA") => (KeyShape::Rsa, read_rsa(jwk)?),
            Some("EC") => read_ec(jwk)?,
            Some("OKP") => (KeyShape::Ed25519, read_okp(jwk)?),
            Some("oct") => return Err(JwkError::Symmetric),
            _ => return Err(JwkError::Kind),
        };
        Ok(Self {
            kid,
            shape,
            only: read_algorithm(jwk, shape)?,
            ready,
            thumbprint,
        })
    }

    /// Whether tokens that one of them verifies are verified by the other: the same key, under the same id.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.thumbprint == other.thumbprint
    }

    pub(super) fn kid(&self) -> Option<&Arc<str>> {
        self.kid.as_ref()
    }

    /// Whether this key may verify a signature made with `algorithm`.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.shape == algorithm.shape() && self.only.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature` is this key's on `message`. Any failure is false.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &str, signature: &Vec<u8>) -> bool {
        // `fits` again, at the line of danger: an RSA key must not come near another family's check.
        self.fits(algorithm) && self.ready.verify(algorithm, message.as_bytes(), signature)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("kid", &self.kid)
            .field("shape", &self.shape)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

/// The bytes of a base64url member; strict, so that one number has one spelling.
fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, JwkError> {
    text(jwk, name)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or(JwkError::Numbers)
}

fn read_kid(jwk: &Map<String, Value>) -> Result<Option<Arc<str>>, JwkError> {
    match jwk.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if kid.len() <= MAX_KID_BYTES => Ok(Some(kid.as_str().into())),
        Some(_) => Err(JwkError::Kid),
    }
}

/// A bundle's key always says what it is for and what it is called (SPIFFE Trust Domain and Bundle section 4.2.2).
fn check_purpose(jwk: &Map<String, Value>, purpose: Purpose) -> Result<(), JwkError> {
    let written = jwk.get("use");
    let for_this = match purpose {
        Purpose::Signatures => written.is_none_or(|written| written == "sig"),
        Purpose::JwtSvid => {
            written.is_some_and(|written| written == "jwt-svid") && jwk.contains_key("kid")
        }
    };
    let verifies = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    };
    if for_this && verifies {
        Ok(())
    } else {
        Err(JwkError::Purpose)
    }
}

fn read_algorithm(
    jwk: &Map<String, Value>,
    shape: KeyShape,
) -> Result<Option<Algorithm>, JwkError> {
    if !jwk.contains_key("alg") {
        return Ok(None);
    }
    let algorithm = text(jwk, "alg").and_then(|name| name.parse::<Algorithm>().ok());
    match algorithm {
        Some(algorithm) if algorithm.shape() == shape => Ok(Some(algorithm)),
        _ => Err(JwkError::Algorithm),
    }
}

fn read_rsa(jwk: &Map<String, Value>) -> Result<ReadyKeys, JwkError> {
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    // RFC 7518 section 6.3.1.1 warns of issuers that prefix a zero octet; it changes no number.
    let (n, e) = (without_zeros(&modulus), without_zeros(&exponent));
    let leading = n.first().map_or(8, |byte| byte.leading_zeros()) as usize;
    if !RSA_BITS.contains(&(n.len() * 8).saturating_sub(leading)) {
        return Err(JwkError::RsaSize);
    }
    if !is_sane_exponent(e) {
        return Err(JwkError::RsaExponent);
    }
    let ready = ReadyKeys::rsa(n, e).filter(|_| is_odd(n));
    ready.ok_or(JwkError::Numbers)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0);
    number
        .get(start.unwrap_or(number.len())..)
        .unwrap_or_default()
}

fn is_sane_exponent(e: &[u8]) -> bool {
    let value = e
        .iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte));
    e.len() <= 4 && value >= SMALLEST_EXPONENT && is_odd(e)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

/// RFC 7518 section 6.2.1: both coordinates have the full size of the curve.
fn read_ec(jwk: &Map<String, Value>) -> Result<(KeyShape, ReadyKeys), JwkError> {
    let (shape, size, algorithm) = match text(jwk, "crv") {
        Some("P-256") => (KeyShape::P256, 32, Algorithm::Es256),
        Some("P-384") => (KeyShape::P384, 48, Algorithm::Es384),
        _ => return Err(JwkError::Kind),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err(JwkError::Numbers);
    }
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    let ready = ReadyKeys::point(algorithm, &point).ok_or(JwkError::Numbers)?;
    Ok((shape, ready))
}

fn read_okp(jwk: &Map<String, Value>) -> Result<ReadyKeys, JwkError> {
    if text(jwk, "crv") != Some("Ed25519") {
        return Err(JwkError::Kind);
    }
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err(JwkError::Numbers);
    }
    ReadyKeys::point(Algorithm::EdDsa, &x).ok_or(JwkError::Numbers)
}
