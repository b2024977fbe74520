//! What the user writes about an identity.

use serde::Deserialize;

use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// The file of the registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySpec {
    /// The version of the format: `1`.
    pub version: u64,
    /// The identities; none is fine.
    #[serde(default)]
    pub identities: Vec<RegisteredSpec>,
}

/// A non-human identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredSpec {
    /// The name of the provider that vouches for it.
    pub issuer: String,
    /// Its id there: what the provider's mapping gives, what `act` says, or what the client is called.
    pub id: String,
    /// `service` or `agent`.
    pub kind: String,
    /// The person or team that answers for it. Required: an identity without one is an orphan.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its groups.
    #[serde(default)]
    pub groups: OneOrMany<String>,
    /// Where it is in its life; `active` unless said.
    #[serde(default)]
    pub status: StatusSpec,
    /// The first moment at which it is not valid any more: `2027-01-31` (midnight in UTC) or `2027-01-31T08:00:00Z`.
    #[serde(default)]
    pub expires: Option<String>,
    /// SPIFFE IDs of the workloads that may use it, with `*` within a segment of the path; any, unless said.
    #[serde(default)]
    pub workloads: OneOrMany<String>,
    /// The environment that it belongs to, for example `production`.
    #[serde(default)]
    pub environment: Option<String>,
    /// When its secret was rotated last, written like `expires`.
    #[serde(default)]
    pub rotated: Option<String>,
    /// How often its secret has to be rotated, where that is not what `lifecycle.rotation.max_age` says.
    #[serde(default)]
    pub rotate_every: Option<HumanDuration>,
}

/// Where an identity is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusSpec {
    /// It may act.
    #[default]
    Active,
    /// It may not act for now.
    Suspended,
    /// It may not act any more.
    Offboarded,
}
