//! Whether votes suffice: distinct approvers, none of whom asks, acts, or answers for one who does.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{Approvers, Demand};
use crate::model::approval::{Requester, Vote, Voter};
use crate::model::name::ProviderName;
use crate::model::party::{Parties, PartyId, Prior};

/// How votes stand against a demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They suffice.
    Met,
    /// They do not yet; what is missing, for people.
    Missing(String),
}

/// Why somebody has no vote on an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoVote {
    /// Who asks, acts, or answers for one of them, approves nothing of their own.
    TakesPart,
    /// Nobody has asked for this one's approval.
    NotAsked,
}

impl NoVote {
    /// The code that answers and records use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TakesPart => "takes_part",
            Self::NotAsked => "not_an_approver",
        }
    }
}

impl fmt::Display for NoVote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TakesPart => {
                "who asks, acts, or answers for one of them, approves nothing of their own"
            }
            Self::NotAsked => "the approval of somebody else is asked for",
        })
    }
}

/// The names of those who ask: the subject, the actor, whoever acted before, and the owners of all of them. An id counts whichever provider it is from, and in
/// whichever case: somebody with two accounts is still one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asking(BTreeSet<String>);

impl From<&Parties> for Asking {
    fn from(parties: &Parties) -> Self {
        let each = parties.each();
        let each = each.map(|party| (&party.id, party.owner.as_ref()));
        Self::of(each.chain(parties.prior.iter().map(prior)))
    }
}

impl From<&Requester> for Asking {
    fn from(requester: &Requester) -> Self {
        let each = std::iter::once(&requester.subject).chain(requester.actor.as_ref());
        let each = each.map(|it| (&it.id, it.owner.as_ref()));
        Self::of(each.chain(requester.prior.iter().map(prior)))
    }
}

fn prior(prior: &Prior) -> (&PartyId, Option<&Arc<str>>) {
    (&prior.id, prior.owner.as_ref())
}

impl Asking {
    fn of<'a>(each: impl Iterator<Item = (&'a PartyId, Option<&'a Arc<str>>)>) -> Self {
        let mut names = BTreeSet::new();
        for (id, owner) in each {
            names.extend([named(&id.id), named(&id.to_string())]);
            names.extend(owner.into_iter().flat_map(|owner| names_of(owner)));
        }
        Self(names)
    }

    /// Whether this one is among them, answers to one of them, is answered for by one of them, or votes through one of them.
    pub fn includes(&self, voter: &Voter) -> bool {
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
        } = voter;
        let ids = std::iter::once(id).chain(actor).chain(prior);
        let names = ids.flat_map(|id| [named(&id.id), named(&id.to_string())]);
        let owners = owner.iter().chain(owners);
        let mut names = names.chain(owners.flat_map(|owner| names_of(owner)));
        names.any(|name| self.0.contains(&name))
    }
}

impl Demand {
    /// How votes stand: those that count are a yes, from distinct approvers, none of whom is `asking`. An approver that fits several
    /// of `from` counts for each of them.
    pub fn standing<'a>(
        &self,
        votes: impl IntoIterator<Item = &'a Vote>,
        asking: impl Into<Asking>,
    ) -> Standing {
        let asking = asking.into();
        let yes = votes.into_iter().filter(|vote| vote.approve);
        let counting: Vec<&Voter> = yes
            .map(|vote| &vote.voter)
            .filter(|voter| !asking.includes(voter))
            .collect();
        let missing: Vec<String> = self
            .from
            .iter()
            .filter_map(|approvers| missing(approvers, &counting))
            .collect();
        if missing.is_empty() && !self.from.is_empty() {
            Standing::Met
        } else {
            Standing::Missing(missing.join(", and "))
        }
    }

    /// Whether the vote of this one can count for those who are `asking`.
    pub fn may_vote(&self, voter: &Voter, asking: impl Into<Asking>) -> Result<(), NoVote> {
        if asking.into().includes(voter) {
            return Err(NoVote::TakesPart);
        }
        let asked = self.from.iter().any(|approvers| approvers.include(voter));
        asked.then_some(()).ok_or(NoVote::NotAsked)
    }
}

/// How many more of these are needed, for people; none if there are enough.
fn missing(of: &Approvers, voters: &[&Voter]) -> Option<String> {
    let voters = voters.iter().filter(|voter| of.include(voter));
    let people: BTreeSet<String> = voters.map(|voter| person(voter)).collect();
    let there = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let missing = of.quorum.saturating_sub(there);
    let more = Approvers {
        who: of.who.clone(),
        quorum: missing,
    };
    (missing > 0).then(|| format!("{more} more"))
}

/// Who it is that votes, whichever account is used: the one who answers for it, else its id. Two accounts with one id are one
/// person, and so are two agents of one owner.
fn person(voter: &Voter) -> String {
    match &voter.owner {
        Some(owner) => named(bare(owner)),
        None => named(&voter.id.id),
    }
}

/// An owner as it is written, and without the provider that may stand before it: `corp/alice` is who `alice` is.
fn names_of(owner: &str) -> [String; 2] {
    [named(owner), named(bare(owner))]
}

fn bare(owner: &str) -> &str {
    match owner.split_once('/') {
        Some((issuer, id)) if ProviderName::new(issuer).is_ok() => id,
        Some(_) | None => owner,
    }
}

fn named(text: &str) -> String {
    text.to_lowercase()
}
