//! From PEM files to what a handshake is done with.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::error::{File, TlsError};
use super::spec::TlsSpec;
use crate::certificate::Certificate;
use crate::model::time::Timestamp;

/// Largest file in bytes: a bundle of a hundred certificates is smaller.
const MAX_FILE: u64 = 1024 * 1024;

/// The files as they were at a moment; never shown, because one of them is a key.
#[derive(Hash)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Files {
    pub(super) fn read(spec: &TlsSpec) -> Result<Self, TlsError> {
        let TlsSpec {
            certificate,
            key,
            client_ca,
        } = spec;
        Ok(Self {
            certificate: read(File::Certificate, certificate)?,
            key: read(File::Key, key)?,
            client_ca: client_ca
                .as_deref()
                .map(|path| read(File::ClientCa, path))
                .transpose()?,
        })
    }

    /// A number that differs when the files do, for whoever holds the same `state`; it says nothing about the key.
    pub(super) fn mark(&self, state: &RandomState) -> u64 {
        state.hash_one(self)
    }
}

fn read(file: File, path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        file,
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file of exactly the limit from a larger one.
    fs::File::open(path)
        .and_then(|opened| opened.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        return Ok(bytes);
    }
    let what = format!("it is larger than {MAX_FILE} bytes");
    Err(unreadable(io::Error::new(
        io::ErrorKind::FileTooLarge,
        what,
    )))
}

/// What a handshake is done with.
#[derive(Clone, Debug)]
pub(super) struct Material {
    pub(super) config: Arc<ServerConfig>,
    /// When the listener's certificate expires.
    pub(super) expires: Timestamp,
}

impl Material {
    /// Checks that the files are what they should be and belong together.
    pub(super) fn build(
        spec: &TlsSpec,
        files: &Files,
        protocols: &[&[u8]],
    ) -> Result<Self, TlsError> {
        let TlsSpec {
            certificate,
            key,
            client_ca,
        } = spec;
        let provider = Arc::new(default_provider());
        let chain = certificates(File::Certificate, certificate, &files.certificate)?;
        let unreadable = || TlsError::NoCertificate {
            file: File::Certificate,
            path: certificate.clone(),
        };
        let leaf = chain.first().ok_or_else(unreadable)?;
        let expires = Certificate::from_der(leaf)
            .map_err(|_malformed| unreadable())?
            .expires();
        let private = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|_malformed| TlsError::NoKey(key.clone()))?;
        let pair = CertifiedKey::from_der(chain, private, &provider)
            .map_err(|error| wrong_pair(spec, error))?;

        // Resumption would carry a client past a CA that is not trusted any more, so there is none.
        let versions = [&TLS13, &TLS12];
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| wrong_pair(spec, error))?;
        let builder = match (client_ca, &files.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = Arc::new(roots(path, pem)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder
                    .with_client_cert_verifier(verifier.map_err(|error| no_issuer(path, &error))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self {
            config: Arc::new(config),
            expires,
        })
    }
}

fn certificates(
    file: File,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = || TlsError::NoCertificate {
        file,
        path: path.to_owned(),
    };
    let read: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_malformed| none())?;
    if read.is_empty() {
        Err(none())
    } else {
        Ok(read)
    }
}

fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(File::ClientCa, path, pem)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Unusable {
                file: File::ClientCa,
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(roots)
}

fn no_issuer(path: &Path, error: &VerifierBuilderError) -> TlsError {
    TlsError::Unusable {
        file: File::ClientCa,
        path: path.to_owned(),
        source: rustls::Error::General(error.to_string()),
    }
}

fn wrong_pair(spec: &TlsSpec, error: rustls::Error) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(spec.key.clone()),
        rustls::Error::InvalidCertificate(_) => TlsError::Unusable {
            file: File::Certificate,
            path: spec.certificate.clone(),
            source: error,
        },
        other => TlsError::Unusable {
            file: File::Key,
            path: spec.key.clone(),
            source: other,
        },
    }
}
