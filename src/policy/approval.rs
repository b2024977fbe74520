//! What an approval must be for a call to pass, and how the rules end when that is all that is missing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::approval::{ApprovalKey, Details, Requester, Ticket, Vote, Voter};
pub use crate::model::approver::{Approvers, Who};
use crate::model::glob::Glob;
use crate::model::name::{ProviderName, RuleId};
use crate::model::party::{Parties, PartyId};
use crate::model::verdict::{Grant, Verdict};

/// How the rules end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// All is said.
    Decided(Verdict),
    /// The call passes as the grant says once somebody approves it, and not before.
    Awaits(Box<Awaited>),
}

impl Ruling {
    /// The verdict where nothing is opened or used: whoever must wait, waits.
    pub fn unopened(self) -> Verdict {
        match self {
            Self::Decided(verdict) => verdict,
            Self::Awaits(awaited) => Verdict::Pending(Ticket {
                id: None,
                rule: awaited.demand.rules.first().cloned(),
                expires: None,
                url: None,
                status_url: None,
            }),
        }
    }
}

/// A call that lacks an approval and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    /// What is demanded.
    pub demand: Demand,
    /// What exactly would be approved.
    pub matter: Matter,
    /// How it passes then; nothing of it is carried out before.
    pub grant: Grant,
}

/// What exactly an approval is about. Whoever asks for the same again, with the same credential's key, has the same matter; whoever
/// asks for anything else has another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Matter {
    /// What the approval is found by.
    pub key: ApprovalKey,
    /// SHA-256 of the canonical form (RFC 8785) of what it is bound to; part of the key.
    pub digest: [u8; 32],
    /// Whose route it is, where one server decides for several; part of the key.
    pub tenant: Option<Arc<str>>,
    /// What approvers are shown of it.
    pub details: Details,
}

/// All that the rules of a call demand of an approval: every approver, the shortest time, the fewest uses, the union of what it is
/// bound to.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The rules that demand it, in the order of their ids; never empty.
    pub rules: Vec<RuleId>,
    /// Whose approval is needed: of each of them.
    pub from: Vec<Approvers>,
    /// How long it is good from the last approval on.
    pub ttl: Duration,
    /// How long it can be decided.
    pub pending: Duration,
    /// How often it can be used.
    pub uses: u32,
    /// What of the call it is bound to.
    pub bind: Bind,
    /// Whether approvers must say why.
    pub reason_required: bool,
}

/// What of a call an approval is bound to, beside who asks for what on which route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// Everything: arguments, path parameters, the query, and the body where the action reads HTTP. What else is named adds nothing.
    pub everything: bool,
    /// `args`, `args.segment`, `params.id`, `query`, `body`, …; sorted, each once.
    pub names: Vec<Arc<str>>,
}

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

/// The names of those who ask: the subject, the actor, and the owners of both. An id counts whichever provider it is from, and in
/// whichever case: somebody with two accounts is still one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asking(BTreeSet<String>);

impl From<&Parties> for Asking {
    fn from(parties: &Parties) -> Self {
        let each = parties.each();
        Self::of(each.map(|party| (&party.id, party.owner.as_ref())))
    }
}

impl From<&Requester> for Asking {
    fn from(requester: &Requester) -> Self {
        let each = std::iter::once(&requester.subject).chain(requester.actor.as_ref());
        Self::of(each.map(|it| (&it.id, it.owner.as_ref())))
    }
}

impl Asking {
    fn of<'a>(each: impl Iterator<Item = (&'a PartyId, Option<&'a Arc<str>>)>) -> Self {
        let mut names = BTreeSet::new();
        for (id, owner) in each {
            names.extend([named(&id.id), named(&id.to_string())]);
            names.extend(owner.map(|owner| named(owner)));
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
            acr: _,
            auth_time: _,
        } = voter;
        let ids = std::iter::once(id).chain(actor.as_ref());
        let names = ids.flat_map(|id| [named(&id.id), named(&id.to_string())]);
        let mut names = names.chain(owner.as_ref().map(|owner| named(owner)));
        names.any(|name| self.0.contains(&name))
    }
}

impl Demand {
    /// How votes stand: those that count are a yes, from distinct approvers, none of whom is `asking`. An approver that fits several
    /// of `from` counts for each of them.
    pub fn standing(&self, votes: &[Vote], asking: impl Into<Asking>) -> Standing {
        let asking = asking.into();
        let counting = votes.iter().filter(|vote| vote.approve);
        let counting = counting
            .map(|vote| &vote.voter)
            .filter(|voter| !asking.includes(voter));
        let missing: Vec<String> = self
            .from
            .iter()
            .filter_map(|approvers| approvers.missing(counting.clone()))
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
        let asked = self.from.iter().any(|approvers| approvers.fits(voter));
        asked.then_some(()).ok_or(NoVote::NotAsked)
    }
}

impl Approvers {
    fn fits(&self, voter: &Voter) -> bool {
        self.who.iter().any(|who| who.fits(voter))
    }

    /// How many more are needed, for people; none if there are enough.
    fn missing<'a>(&self, voters: impl Iterator<Item = &'a Voter>) -> Option<String> {
        let people: BTreeSet<String> = voters
            .filter(|voter| self.fits(voter))
            .map(person)
            .collect();
        let there = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let missing = self.quorum.saturating_sub(there);
        (missing > 0).then(|| {
            let more = Self {
                who: self.who.clone(),
                quorum: missing,
            };
            format!("{more} more")
        })
    }
}

impl Who {
    /// Whether a verified approver is one of these.
    pub fn fits(&self, voter: &Voter) -> bool {
        let Self {
            issuer,
            kind,
            id,
            group,
        } = self;
        let own = voter.id.issuer.as_ref();
        let by_issuer = issuer.is_empty() || own.is_some_and(|own| issuer.contains(own));
        let by_id = id.is_empty() || id.iter().any(|glob| glob.matches(&voter.id.id));
        let in_group =
            |glob: &crate::model::glob::Glob| voter.groups.iter().any(|own| glob.matches(own));
        let by_group = group.is_empty() || group.iter().any(in_group);
        own.is_some() && by_issuer && kind.contains(&voter.kind) && by_id && by_group
    }
}

/// Who it is that votes, whichever account is used: the one who answers for it, else its id. Two accounts with one id are one
/// person, and so are two agents of one owner.
fn person(voter: &Voter) -> String {
    named(voter.owner.as_ref().unwrap_or(&voter.id.id))
}

fn named(text: &str) -> String {
    text.to_lowercase()
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.everything {
            f.write_str("everything")
        } else {
            f.write_str(&self.names.join(" "))
        }
    }
}

impl fmt::Display for Approvers {
    /// `2 of corp human group leads or corp human id ada`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who: Vec<String> = self.who.iter().map(ToString::to_string).collect();
        write!(f, "{} of {}", self.quorum, who.join(" or "))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            issuer,
            kind,
            id,
            group,
        } = self;
        let globs = |globs: &[Glob]| globs.iter().map(Glob::as_str).collect::<Vec<_>>().join("|");
        let issuers: Vec<&str> = issuer.iter().map(ProviderName::as_str).collect();
        let kinds: Vec<&str> = kind.iter().map(|kind| kind.as_str()).collect();
        let mut words = Vec::new();
        if !issuers.is_empty() {
            words.push(issuers.join("|"));
        }
        words.push(kinds.join("|"));
        if !id.is_empty() {
            words.push(format!("id {}", globs(id)));
        }
        if !group.is_empty() {
            words.push(format!("group {}", globs(group)));
        }
        f.write_str(&words.join(" "))
    }
}
