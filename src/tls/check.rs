//! What `countersign check` says about a listener's files.

use super::error::TlsError;
use super::material::{Files, Material};
use super::spec::TlsSpec;
use super::watch::SOON;
use crate::model::finding::Finding;
use crate::model::time::Timestamp;

/// Reads the files of `spec` and says what is wrong with them, at paths below `tls`: an error for what cannot be used, a
/// warning for a certificate that expires within seven days.
pub fn check(spec: &TlsSpec, now: Timestamp) -> Vec<Finding> {
    let material = Files::read(spec).and_then(|files| Material::build(spec, &files, &[]));
    let expires = match material {
        Ok(material) => material.expires,
        Err(error) => return vec![finding(&error)],
    };
    let warning = |what: String| {
        let finding = Finding::warning("certificate-expires", what);
        vec![
            finding
                .help("renew it; files that change are read again without a restart")
                .under("certificate"),
        ]
    };
    if expires <= now {
        warning(format!("the certificate expired at `{expires}`"))
    } else if expires <= now.plus(SOON) {
        warning(format!("the certificate expires soon, at `{expires}`"))
    } else {
        Vec::new()
    }
}

fn finding(error: &TlsError) -> Finding {
    let help = match error {
        TlsError::Unreadable { .. } => {
            "name a file that this process may read, seen from this file's folder"
        }
        TlsError::NoCertificate { .. } => {
            "write certificates in PEM: `-----BEGIN CERTIFICATE-----`"
        }
        TlsError::NoKey(_) => {
            "write the key in PEM and without a passphrase: `-----BEGIN PRIVATE KEY-----`"
        }
        TlsError::Mismatch(_) => {
            "name the key that the certificate was made for; of a chain, the listener's own certificate comes first"
        }
        TlsError::Expired(_) | TlsError::Unusable { .. } => "use another pair",
    };
    Finding::error("unusable-certificate", error.to_string())
        .help(help)
        .under(error.file().as_str())
}
