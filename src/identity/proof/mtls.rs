//! Tokens that are bound to a client certificate (RFC 8705, section 3).

use super::refuse;
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// Refuses a caller whose certificate does not have this thumbprint (`x5t#S256`).
pub(super) fn check(thumbprint: &str, caller: Option<&str>) -> Result<(), Denial> {
    let Some(shown) = caller else {
        let cause = "the token is bound to a client certificate, and there is none";
        return Err(refuse(Reason::CertificateMismatch, cause));
    };
    if shown == thumbprint {
        Ok(())
    } else {
        let cause = "the token is bound to another client certificate";
        Err(refuse(Reason::CertificateMismatch, cause))
    }
}
