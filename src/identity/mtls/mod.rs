//! Client certificates: who calls, as the Envoy that asks has verified it, or as a proxy in front of it has.
//!
//! What is read here is the workload beside any credential, and the party where a route lists such a provider and the
//! request has no other credential. Nothing here validates a chain: Envoy has. What is present and contradicts itself
//! denies the request; it is never "no workload". The header `x-forwarded-client-cert` is not looked at unless
//! `trusted_hops` says so.

mod caller;
mod compile;
mod forwarded;
mod hops;
mod spec;
#[cfg(test)]
mod tests;
mod xfcc;

use std::sync::Arc;

pub(super) use caller::{CLOCKS_APART, Caller};
pub(super) use compile::not_a_domain;
pub(super) use hops::Hops;
pub use spec::{MtlsSpec, WorkloadKind};

use crate::certificate::Certificate;
use crate::model::identity::{Identity, Proof, TokenFacts, UnregisteredClient};
use crate::model::name::ProviderName;
use crate::model::party::{Assurance, Kind, PartyId};
use crate::model::spiffe::{SpiffeId, TrustDomain};

/// A provider of workloads: the trust domains whose members it knows.
#[derive(Debug)]
pub(super) struct Mtls {
    pub(super) trust_domains: Vec<TrustDomain>,
    pub(super) hops: Hops,
    kind: Kind,
}

impl Mtls {
    /// Whether the workload is of one of its trust domains.
    pub(super) fn has(&self, id: &SpiffeId) -> bool {
        self.trust_domains.iter().any(|domain| domain.has(id))
    }

    /// The workload as an identity of its own: no groups, no scope, no audience; the certificate is both credential and
    /// proof.
    pub(super) fn identity(&self, name: &ProviderName, id: &SpiffeId, caller: &Caller) -> Identity {
        Identity {
            provider: name.clone(),
            subject: PartyId::new(name.clone(), id.shared()),
            kind: self.kind,
            groups: Arc::default(),
            owner: None,
            claims: Arc::default(),
            assurance: Assurance::default(),
            client: None,
            unregistered_client: UnregisteredClient::Subject,
            chain: Vec::new(),
            token: Arc::new(TokenFacts {
                scope: Vec::new(),
                audience: Vec::new(),
                expires: caller.certificate.as_ref().map(Certificate::expires),
                issued: None,
                id: None,
                key: caller.thumbprint.as_deref().map(Arc::from),
                proof: Proof::Mtls,
                bound: None,
                session: None,
                bindable: false,
            }),
        }
    }
}
