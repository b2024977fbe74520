//! What the user writes about a provider of JWT-SVIDs.

use std::path::PathBuf;

use serde::Deserialize;

use crate::identity::mtls::WorkloadKind;
use crate::keys::Algorithm;
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// JWT-SVIDs of one trust domain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSvidSpec {
    /// The trust domain, whose members alone are accepted.
    pub trust_domain: String,
    /// Where the trust domain's bundle comes from.
    pub bundle: BundleSpec,
    /// Accepted signature algorithms. All that the specification allows and this server knows, unless said.
    #[serde(default)]
    pub algorithms: Option<OneOrMany<Algorithm>>,
    /// How far the issuer's clock may be off; at most `60s`.
    #[serde(default = "default_leeway")]
    pub leeway: HumanDuration,
    /// What its workloads are as parties: `service` or `agent`.
    #[serde(default)]
    pub kind: WorkloadKind,
}

/// Where a bundle comes from and how long it is good for. Exactly one of `url` and `file` is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSpec {
    /// The bundle endpoint (SPIFFE Trust Domain and Bundle, section 5; profile `https_web`).
    #[serde(default)]
    pub url: Option<String>,
    /// A file with the bundle; relative paths start at the configuration file.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// How often the bundle is fetched again. A shorter `spiffe_refresh_hint` in it is obeyed.
    #[serde(default = "default_refresh")]
    pub refresh: HumanDuration,
    /// How long after the last success keys still serve when fetches fail.
    #[serde(default = "default_stale_for")]
    pub stale_for: HumanDuration,
    /// The shortest time between two refreshes that unknown key ids or the hint cause.
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

const fn default_leeway() -> HumanDuration {
    HumanDuration::from_secs(30)
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
