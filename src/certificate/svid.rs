//! The SPIFFE ID in a certificate (X509-SVID specification).

use super::{Certificate, CertificateError};
use crate::model::spiffe::SpiffeId;

impl Certificate {
    /// The workload that it names: none if no URI begins with `spiffe:`, an error if one does and the certificate is no
    /// X509-SVID. A second URI of any kind makes it none (section 2), and so does the right to sign (section 4).
    pub fn spiffe_id(&self) -> Result<Option<SpiffeId>, CertificateError> {
        let spiffe = |uri: &&String| {
            let scheme = uri.get(..7);
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"))
        };
        let Some(uri) = self.uris.iter().find(spiffe) else {
            return Ok(None);
        };
        if self.uris.len() > 1 {
            return Err(CertificateError::ManyUris);
        }
        if self.authority {
            return Err(CertificateError::Authority);
        }
        let id = SpiffeId::parse(uri).ok_or(CertificateError::SpiffeId)?;
        Ok(Some(id))
    }
}
