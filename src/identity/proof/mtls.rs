//! Tokens that are bound to a client certificate (RFC 8705, section 3).

use super::refuse;
use crate::certificate::Certificate;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::verdict::Denial;

/// Refuses a request whose client certificate does not have this thumbprint (`x5t#S256`).
pub(super) fn check(thumbprint: &str, request: &AccessRequest) -> Result<(), Denial> {
    let Some(certificate) = peer_certificate(request)? else {
        let cause = "the token is bound to a client certificate, and there is none";
        return Err(refuse(Reason::CertificateMismatch, cause));
    };
    if certificate.thumbprint() == thumbprint {
        Ok(())
    } else {
        let cause = "the token is bound to another client certificate";
        Err(refuse(Reason::CertificateMismatch, cause))
    }
}

/// The certificate of the connection, as Envoy verified it. The bytes that Envoy shows are those of the handshake, so
/// they are digested as they are.
fn peer_certificate(request: &AccessRequest) -> Result<Option<Certificate>, Denial> {
    let pem = request.source.certificate.as_deref();
    let certificate = pem.map(Certificate::from_pem).transpose();
    certificate.map_err(|error| {
        let cause = format!("the client certificate cannot be read: {error}");
        Denial::new(Reason::CertificateMismatch).because(cause)
    })
}
