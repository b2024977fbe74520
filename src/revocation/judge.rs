//! Whether a call may go on, by everything that it names.

use std::hash::RandomState;
use std::sync::Arc;

use arc_swap::Guard;

use super::name::Name;
use super::table::Table;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;

/// What has become of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing that it names is revoked.
    Good,
    /// Its credential is not good any more, and a newer one may be.
    Credential(Arc<Revocation>),
    /// Somebody in it is blocked, whatever the credential.
    Identity(Arc<Revocation>),
}

/// Judges one call, by entries that do not change meanwhile.
pub struct Judge<'t> {
    table: Guard<Arc<Table>>,
    hasher: &'t RandomState,
    standing: Standing,
}

impl<'t> Judge<'t> {
    pub(super) const fn new(table: Guard<Arc<Table>>, hasher: &'t RandomState) -> Self {
        Self {
            table,
            hasher,
            standing: Standing::Good,
        }
    }

    /// Whether anything of the name's kind is revoked: what is costly to learn need not be learned for nothing.
    pub fn wants(&self, name: &Name<'_>) -> bool {
        match name {
            Name::Spiffe(_) => self.table.has(name) || self.table.has(&Name::SpiffePrefix("")),
            _ => self.table.has(name),
        }
    }

    /// Judges a name that stands in a credential, or comes with a certificate, that was issued at `issued`.
    pub fn name(&mut self, name: &Name<'_>, issued: Option<Timestamp>) {
        self.probe(name, issued);
        if let Name::Spiffe(id) = name
            && self.table.has(&Name::SpiffePrefix(""))
        {
            for prefix in Name::prefixes(id) {
                self.probe(&prefix, issued);
            }
        }
    }

    fn probe(&mut self, name: &Name<'_>, issued: Option<Timestamp>) {
        let Some(entry) = self.table.find(name, self.hasher) else {
            return;
        };
        if !entry.concerns(issued) {
            return;
        }
        match &self.standing {
            // One who is blocked is not helped by a newer credential.
            Standing::Good | Standing::Credential(_) if outlives_credentials(entry) => {
                self.standing = Standing::Identity(Arc::clone(entry));
            }
            Standing::Good => self.standing = Standing::Credential(Arc::clone(entry)),
            Standing::Credential(_) | Standing::Identity(_) => {}
        }
    }

    /// What all names came to.
    pub fn standing(self) -> Standing {
        self.standing
    }
}

/// Whether no newer credential helps: somebody is blocked, not something that a new credential would not have.
fn outlives_credentials(entry: &Revocation) -> bool {
    let of_somebody = match entry.target {
        Target::Token(..)
        | Target::Session(..)
        | Target::Key(..)
        | Target::ApiKey(_)
        | Target::ProofKey(_)
        | Target::Approval(_) => false,
        Target::Subject(..)
        | Target::Actor(..)
        | Target::Client(..)
        | Target::Issuer(_)
        | Target::Spiffe(_)
        | Target::SpiffePrefix(_)
        | Target::Owner(_) => true,
    };
    of_somebody && entry.is_blocked()
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Judge({:?})", self.standing)
    }
}
