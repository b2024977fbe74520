//! What providers need at run time beyond their configuration. The wiring makes it, and keeps it across reloads.

use std::collections::BTreeMap;

use super::api_key::ApiKeys;
use super::introspection::Introspector;
use super::verified::VerifiedTokens;
use crate::keys::KeySet;
use crate::keys::secret::Secret;
use crate::model::name::ProviderName;
use crate::store::Store;

/// Everything that providers are given. A provider that is not given what it needs verifies nothing: its credentials are
/// then those of an unknown issuer.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Key sets, by provider.
    pub key_sets: BTreeMap<ProviderName, KeySet>,
    /// What is known about opaque tokens, by provider.
    pub introspectors: BTreeMap<ProviderName, Introspector>,
    /// Durable state; none where no server runs.
    pub store: Option<Store>,
    /// What nonces of DPoP proofs are made with, unless the configuration names another secret.
    pub nonce_secret: Option<Secret>,
    /// The API keys of the store.
    pub api_keys: Option<ApiKeys>,
    /// Tokens that were verified before.
    pub verified: VerifiedTokens,
}
