//! Certificates for the listener with mutual TLS: Envoy's own, and workloads' of two trust domains.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use tempfile::TempDir;

/// The host that Envoy's certificate is for.
pub(crate) const SERVER: &str = "api.example.com";

/// A CA, and Envoy's certificate in a folder as `envoy.yaml` wants it.
pub(crate) struct Certs {
    folder: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
}

/// The CA that every Envoy of these tests trusts.
pub(crate) static CERTS: LazyLock<Certs> = LazyLock::new(Certs::new);

impl Certs {
    fn new() -> Self {
        let mut params = named("countersign tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        let name = SanType::DnsName(SERVER.try_into().unwrap());
        let mut params = named("leaf");
        params.subject_alt_names = vec![name];
        let (certificate, key) = leaf(&ca, params, ExtendedKeyUsagePurpose::ServerAuth);
        fs::write(folder.path().join("server.pem"), certificate).unwrap();
        fs::write(folder.path().join("server.key"), key).unwrap();
        Self { folder, ca }
    }

    /// Where `ca.pem`, `server.pem` and `server.key` are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The CA's certificate.
    pub(crate) fn ca(&self) -> String {
        self.ca.pem()
    }

    /// Certificate and key of a workload with these SPIFFE IDs, in one PEM.
    pub(crate) fn workload(&self, ids: &[&str]) -> String {
        self.workload_called("leaf", ids)
    }

    /// The same with this common name, which is nobody's identity.
    pub(crate) fn workload_called(&self, name: &str, ids: &[&str]) -> String {
        let names = ids.iter().map(|id| SanType::URI((*id).try_into().unwrap()));
        let mut params = named(name);
        params.subject_alt_names = names.collect();
        let (certificate, key) = leaf(&self.ca, params, ExtendedKeyUsagePurpose::ClientAuth);
        certificate + &key
    }
}

fn leaf(
    ca: &CertifiedIssuer<'_, KeyPair>,
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
) -> (String, String) {
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A leaf that had its issuer's name would be taken for one that signed itself.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
