//! X.509 certificates, read and never validated: whoever hands one over has verified its chain (Envoy, or our own TLS).
//!
//! The names in it are the SANs of their own type alone: a common name is no name here, and a URI is never compared with
//! a DNS name. No error contains a byte of a certificate.

mod svid;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer as _;

use crate::model::time::Timestamp;

/// Largest certificate in bytes, as DER; Envoy itself limits a handshake to more.
const MAX_DER: usize = 48 * 1024;
/// Most names in one certificate.
const MAX_NAMES: usize = 100;

/// Why a certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not one PEM block of a certificate.
    #[error("not a certificate in PEM")]
    Pem,
    /// Not a certificate.
    #[error("not an X.509 certificate in DER")]
    Der,
    /// Larger than what is read.
    #[error("the certificate is too large")]
    TooLarge,
    /// Its names cannot be read, there are too many, or one has a control character.
    #[error("the certificate's names cannot be read")]
    Names,
    /// More than one URI, of which one is a SPIFFE ID (X509-SVID, section 2).
    #[error("the certificate has more than one URI")]
    ManyUris,
    /// A URI that begins like a SPIFFE ID and is none.
    #[error("the certificate's SPIFFE ID is malformed")]
    SpiffeId,
    /// A certificate that may sign others is no workload's (X509-SVID, section 4).
    #[error("the certificate is an authority's")]
    Authority,
}

/// One certificate, parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    thumbprint: String,
    uris: Vec<String>,
    dns_names: Vec<String>,
    not_before: Timestamp,
    expires: Timestamp,
    /// Whether it may sign other certificates or revocation lists.
    authority: bool,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.thumbprint)
    }
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        if text.len() > 2 * MAX_DER {
            return Err(CertificateError::TooLarge);
        }
        let (_rest, pem) =
            parse_x509_pem(text.as_bytes()).map_err(|_malformed| CertificateError::Pem)?;
        if pem.label != "CERTIFICATE" {
            return Err(CertificateError::Pem);
        }
        Self::from_der(&pem.contents)
    }

    /// Reads a certificate; nothing may follow it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_DER {
            return Err(CertificateError::TooLarge);
        }
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_malformed| CertificateError::Der)?;
        if !rest.is_empty() {
            return Err(CertificateError::Der);
        }
        let (uris, dns_names) = names(&parsed)?;
        let validity = parsed.validity();
        Ok(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, der)),
            uris,
            dns_names,
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            expires: Timestamp::from_seconds(validity.not_after.timestamp()),
            authority: is_authority(&parsed)?,
        })
    }

    /// SHA-256 of its DER in base64url: `x5t#S256` (RFC 8705, section 3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Its URI names, in order.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// Its DNS names, in order, as written.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The first moment at which it is valid.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment at which it is valid.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }
}

type Names = (Vec<String>, Vec<String>);

fn names(parsed: &X509Certificate<'_>) -> Result<Names, CertificateError> {
    let extension = parsed
        .subject_alternative_name()
        .map_err(|_malformed| CertificateError::Names)?;
    let (mut uris, mut dns_names) = (Vec::new(), Vec::new());
    let Some(extension) = extension else {
        return Ok((uris, dns_names));
    };
    if extension.value.general_names.len() > MAX_NAMES {
        return Err(CertificateError::Names);
    }
    for name in &extension.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(plain(uri)?),
            GeneralName::DNSName(name) => dns_names.push(plain(name)?),
            GeneralName::Invalid(..) => return Err(CertificateError::Names),
            _ => {}
        }
    }
    Ok((uris, dns_names))
}

/// A name without control characters: a NUL inside one has fooled readers that stop there (CVE-2026-47778).
fn plain(name: &str) -> Result<String, CertificateError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CertificateError::Names);
    }
    Ok(name.to_owned())
}

fn is_authority(parsed: &X509Certificate<'_>) -> Result<bool, CertificateError> {
    let constraints = parsed
        .basic_constraints()
        .map_err(|_malformed| CertificateError::Der)?;
    let usage = parsed
        .key_usage()
        .map_err(|_malformed| CertificateError::Der)?;
    let signs = usage.is_some_and(|it| it.value.key_cert_sign() || it.value.crl_sign());
    Ok(signs || constraints.is_some_and(|it| it.value.ca))
}
