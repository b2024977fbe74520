//! What the user writes about a provider of API keys.

use serde::Deserialize;

use crate::keys::secret::SecretSpec;
use crate::model::duration::HumanDuration;

/// API keys of this deployment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeySpec {
    /// The header that keys come in. Without it and `cookie`: `x-api-key`.
    #[serde(default)]
    pub header: Option<String>,
    /// The cookie that keys come in, instead of a header.
    #[serde(default)]
    pub cookie: Option<String>,
    /// What keys start with, for secret scanners.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// The secret that keys are digested with. Whoever changes it refuses every key that was issued before.
    pub pepper: SecretSpec,
    /// The longest lifetime that a key can be issued with.
    #[serde(default = "default_lifetime")]
    pub max_lifetime: HumanDuration,
}

fn default_prefix() -> String {
    "cs".to_owned()
}

const fn default_lifetime() -> HumanDuration {
    HumanDuration::from_secs(365 * 24 * 3600)
}
