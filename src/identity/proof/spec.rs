//! The `dpop` section of the configuration.

use serde::Deserialize;

use crate::keys::Algorithm;
use crate::keys::secret::SecretSpec;
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// How DPoP proofs are judged, as the user wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DpopSpec {
    /// Whether a proof needs a nonce of this server.
    pub nonce: NonceSpec,
    /// How long a nonce is good, at least; twice as long at most.
    pub nonce_ttl: HumanDuration,
    /// The secret that nonces are made with. Without one: a secret in the store.
    pub nonce_key: Option<SecretSpec>,
    /// How old a proof may be.
    pub max_age: HumanDuration,
    /// How far the client's clock may be off.
    pub leeway: HumanDuration,
    /// Accepted signature algorithms, the preferred first.
    pub algorithms: OneOrMany<Algorithm>,
    /// Most proofs that are remembered at once.
    pub replay_entries: u64,
}

/// Whether a proof needs a nonce of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonceSpec {
    /// It does.
    Required,
    /// It does not, and what it has is not read.
    Off,
}

impl Default for DpopSpec {
    fn default() -> Self {
        Self {
            nonce: NonceSpec::Required,
            nonce_ttl: HumanDuration::from_secs(300),
            nonce_key: None,
            max_age: HumanDuration::from_secs(60),
            leeway: HumanDuration::from_secs(5),
            algorithms: OneOrMany::Many(vec![Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]),
            replay_entries: 1_000_000,
        }
    }
}
