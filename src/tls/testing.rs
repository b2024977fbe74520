//! An authority, certificates in files, and a client, for the tests of whoever listens with TLS.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::spec::TlsSpec;

/// The name that servers' certificates are for.
pub(crate) const SERVER: &str = "countersign.example.com";

/// A CA of its own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's pair that expires at the start of `year`.
    pub(crate) fn server(&self, year: i32) -> Pair {
        let name = SanType::DnsName(SERVER.try_into().unwrap());
        self.pair(vec![name], ExtendedKeyUsagePurpose::ServerAuth, year)
    }

    /// A client's pair with these URI and DNS names.
    pub(crate) fn client(&self, uris: &[&str], dns: &[&str]) -> Pair {
        let uris = uris
            .iter()
            .map(|id| SanType::URI((*id).try_into().unwrap()));
        let dns = dns
            .iter()
            .map(|name| SanType::DnsName((*name).try_into().unwrap()));
        let names = uris.chain(dns).collect();
        self.pair(names, ExtendedKeyUsagePurpose::ClientAuth, 4000)
    }

    fn pair(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose, year: i32) -> Pair {
        let mut params = named("leaf");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A leaf that had its issuer's name would be taken for one that signed itself.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Writes a server's pair, and whom it trusts, into a folder.
pub(crate) fn files(folder: &Path, pair: &Pair, client_ca: Option<&str>) -> TlsSpec {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    TlsSpec {
        certificate: write("server.pem", &pair.certificate),
        key: write("server.key", &pair.key),
        client_ca: client_ca.map(|pem| write("clients.pem", pem)),
    }
}

/// Shakes hands as a client that trusts `authority` and shows `identity`, and offers `h2`.
pub(crate) async fn connect<S>(
    stream: S,
    authority: &Authority,
    identity: Option<&Pair>,
) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(SERVER).unwrap();
    let connector = TlsConnector::from(client(authority, identity, ALL_VERSIONS));
    connector.connect(name, stream).await
}

/// What such a client remembers from one connection to the next.
pub(crate) fn client(
    authority: &Authority,
    identity: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(pair) => {
            let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}
