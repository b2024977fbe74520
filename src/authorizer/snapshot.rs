//! The immutable bundle that one request sees from start to end.

use std::sync::Arc;

use super::headers::Protected;
use super::live::Live;
use super::metadata::Documents;
use crate::action::RouteTable;
use crate::approval::ApprovalSettings;
use crate::cache::Rulings;
use crate::condition::Values;
use crate::identity::Providers;
use crate::model::time::Timestamp;
use crate::policy::Policy;
use crate::registry::{Lifecycle, Registry};
use crate::token::Minter;

/// Routes, policy, registry, providers and conditions of one version, and the way to what changes without one.
#[derive(Debug)]
pub struct Snapshot {
    /// A digest of everything that it was made from.
    pub version: Arc<str>,
    /// When it was loaded.
    pub loaded: Timestamp,
    /// What can be asked.
    pub routes: RouteTable,
    /// What routes say publicly about the tokens that they take.
    pub documents: Documents,
    /// What is allowed.
    pub policy: Policy,
    /// What its rules have said before, where looking that up is worth it.
    pub rulings: Rulings,
    /// Mints tokens for those whom rules let through with one.
    pub minter: Option<Minter>,
    /// Headers that only the policy may set.
    pub protected: Protected,
    /// The inventory of non-human identities.
    pub registry: Registry,
    /// What the checks of an identity's life do.
    pub lifecycle: Lifecycle,
    /// How credentials are verified.
    pub providers: Providers,
    /// How approvals are asked for.
    pub approvals: ApprovalSettings,
    /// Every declared condition, as the file of conditions sets it: false unless it is set there.
    pub conditions: Values,
    /// What changes without a reload.
    pub live: Live,
}
