//! What a configuration becomes once it is read: all that a server runs with, or all that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::case::PlacedCase;
use super::problem::{Problems, Sources};
use super::watch::Stamp;
use crate::action::RouteTable;
use crate::admin::{AdminSettings, MetricsSettings, Streams};
use crate::approval::ApprovalSettings;
use crate::approval::token::{ApprovalTokens, TOKEN_HEADER};
use crate::audit::AuditSettings;
use crate::authorizer::{Documents, Live, Protected, Snapshot};
use crate::ext_authz::Grpc;
use crate::identity::{CheckedProviders, DpopSettings, Resources};
use crate::keys::KeySource;
use crate::model::name::{ConditionName, ProviderName};
use crate::model::schema::ClaimDeclarations;
use crate::model::time::Timestamp;
use crate::policy::Policy;
use crate::registry::{Lifecycle, Registry};
use crate::store::StoreSettings;
use crate::telemetry::Log;
use crate::token::Minter;

/// A configuration that can be run.
#[derive(Debug)]
pub struct Bundle {
    /// Where Envoy asks.
    pub grpc: Grpc,
    /// Where metrics and health are read.
    pub metrics: MetricsSettings,
    /// Where operators look, and change what runs.
    pub admin: AdminSettings,
    /// Whose security events are taken; without keys yet.
    pub events: Streams,
    /// What is logged.
    pub log: Log,
    /// Where decision records go.
    pub audit: AuditSettings,
    /// Where durable state is kept.
    pub store: StoreSettings,
    /// How proofs of possession are judged.
    pub dpop: DpopSettings,
    /// What minted tokens are signed with.
    pub minter: Option<Minter>,
    /// How approvals are asked for.
    pub approvals: ApprovalSettings,
    /// The settings that only a restart changes, to notice that they changed.
    pub fixed: String,
    /// How credentials are verified; without keys yet.
    pub providers: CheckedProviders,
    /// The claims that providers declare.
    pub claims: BTreeMap<ProviderName, ClaimDeclarations>,
    /// What can be asked.
    pub routes: RouteTable,
    /// What is allowed.
    pub policy: Policy,
    /// The inventory of non-human identities.
    pub registry: Registry,
    /// What the checks of an identity's life do.
    pub lifecycle: Lifecycle,
    /// Declared conditions.
    pub conditions: Vec<ConditionName>,
    /// Conditions that are set.
    pub set_conditions: BTreeMap<ConditionName, bool>,
    /// A digest of everything that decisions depend on.
    pub version: Arc<str>,
    /// Tests of the policies.
    pub cases: Vec<PlacedCase>,
    /// What loads and should be looked at.
    pub warnings: Problems,
    /// The texts that were read, for snippets.
    pub sources: Sources,
    /// Files and folders whose changes matter.
    pub watched: Vec<PathBuf>,
    /// What they looked like before they were read: whatever changed since then has not been seen.
    pub stamp: Stamp,
}

impl Bundle {
    /// Every request header that this server sets: by rules, or with minted tokens. A client's own is removed.
    pub fn set_headers(&self) -> BTreeSet<Arc<str>> {
        let mut headers = self.policy.settable_headers().clone();
        headers.extend(self.minter.iter().map(|it| Arc::clone(it.header())));
        headers
    }

    /// Where keys come from: those of providers, and of other issuers of approvals.
    pub fn key_sources(&self) -> impl Iterator<Item = (&ProviderName, &KeySource)> {
        let tokens = self.approvals.tokens.iter();
        let approvals = tokens.flat_map(ApprovalTokens::key_sources);
        self.providers.key_sources().chain(approvals)
    }

    /// Every request header that goes upstream in no spelling unless this server has set it.
    pub fn protected_headers(&self) -> BTreeSet<Arc<str>> {
        let mut protected = self.set_headers();
        if self.approvals.tokens.is_some() {
            // Envoy may keep it from this server: it goes whether or not it is seen.
            protected.insert(Arc::from(TOKEN_HEADER));
        }
        protected
    }

    /// The snapshot that requests see. Credentials of providers that `resources` has nothing for are refused.
    pub fn into_snapshot(self, loaded: Timestamp, resources: &Resources, live: Live) -> Snapshot {
        let protected = Protected::new(&self.protected_headers());
        let documents = Documents::new(&self.routes, &self.providers, &self.dpop);
        let providers = self.providers.with(self.dpop, resources);
        let mut conditions = self.set_conditions;
        for name in self.conditions {
            conditions.entry(name).or_insert(false);
        }
        Snapshot {
            version: self.version,
            loaded,
            documents,
            routes: self.routes,
            protected,
            minter: self.minter,
            rulings: live.rulings.rulings(&self.policy),
            policy: self.policy,
            registry: self.registry,
            lifecycle: self.lifecycle,
            providers,
            approvals: self.approvals.with(&resources.key_sets),
            conditions,
            live,
        }
    }
}

/// A configuration that cannot be run.
#[derive(Debug)]
pub struct Failure {
    /// Everything that is wrong, and warnings.
    pub problems: Problems,
    /// The texts that were read, for snippets.
    pub sources: Sources,
    /// Files and folders that were named, there or not: one that appears may be the cure.
    pub watched: Vec<PathBuf>,
}
