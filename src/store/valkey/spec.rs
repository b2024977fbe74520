//! The `store.valkey` section of the configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::duration::HumanDuration;
use crate::secret::SecretSpec;

/// A Valkey or Redis that many replicas share, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValkeySpec {
    /// `redis://host:port`, or `rediss://host:port` over TLS; this or `sentinel`.
    pub url: Option<String>,
    /// Sentinels that know the primary; this or `url`.
    pub sentinel: Option<SentinelSpec>,
    /// The user (ACL); without one, the default user.
    pub username: Option<String>,
    /// Its password, read at every connection.
    pub password: Option<SecretSpec>,
    /// How TLS is spoken; with `sentinel` its presence is what turns TLS on.
    pub tls: Option<ValkeyTlsSpec>,
    /// What every key begins with, inside `{…}`.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Replicas that must have confirmed a write before it is acknowledged (`WAIT`).
    #[serde(default)]
    pub min_replicas: u32,
    /// How long they have.
    #[serde(default = "wait")]
    pub wait: HumanDuration,
    /// How long the server has.
    #[serde(default)]
    pub timeouts: TimeoutsSpec,
}

/// Sentinels, and what they watch over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentinelSpec {
    /// What they call the primary.
    pub master: String,
    /// `host:port` of each.
    pub nodes: Vec<String>,
    /// The user at the Sentinels.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretSpec>,
}

/// Certificates, read at every connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValkeyTlsSpec {
    /// Authorities that may sign the server's certificate (PEM); without them, those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the server (PEM).
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    pub key: Option<PathBuf>,
}

/// How long the server has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsSpec {
    /// For a connection, TLS and login included.
    pub connect: HumanDuration,
    /// For an answer.
    pub command: HumanDuration,
}

impl Default for TimeoutsSpec {
    fn default() -> Self {
        Self {
            connect: HumanDuration::from_millis(1000),
            command: HumanDuration::from_millis(500),
        }
    }
}

impl ValkeySpec {
    /// Reads relative files as seen from `folder`.
    pub(in crate::store) fn relative_to(&mut self, folder: &Path) {
        let ValkeySpec {
            url: _,
            sentinel,
            username: _,
            password,
            tls,
            prefix: _,
            min_replicas: _,
            wait: _,
            timeouts: _,
        } = self;
        let sentinels = sentinel.as_mut().and_then(|it| it.password.as_mut());
        for secret in [password.as_mut(), sentinels].into_iter().flatten() {
            if let SecretSpec::File(file) = secret {
                *file = folder.join(&*file);
            }
        }
        if let Some(ValkeyTlsSpec {
            ca,
            certificate,
            key,
        }) = tls
        {
            for file in [ca, certificate, key].into_iter().flatten() {
                *file = folder.join(&*file);
            }
        }
    }
}

fn prefix() -> String {
    "countersign".to_owned()
}

fn wait() -> HumanDuration {
    HumanDuration::from_millis(100)
}
