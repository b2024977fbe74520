//! What an approval must be for a call to pass, and how the rules end when that is all that is missing.
//!
//! Nothing here knows which approvals there are: an evaluation says what is demanded and what exactly would be approved, and
//! whoever keeps approvals asks [`Demand::standing`] whether the votes suffice.

mod bind;
mod body;
mod compile;
mod content;
mod form;
pub(super) mod lint;
mod matter;
mod standing;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::approval::{ApprovalKey, Details, Ticket};
use crate::model::name::RuleId;
use crate::model::verdict::{Grant, Verdict};

pub use crate::model::approver::{Approvers, Who};
pub use standing::{Asking, NoVote, Standing};

pub(super) use matter::matter;

/// The header that tells the upstream which use of which approval a request is: it can recognise one that comes twice.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The same name as some servers read it.
pub const IDEMPOTENCY_VARIABLE: &str = "idempotency_key";

/// How the rules end.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and it is not worth an allocation a call"
)]
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
            Self::Awaits(awaited) => awaited.unopened(),
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

impl Awaited {
    /// The verdict where nothing is opened or used.
    pub fn unopened(&self) -> Verdict {
        Verdict::Pending(Ticket {
            id: None,
            rule: self.demand.rules.first().cloned(),
            expires: None,
            url: None,
            status_url: None,
        })
    }
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

/// What one rule demands.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    from: Vec<Approvers>,
    ttl: Duration,
    pending: Duration,
    uses: u32,
    pub(super) bind: Bind,
    /// Where each name of `bind` stands in the rule, if a list was written.
    places: Vec<bind::Placed>,
    reason_required: bool,
}

impl Wanted {
    /// How often it can be used, and how long it is good.
    pub(super) const fn extent(&self) -> (u32, Duration) {
        (self.uses, self.ttl)
    }

    /// Everybody who may approve.
    pub(super) fn approvers(&self) -> impl Iterator<Item = &Who> {
        self.from.iter().flat_map(|approvers| &approvers.who)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<String> = self.from.iter().map(ToString::to_string).collect();
        write!(f, "approval of {}", from.join(", and of "))
    }
}

impl Demand {
    /// What all of these rules demand together; the order in which they come never matters. None without a rule.
    pub(super) fn of<'a>(
        wanted: impl IntoIterator<Item = (&'a RuleId, &'a Wanted)>,
    ) -> Option<Self> {
        let mut wanted = wanted.into_iter();
        let (rule, first) = wanted.next()?;
        let mut rules = BTreeSet::from([rule.clone()]);
        let mut demand = first.demand();
        for (rule, wanted) in wanted {
            let Self {
                rules: _,
                from,
                ttl,
                pending,
                uses,
                bind,
                reason_required,
            } = wanted.demand();
            rules.insert(rule.clone());
            demand.from.extend(from);
            demand.ttl = demand.ttl.min(ttl);
            demand.pending = demand.pending.min(pending);
            demand.uses = demand.uses.min(uses);
            demand.bind = demand.bind.and(bind);
            demand.reason_required |= reason_required;
        }
        demand.rules = rules.into_iter().collect();
        demand.from.sort_by_key(ToString::to_string);
        demand.from.dedup();
        Some(demand)
    }
}

impl Wanted {
    fn demand(&self) -> Demand {
        Demand {
            rules: Vec::new(),
            from: self.from.clone(),
            ttl: self.ttl,
            pending: self.pending,
            uses: self.uses,
            bind: self.bind.clone(),
            reason_required: self.reason_required,
        }
    }
}

impl Bind {
    /// What both are bound to.
    fn and(self, other: Self) -> Self {
        let mut names: BTreeSet<Arc<str>> = self.names.into_iter().collect();
        names.extend(other.names);
        let everything = self.everything || other.everything;
        Self {
            everything,
            names: if everything {
                Vec::new()
            } else {
                names.into_iter().collect()
            },
        }
    }
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
