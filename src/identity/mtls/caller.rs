//! One side of a TLS connection, as whoever verified its certificate tells it.

use std::sync::Arc;
use std::time::Duration;

use crate::certificate::{Certificate, CertificateError};
use crate::model::reason::Reason;
use crate::model::request::Peer;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// How far our clock and the clock of whoever verified a certificate may be apart.
pub(in crate::identity) const CLOCKS_APART: Duration = Duration::from_mins(1);

/// Who calls. Nobody, if nobody has shown a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::identity) struct Caller {
    /// Its SPIFFE ID; none for a certificate without one.
    pub(in crate::identity) id: Option<SpiffeId>,
    /// SHA-256 of its certificate's DER, in base64url (RFC 8705, section 3.1).
    pub(in crate::identity) thumbprint: Option<Arc<str>>,
    /// The certificate, where it was sent.
    pub(in crate::identity) certificate: Option<Certificate>,
    /// Whether a certificate was shown at all.
    pub(in crate::identity) shown: bool,
}

impl Caller {
    /// The peer of the Envoy that asks. Principal and certificate, where both are there, name the same workload.
    pub(super) fn direct(source: &Peer, now: Timestamp) -> Result<Self, Denial> {
        let principal = source.principal.as_deref();
        let named = principal.map(spiffe_id).transpose()?.flatten();
        let Some(pem) = source.certificate.as_deref() else {
            return Ok(Self {
                id: named,
                thumbprint: None,
                certificate: None,
                shown: principal.is_some(),
            });
        };
        let caller = Self::of(Certificate::from_pem(pem).map_err(refused)?, now)?;
        if principal.is_some() && caller.id != named {
            return Err(ambiguous(
                "the principal is not the certificate's SPIFFE ID",
            ));
        }
        Ok(caller)
    }

    /// Whoever has this certificate, if it is valid now.
    pub(super) fn of(certificate: Certificate, now: Timestamp) -> Result<Self, Denial> {
        if now > certificate.expires().plus(CLOCKS_APART) {
            return Err(invalid("the certificate has expired"));
        }
        if now < certificate.not_before().minus(CLOCKS_APART) {
            return Err(invalid("the certificate is not valid yet"));
        }
        Ok(Self {
            id: certificate.spiffe_id().map_err(refused)?,
            thumbprint: Some(Arc::from(certificate.thumbprint())),
            certificate: Some(certificate),
            shown: true,
        })
    }
}

/// The SPIFFE ID that a name is: none if it does not begin like one, an error if it does and is none. Schemes are read
/// in any case (RFC 3986, section 3.1), so that `SPIFFE:` is a malformed ID and not another name.
pub(super) fn spiffe_id(name: &str) -> Result<Option<SpiffeId>, Denial> {
    let scheme = name.get(..7);
    if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:")) {
        return Ok(None);
    }
    SpiffeId::parse(name)
        .map(Some)
        .ok_or_else(|| refused(CertificateError::SpiffeId))
}

pub(super) fn refused(error: CertificateError) -> Denial {
    invalid(&error.to_string())
}

pub(super) fn invalid(cause: &str) -> Denial {
    Denial::new(Reason::CertificateInvalid).because(cause)
}

pub(super) fn ambiguous(cause: &str) -> Denial {
    Denial::new(Reason::WorkloadAmbiguous).because(cause)
}
