//! Why a certificate cannot be used, and why a handshake fails. No message holds anything of a key.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls;

/// One of the files, named as the configuration names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The listener's certificate.
    Certificate,
    /// Its private key.
    Key,
    /// The issuers of clients' certificates.
    ClientCa,
}

impl File {
    /// The key below `tls`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::ClientCa => "client_ca",
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the files of a listener cannot be used; [`TlsError::file`] says which one is wrong.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// Which one.
        file: File,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no list of certificates.
    #[error("`{}` holds no certificate in PEM that can be read", path.display())]
    NoCertificate {
        /// Which one.
        file: File,
        /// Where it is.
        path: PathBuf,
    },
    /// The file is no key.
    #[error("`{}` holds no private key in PEM that can be read", .0.display())]
    NoKey(PathBuf),
    /// The key is another certificate's.
    #[error("the key in `{}` does not belong to the certificate", .0.display())]
    Mismatch(PathBuf),
    /// The pair has expired, and the one in force has not.
    #[error("the certificate in `{}` has expired", .0.display())]
    Expired(PathBuf),
    /// The certificates or the key are of a kind that cannot be served.
    #[error("`{}` cannot be used: {source}", path.display())]
    Unusable {
        /// Which one.
        file: File,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}

impl TlsError {
    /// The file that is wrong.
    pub const fn file(&self) -> File {
        match self {
            Self::Unreadable { file, .. }
            | Self::NoCertificate { file, .. }
            | Self::Unusable { file, .. } => *file,
            Self::NoKey(_) | Self::Mismatch(_) => File::Key,
            Self::Expired(_) => File::Certificate,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client took too long.
    #[error("the handshake was not finished in time")]
    TimedOut,
    /// The client spoke no TLS, or its certificate is not accepted.
    #[error("the handshake failed: {0}")]
    Failed(io::Error),
    /// The client's certificate is signed by a trusted issuer and cannot be read.
    #[error("the client's certificate cannot be read")]
    Certificate,
    /// The client's certificate is good, and its owner may not come in.
    #[error("the client's certificate is not on the list")]
    Stranger,
}
