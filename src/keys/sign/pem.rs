//! A private key from a PEM file: exactly one, of a kind that signs tokens, and whatever else stands there is named.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
};
use rustls_pki_types::pem::{PemObject as _, SectionKind};

use super::{Pair, SigningKey};

/// Largest file in bytes; a key that signs here has a few hundred.
const MAX_BYTES: u64 = 16 * 1024;

/// What every block of a PEM file begins with.
const BEGIN: &str = "-----BEGIN ";

/// How a key is made that can be used.
const MAKE: &str = "make a key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE` or \
                    `openssl genpkey -algorithm ed25519 -out FILE`";

/// Why a file gives no key to sign with. No message contains a byte of the file.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is larger than any key.
    #[error("the file is larger than {MAX_BYTES} bytes, so it is no private key")]
    TooLarge,
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// There is no PEM block in it.
    #[error("the file is not PEM: there is no line `{BEGIN}PRIVATE KEY-----`")]
    NotPem,
    /// A block that does not end, or whose text is no base64.
    #[error("the file's PEM block is broken")]
    Broken,
    /// More than one block: nobody could say which key is meant.
    #[error("the file has more than one PEM block")]
    Several,
    /// The key has a passphrase.
    #[error("the key is encrypted with a passphrase")]
    Encrypted,
    /// The key is in the older form that names its curve itself (RFC 5915).
    #[error("the key is in the form `EC PRIVATE KEY`")]
    Sec1,
    /// Something else than a private key.
    #[error("the file holds {0}, and no private key")]
    Other(&'static str),
    /// A private key of a kind that does not sign here.
    #[error("the key is {0}")]
    Kind(&'static str),
}

impl SigningKeyError {
    /// What to do about it.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Encrypted => {
                "take the passphrase off with `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW`, and keep the file for its owner"
            }
            Self::Sec1 => "write it as PKCS#8: `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW`",
            Self::Unreadable(_) => "name a PEM file, seen from this one, that this user can read",
            Self::Several => "keep one private key in each file",
            Self::TooLarge
            | Self::Empty
            | Self::NotPem
            | Self::Broken
            | Self::Other(_)
            | Self::Kind(_) => MAKE,
        }
    }
}

pub(super) fn load(file: &Path) -> Result<SigningKey, SigningKeyError> {
    read(&bytes(file)?)
}

fn bytes(file: &Path) -> Result<Vec<u8>, SigningKeyError> {
    let mut bytes = Vec::new();
    let file = File::open(file).map_err(SigningKeyError::Unreadable)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(SigningKeyError::Unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(SigningKeyError::TooLarge);
    }
    Ok(bytes)
}

pub(super) fn read(bytes: &[u8]) -> Result<SigningKey, SigningKeyError> {
    if bytes.trim_ascii().is_empty() {
        return Err(SigningKeyError::Empty);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut labels = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(BEGIN)?.strip_suffix("-----"));
    let label = labels.next().ok_or(SigningKeyError::NotPem)?;
    // `openssl ecparam -genkey` writes the curve in a block of its own before the key.
    if label == "EC PARAMETERS" {
        return Err(SigningKeyError::Sec1);
    }
    if labels.next().is_some() {
        return Err(SigningKeyError::Several);
    }
    check_label(label)?;
    let section = <(SectionKind, Vec<u8>)>::from_pem_slice(bytes);
    match section {
        Ok((SectionKind::PrivateKey, der)) => key(&der),
        Ok(_) | Err(_) => Err(SigningKeyError::Broken),
    }
}

fn check_label(label: &str) -> Result<(), SigningKeyError> {
    match label {
        "PRIVATE KEY" => Ok(()),
        "ENCRYPTED PRIVATE KEY" => Err(SigningKeyError::Encrypted),
        "EC PRIVATE KEY" => Err(SigningKeyError::Sec1),
        "RSA PRIVATE KEY" => Err(SigningKeyError::Kind("an RSA key")),
        "OPENSSH PRIVATE KEY" => Err(SigningKeyError::Other("a key of OpenSSH")),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(SigningKeyError::Other("a public key")),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            Err(SigningKeyError::Other("a certificate"))
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            Err(SigningKeyError::Other("a certificate request"))
        }
        _ => Err(SigningKeyError::Other("another kind of PEM block")),
    }
}

/// The key of a PKCS#8 document (RFC 5958).
fn key(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let of_curve = |curve: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(curve, der);
    let pair = of_curve(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .map(Pair::P256)
        .or_else(|_other| Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed25519));
    match pair {
        Ok(pair) => SigningKey::new(pair).ok_or(SigningKeyError::Broken),
        Err(_) if RsaKeyPair::from_pkcs8(der).is_ok() => Err(SigningKeyError::Kind("an RSA key")),
        Err(_)
            if of_curve(&ECDSA_P384_SHA384_FIXED_SIGNING).is_ok()
                || of_curve(&ECDSA_P521_SHA512_FIXED_SIGNING).is_ok() =>
        {
            Err(SigningKeyError::Kind("not on the curve P-256"))
        }
        Err(_) => Err(SigningKeyError::Kind("neither of P-256 nor Ed25519")),
    }
}
