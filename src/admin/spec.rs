//! The `metrics` and `admin` sections of the configuration, as the user wrote them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::Deserialize;

use crate::keys::secret::SecretSpec;
use crate::model::list::OneOrMany;
use crate::tls::TlsSpec;

/// Where metrics and health are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSpec {
    /// IP address and port; port 0 takes a free one.
    pub listen: String,
    /// Whether other machines may reach it.
    pub insecure: bool,
}

impl Default for MetricsSpec {
    fn default() -> Self {
        Self {
            listen: loopback(9192),
            insecure: false,
        }
    }
}

/// Where operators look at the server and change it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSpec {
    /// IP address and port, or `none`; port 0 takes a free one.
    pub listen: String,
    /// Whether other machines may reach it without TLS or without saying who they are.
    pub insecure: bool,
    /// Its URL as operators write it.
    pub url: Option<String>,
    /// What the tokens of providers must be meant for; without it: `url`.
    pub audience: Option<String>,
    /// Its certificate.
    pub tls: Option<TlsSpec>,
    /// Who may change something; nobody is listed, nobody may.
    pub access: Vec<AccessSpec>,
}

impl Default for AdminSpec {
    fn default() -> Self {
        Self {
            listen: loopback(9193),
            insecure: false,
            url: None,
            audience: None,
            tls: None,
            access: Vec::new(),
        }
    }
}

impl AdminSpec {
    /// Reads relative files as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        if let Some(tls) = &mut self.tls {
            tls.relative_to(file);
        }
        for entry in &mut self.access {
            if let Some(SecretSpec::File(path)) = &mut entry.token {
                *path = folder.join(&*path);
            }
        }
    }
}

/// One who may change something; exactly one of `token`, `mtls` and `provider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSpec {
    /// What records call whoever comes in by this entry.
    pub name: Option<String>,
    /// A bearer token.
    pub token: Option<SecretSpec>,
    /// Names in a client's certificate: `spiffe://…`, or `dns:…`.
    pub mtls: Option<OneOrMany<String>>,
    /// A configured provider, whose credential is presented.
    pub provider: Option<String>,
    /// Kinds of the provider's parties.
    pub kind: Option<OneOrMany<String>>,
    /// Ids of the provider's parties.
    pub id: Option<OneOrMany<String>>,
    /// Groups of the provider's parties.
    pub group: Option<OneOrMany<String>>,
}

fn loopback(port: u16) -> String {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port).to_string()
}
