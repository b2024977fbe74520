//! When the checks of the identities' lives are made in a call, about whom, and what follows from what they find.
//!
//! Whoever a credential speaks of is checked, inside a delegation chain as well: one identity that is off-boarded refuses
//! the call. What belongs to the call itself (its credential, its workload) is the matter of the identity that makes it.

use crate::model::header;
use crate::model::identity::TokenFacts;
use crate::model::lifecycle::{Level, Raised};
use crate::model::party::{Kind, Parties, Party, PartyId};
use crate::model::request::AccessRequest;
use crate::model::route::Tier;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;
use crate::registry::{Found, Lifecycle, Registry, Use};

/// Most warnings of one call; a chain is short, so a call with more is nothing that anybody reads to its end. What
/// denies is never left out.
pub(super) const MAX_RAISED: usize = 16;

/// What the checks of one call are made with.
pub(super) struct Life<'a> {
    pub(super) registry: &'a Registry,
    pub(super) lifecycle: &'a Lifecycle,
    /// The route's environment.
    pub(super) environment: Option<&'a str>,
    pub(super) now: Timestamp,
}

impl Life<'_> {
    /// Checks everybody who is registered, before any of them becomes a party.
    pub(super) fn of_identities(
        &self,
        ids: impl Iterator<Item = PartyId>,
        raised: &mut Vec<Raised>,
    ) -> Result<(), Denial> {
        for id in ids {
            if let Some(known) = self.registry.find(&id) {
                let found = self
                    .lifecycle
                    .of_identity(known, self.environment, self.now);
                raise(found, &id, raised)?;
            }
        }
        Ok(())
    }

    /// Checks the parties that are not human, and how the one that makes the call does so.
    pub(super) fn of_parties(
        &self,
        parties: &Parties,
        how: &Use<'_>,
        raised: &mut Vec<Raised>,
    ) -> Result<(), Denial> {
        for party in parties.each().filter(|party| !is_human(party)) {
            let found = self.lifecycle.of_party(self.registry.find(&party.id));
            raise(found, &party.id, raised)?;
        }
        let Some(maker) = maker(parties) else {
            return Ok(());
        };
        let known = self.registry.find(&maker.id);
        raise(
            self.lifecycle.of_use(known, how, self.now),
            &maker.id,
            raised,
        )
    }

    /// Checks what the tier of the action demands.
    pub(super) fn of_tier(
        &self,
        parties: &Parties,
        tier: Tier,
        token: &TokenFacts,
        raised: &mut Vec<Raised>,
    ) -> Result<(), Denial> {
        match maker(parties) {
            Some(maker) => raise(self.lifecycle.of_tier(tier, token.proof), &maker.id, raised),
            None => Ok(()),
        }
    }
}

/// How the identity that makes the call uses its credential.
pub(super) fn how<'a>(
    request: &AccessRequest,
    parties: &Parties,
    token: &TokenFacts,
    workload: Option<&'a SpiffeId>,
) -> Use<'a> {
    // A person whose browser runs a registered client uses an identity of their own.
    let of_person = parties.subject.kind == Kind::Human && parties.depth == 0;
    Use {
        issued: token.issued,
        expires: token.expires,
        proof: token.proof,
        workload: workload.map(SpiffeId::as_str),
        browser: !of_person && is_browser(request),
    }
}

/// A browser's cross-origin request has `origin` (RFC 6454, section 7), and only a browser can set `sec-fetch-*` (Fetch Metadata
/// Request Headers, section 2).
fn is_browser(request: &AccessRequest) -> bool {
    let mut headers = request.headers.iter();
    headers.any(|(name, _)| name == header::ORIGIN || name.starts_with(header::FETCH_METADATA))
}

const fn is_human(party: &Party) -> bool {
    match party.kind {
        Kind::Human | Kind::Anonymous => true,
        Kind::Service | Kind::Agent => false,
    }
}

/// The party that makes the call, if it is not human: the one that acts, or else the one that it acts for.
fn maker(parties: &Parties) -> Option<&Party> {
    let parties = [parties.acting(), &parties.subject];
    parties.into_iter().find(|party| !is_human(party))
}

/// Keeps what was found; the first that denies ends the call.
fn raise(found: Vec<Found>, id: &PartyId, raised: &mut Vec<Raised>) -> Result<(), Denial> {
    for Found { check, level } in found {
        let this = Raised {
            check,
            level,
            id: id.clone(),
        };
        match level {
            Level::Off => {}
            Level::Warn if raised.len() >= MAX_RAISED || raised.contains(&this) => {}
            Level::Warn => raised.push(this),
            Level::Deny => {
                raised.push(this);
                let cause = format!("`{id}`: {check}");
                return Err(Denial::new(check.reason()).because(cause));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
