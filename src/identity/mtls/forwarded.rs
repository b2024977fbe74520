//! What an element of `x-forwarded-client-cert` says about whoever showed a certificate to the proxy that added it.

use std::sync::Arc;

use super::caller::{Caller, ambiguous, invalid, refused, spiffe_id};
use super::xfcc::{Element, malformed};
use crate::certificate::{Certificate, CertificateError};
use crate::keys::base64url;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

impl Element {
    /// Whoever showed the certificate. Its hash has to be there, as Envoy always writes it; its URI and the certificate
    /// itself agree where both are there.
    pub(super) fn caller(&self, now: Timestamp) -> Result<Caller, Denial> {
        let thumbprint = self.thumbprint()?;
        let named = self.spiffe_id()?;
        let Some(encoded) = &self.certificate else {
            return Ok(Caller {
                id: named,
                thumbprint: Some(thumbprint),
                certificate: None,
                shown: true,
            });
        };
        let pem = decoded(encoded).ok_or_else(|| malformed("`Cert` is not URL-encoded"))?;
        let caller = Caller::of(Certificate::from_pem(&pem).map_err(refused)?, now)?;
        if caller.thumbprint.as_ref() != Some(&thumbprint) {
            return Err(ambiguous("`Hash` is not that of `Cert`"));
        }
        if !self.uris.is_empty() && caller.id != named {
            return Err(ambiguous("`URI` is not that of `Cert`"));
        }
        Ok(caller)
    }

    /// Whether this is about `peer`, whose certificate the Envoy that asks has seen itself: nothing that both know
    /// differs, and there is something that both know.
    pub(super) fn is_about(&self, peer: &Caller) -> Result<bool, Denial> {
        let certificate = match &peer.thumbprint {
            Some(thumbprint) => Some(self.thumbprint()? == *thumbprint),
            None => None,
        };
        let name = if self.uris.is_empty() {
            None
        } else {
            Some(self.spiffe_id()? == peer.id)
        };
        let differs = certificate == Some(false) || name == Some(false);
        Ok(!differs && (certificate.is_some() || peer.id.is_some() && name.is_some()))
    }

    fn thumbprint(&self) -> Result<Arc<str>, Denial> {
        let hash = self.hash.as_deref().and_then(sha256);
        hash.map(|bytes| Arc::from(base64url::encode(&bytes)))
            .ok_or_else(|| malformed("an element has no SHA-256 in `Hash`"))
    }

    /// The one URI, if it is a SPIFFE ID (X509-SVID, section 2: there is no second one of any kind).
    fn spiffe_id(&self) -> Result<Option<SpiffeId>, Denial> {
        match self.uris.as_slice() {
            [] => Ok(None),
            [uri] => spiffe_id(uri),
            many => {
                for uri in many {
                    if uri
                        .get(..7)
                        .is_some_and(|it| it.eq_ignore_ascii_case("spiffe:"))
                    {
                        return Err(invalid(&CertificateError::ManyUris.to_string()));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// The 32 bytes of a hash in hexadecimal.
fn sha256(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes = pairs.iter().map(|[high, low]| byte(*high, *low));
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    (bytes.len() == 32).then_some(bytes)
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// The text behind a URL encoding (RFC 3986, section 2.1). It is not longer than the header that holds it.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(next) = rest.next() {
        match next {
            b'%' => bytes.push(byte(rest.next()?, rest.next()?)?),
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).ok()
}
