//! What a revocation leaves of an approval: the votes of somebody who is revoked do not count any more, and what does not stand is
//! not signed either.

use crate::authorizer::snapshot::Snapshot;
use crate::keys::SignError;
use crate::model::approval::{Approval, Vote, Voter};
use crate::model::party::PartyId;
use crate::model::time::Timestamp;
use crate::revocation::{Judge, Name, Standing};

/// How every SPIFFE ID begins.
const SPIFFE: &str = "spiffe://";

impl Snapshot {
    /// Whether a vote still counts: nothing is revoked that names whoever gave it, acted for them, or answers for one of them. It
    /// was given with a credential that is no younger than it is, so a cut that comes later ends it too.
    pub fn stands(&self, vote: &Vote) -> bool {
        let Some(mut judge) = self.live.revocations.judge() else {
            return true;
        };
        let Voter {
            id,
            kind: _,
            groups: _,
            owner,
            actor,
            prior,
            owners,
            acr: _,
            auth_time: _,
        } = &vote.voter;
        let at = Some(vote.at);
        if let Some(issuer) = &id.issuer {
            judge.name(&Name::Subject(issuer, &id.id), at);
        }
        let alone = actor.is_none().then_some(id);
        for party in prior.iter().chain(actor).chain(alone) {
            if let Some(issuer) = &party.issuer {
                judge.name(&Name::Actor(issuer, &party.id), at);
            }
        }
        for owner in owner.iter().chain(owners) {
            judge.name(&Name::Owner(owner), at);
        }
        for party in prior.iter().chain(actor).chain([id]) {
            self.name_everywhere(&mut judge, party, at);
        }
        judge.standing() == Standing::Good
    }

    /// Names a party by what it is in whatever role.
    fn name_everywhere(&self, judge: &mut Judge<'_>, party: &PartyId, at: Option<Timestamp>) {
        if let Some(issuer) = &party.issuer {
            judge.name(&Name::Issuer(issuer), at);
        }
        if party.id.starts_with(SPIFFE) {
            judge.name(&Name::Spiffe(&party.id), at);
        }
        if let Some(known) = self.registry.find(party) {
            judge.name(&Name::Owner(&known.owner), at);
        }
    }

    /// Those of these votes that still count.
    pub(super) fn counting<'v>(&self, votes: &'v [Vote]) -> impl Iterator<Item = &'v Vote> {
        votes.iter().filter(|vote| self.stands(vote))
    }

    /// An approval as a token for the call that it is for, if this server signs them and it can be used at `now`.
    pub fn signed(&self, approval: &Approval, now: Timestamp) -> Option<Result<String, SignError>> {
        let tokens = self.approvals.tokens.as_ref()?;
        if self.is_revoked(&approval.id) || !approval.votes.iter().all(|it| self.stands(it)) {
            return None;
        }
        tokens.sign(approval, now)
    }
}
