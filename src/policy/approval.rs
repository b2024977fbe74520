//! What an approval must be for a call to pass, and how the rules end when that is all that is missing.

use std::sync::Arc;
use std::time::Duration;

use crate::model::approval::{Ticket, Vote};
pub use crate::model::approver::{Approvers, Who};
use crate::model::name::RuleId;
use crate::model::party::Parties;
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
    /// How it passes then; nothing of it is carried out before.
    pub grant: Grant,
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

impl Demand {
    /// How votes stand, of those that count: yes, from distinct approvers, none of whom asks, acts, or answers for one who does.
    pub fn standing(&self, votes: &[Vote], asking: &Parties) -> Standing {
        let own = |vote: &&Vote| asking.each().any(|party| party.id == vote.voter.id);
        let counting: Vec<&Vote> = votes.iter().filter(|it| it.approve && !own(it)).collect();
        let met = |from: &Approvers| {
            let fitting = counting.iter().filter(|it| from.include(&it.voter));
            fitting.count() >= usize::try_from(from.quorum).unwrap_or(usize::MAX)
        };
        match self.from.iter().find(|from| !met(from)) {
            Some(from) => Standing::Missing(from.to_string()),
            None => Standing::Met,
        }
    }
}
