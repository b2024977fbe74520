//! Joins what a provider verified with what the registry knows, into the parties of a call.
//!
//! For a non-human identity that is registered, kind, groups and owner come from the registry alone; a credential that
//! states another kind is refused. Inner entries of a delegation chain may deny, never grant.

use std::sync::Arc;

use crate::model::identity::{Identity, UnregisteredClient};
use crate::model::party::{Assurance, Claims, Kind, Parties, Party, PartyId, Prior};
use crate::model::reason::Reason;
use crate::model::verdict::Denial;
use crate::registry::{Registered, Registry};

/// Why an identity cannot be a party; a denial without a remedy.
pub type JoinError = Denial;

/// The parties of a call made with `identity`. Where they are in their lives is asked elsewhere.
pub fn join(identity: &Identity, registry: &Registry) -> Result<Parties, JoinError> {
    let subject = subject(identity, registry)?;
    let actor = match identity.chain.first() {
        Some(outermost) => Some(chained_actor(outermost, identity, registry)?),
        None => match client_of(identity) {
            Some(client) => client_actor(client, identity.unregistered_client, registry)?,
            None => None,
        },
    };
    Ok(Parties {
        subject,
        prior: prior(identity, registry),
        actor,
        depth: identity.chain.len(),
    })
}

/// Those before the outermost `act`, and the client where the outermost `act` is the actor in its place.
fn prior(identity: &Identity, registry: &Registry) -> Vec<Prior> {
    let Some((_actor, inner)) = identity.chain.split_first() else {
        return Vec::new();
    };
    let ids = inner.iter().cloned().chain(client_of(identity));
    ids.map(|id| Prior {
        owner: registry.find(&id).map(|known| Arc::clone(&known.owner)),
        id,
    })
    .collect()
}

/// Everybody that a credential speaks of. Those who are no party may deny, never grant.
pub(super) fn everybody(identity: &Identity) -> impl Iterator<Item = PartyId> {
    let others = identity.chain.iter().cloned().chain(client_of(identity));
    others.chain(std::iter::once(identity.subject.clone()))
}

fn subject(identity: &Identity, registry: &Registry) -> Result<Party, Denial> {
    let id = identity.subject.clone();
    let claims = Arc::clone(&identity.claims);
    let assurance = identity.assurance.clone();
    let Some(known) = registry.find(&id) else {
        let groups = Arc::clone(&identity.groups);
        return Ok(Party {
            kind: identity.kind,
            id,
            owner: identity.owner.clone(),
            groups,
            claims,
            assurance,
        });
    };
    if identity.kind != known.kind {
        let cause = format!(
            "`{id}` is registered as {} and the credential states {}",
            known.kind, identity.kind
        );
        return Err(Denial::new(Reason::KindMismatch).because(cause));
    }
    Ok(registered(known, id, claims, assurance))
}

fn registered(known: &Registered, id: PartyId, claims: Arc<Claims>, assurance: Assurance) -> Party {
    let (owner, groups) = (Some(Arc::clone(&known.owner)), Arc::clone(&known.groups));
    Party {
        kind: known.kind,
        id,
        owner,
        groups,
        claims,
        assurance,
    }
}

fn bare_registered(known: &Registered, id: PartyId) -> Party {
    let Party {
        claims, assurance, ..
    } = Party::bare(known.kind, id.clone());
    registered(known, id, claims, assurance)
}

/// The outermost `act`: registered, or what the provider makes of unregistered ones. `subject` cannot be meant here,
/// because the credential says that somebody else acts.
fn chained_actor(id: &PartyId, identity: &Identity, registry: &Registry) -> Result<Party, Denial> {
    if let Some(known) = registry.find(id) {
        return Ok(bare_registered(known, id.clone()));
    }
    match identity.unregistered_client {
        UnregisteredClient::Service => Ok(Party::bare(Kind::Service, id.clone())),
        UnregisteredClient::Agent => Ok(Party::bare(Kind::Agent, id.clone())),
        UnregisteredClient::Deny | UnregisteredClient::Subject => Err(unregistered(id)),
    }
}

/// The client that holds the credential, unless it is the subject itself. Like an inner `act` entry it may deny even
/// where it is no party.
pub(super) fn client_of(identity: &Identity) -> Option<PartyId> {
    let client = identity.client.clone()?;
    let id = PartyId::new(identity.provider.clone(), client);
    (id != identity.subject).then_some(id)
}

/// The client as the actor, where it is a party of its own.
fn client_actor(
    id: PartyId,
    unregistered_client: UnregisteredClient,
    registry: &Registry,
) -> Result<Option<Party>, Denial> {
    if let Some(known) = registry.find(&id) {
        return Ok(Some(bare_registered(known, id)));
    }
    match unregistered_client {
        UnregisteredClient::Deny => Err(unregistered(&id)),
        UnregisteredClient::Subject => Ok(None),
        UnregisteredClient::Service => Ok(Some(Party::bare(Kind::Service, id))),
        UnregisteredClient::Agent => Ok(Some(Party::bare(Kind::Agent, id))),
    }
}

fn unregistered(id: &PartyId) -> Denial {
    Denial::new(Reason::ActorUnregistered).because(format!("`{id}` is not in the registry"))
}

#[cfg(test)]
mod tests;
