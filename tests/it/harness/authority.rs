//! A certificate authority of a test's own, and what it signs.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};

/// The host that servers' certificates are for, beside [`SERVER_ID`].
pub(crate) const SERVER_NAME: &str = "countersign.example.org";
/// The SPIFFE ID in servers' certificates.
pub(crate) const SERVER_ID: &str = "spiffe://example.org/countersign";

/// A CA.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    /// A CA with a key of its own.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's pair.
    pub(crate) fn server(&self) -> Pair {
        self.server_until(4000)
    }

    /// The pair of a server that is known by its address, 127.0.0.1.
    pub(crate) fn local_server(&self) -> Pair {
        let names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, 4000)
    }

    /// A server's pair that expires with the beginning of a year.
    pub(crate) fn server_until(&self, year: i32) -> Pair {
        let names = vec![uri(SERVER_ID), dns(SERVER_NAME)];
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, year)
    }

    /// A client's pair with these URIs and DNS names.
    pub(crate) fn client(&self, uris: &[&str], names: &[&str]) -> Pair {
        self.client_until(uris, names, 4000)
    }

    /// A client's pair that expires with the beginning of a year.
    pub(crate) fn client_until(&self, uris: &[&str], names: &[&str], year: i32) -> Pair {
        let uris = uris.iter().map(|text| uri(text));
        let names = uris.chain(names.iter().map(|name| dns(name))).collect();
        self.sign(names, ExtendedKeyUsagePurpose::ClientAuth, year)
    }

    /// A client's pair that nobody may use before a year begins.
    pub(crate) fn client_from(&self, uris: &[&str], year: i32) -> Pair {
        let mut params = named("leaf");
        params.subject_alt_names = uris.iter().map(|text| uri(text)).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = date_time_ymd(year, 1, 1);
        self.issue(&params)
    }

    fn sign(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose, year: i32) -> Pair {
        let mut params = named("leaf");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        params.not_after = date_time_ymd(year, 1, 1);
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// A leaf that had its issuer's name would be taken for one that signed itself.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
