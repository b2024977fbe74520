//! The `tls` part of a listener's configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Certificate, key and the issuers of clients' certificates, all in PEM files, as the user wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// The listener's certificate, followed by those that lead to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who issues the certificates of clients; with it, a client without one is refused.
    pub client_ca: Option<PathBuf>,
}

impl TlsSpec {
    /// Reads relative files as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let Self {
            certificate,
            key,
            client_ca,
        } = self;
        for path in [Some(certificate), Some(key), client_ca.as_mut()]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&*path);
        }
    }
}
