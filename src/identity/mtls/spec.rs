//! What the user writes about a provider of workloads.

use serde::Deserialize;

use crate::model::list::OneOrMany;

/// Workloads that show a certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MtlsSpec {
    /// The SPIFFE trust domains whose members are known; those of others are no workloads here.
    #[serde(default)]
    pub trust_domains: OneOrMany<String>,
    /// How many proxies of ours stand in front of the Envoy that asks and add to `x-forwarded-client-cert`; at most 8.
    /// Without any, that header is ignored.
    #[serde(default)]
    pub trusted_hops: usize,
    /// The SPIFFE IDs of those proxies; `*` within a segment. The header is then believed from nobody else.
    #[serde(default)]
    pub hops: OneOrMany<String>,
    /// What its workloads are as parties: `service` or `agent`.
    #[serde(default)]
    pub kind: WorkloadKind,
}

/// What a workload is as a party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    /// A service account, workload or automation.
    #[default]
    Service,
    /// An AI agent.
    Agent,
}
