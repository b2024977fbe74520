//! What the user writes about a key source.

use std::path::PathBuf;

use serde::Deserialize;

use crate::model::duration::HumanDuration;

/// Where keys come from and how long they are good for. Exactly one of `url`, `discovery` and `file` is set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySourceSpec {
    /// A JWK set (RFC 7517 section 5) at this URL.
    #[serde(default)]
    pub url: Option<String>,
    /// The issuer whose `OpenID` configuration names the JWK set.
    #[serde(default)]
    pub discovery: Option<String>,
    /// A file with a JWK set; relative paths start at the configuration file.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// How often the keys are fetched again.
    #[serde(default = "default_refresh")]
    pub refresh: HumanDuration,
    /// How long after the last success keys still serve when fetches fail.
    #[serde(default = "default_stale_for")]
    pub stale_for: HumanDuration,
    /// The shortest time between two refreshes that unknown key ids cause.
    #[serde(default = "default_min_interval")]
    pub min_interval: HumanDuration,
    /// The time limit of one request.
    #[serde(default = "default_timeout")]
    pub timeout: HumanDuration,
    /// The largest document in bytes.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: usize,
    /// Whether plain `http` is allowed on hosts that are not loopback.
    #[serde(default)]
    pub insecure: bool,
}

const fn default_refresh() -> HumanDuration {
    HumanDuration::from_secs(5 * 60)
}

const fn default_stale_for() -> HumanDuration {
    HumanDuration::from_secs(60 * 60)
}

const fn default_min_interval() -> HumanDuration {
    HumanDuration::from_secs(30)
}

const fn default_timeout() -> HumanDuration {
    HumanDuration::from_secs(5)
}

const fn default_max_bytes() -> usize {
    256 * 1024
}
